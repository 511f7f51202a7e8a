"""How a process stands in its fleet: what is exported and shown. Plain numbers, so that it can always be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Role = Literal["none", "replica", "leading", "standby"]
ROLES: tuple[Role, ...] = ("none", "replica", "leading", "standby")
"""What a process is in its fleet: nothing without a store; a sidecar; the monitor that judges; one that would."""

Scope = Literal["local", "fleet"]
SCOPES: tuple[Scope, ...] = ("local", "fleet")
"""Whose behaviour the verdicts of this process are about: its own traffic alone, or the fleet's. A sidecar of a fleet says
``fleet`` while it leaves judging to the fleet's monitor."""

PARTS = ("told", "late", "dropped", "counted", "foreign", "unreadable", "invalid")
"""What became of a tick of one replica. A replica: told to the store; told after its tick was counted; dropped for want of
room. The monitor: counted; labelled by a classifier that it does not judge by; not readable; invalid for losses."""


@dataclass(frozen=True, slots=True)
class Replica:
    """One member as the monitor sees it. ``until_s``: everything that began before has been told; ``offset_s``: its clock
    minus the store's; ``silent_s`` since it was heard.
    """

    name: str
    incarnation: str
    version: str
    until_s: float
    offset_s: float
    silent_s: float


@dataclass(frozen=True, slots=True)
class FleetStatus:
    """``why`` says what is amiss, empty where nothing is. ``leader`` names the monitor that judges. ``close_s``: from the end of
    the last counted tick to its verdicts.
    """

    role: Role = "none"
    scope: Scope = "local"
    why: str = ""
    store_up: bool = False
    leader: str = ""
    parts: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))
    thinned: int = 0
    held: int = 0
    offset_s: float = 0.0
    close_s: float = 0.0
    replicas: tuple[Replica, ...] = ()

    @property
    def sentence(self) -> str:
        """For a person: whose verdicts these are. Empty without a fleet.

        >>> FleetStatus().sentence, FleetStatus("replica", why="no answer within 2 s").sentence
        ('', "Alone: this sidecar judges its own traffic, since the fleet's monitor cannot: no answer within 2 s.")
        """
        if self.role == "none":
            return ""
        if self.role == "replica":
            if self.scope == "fleet":
                return "The fleet's monitor judges this sidecar's traffic with that of all others; its verdicts are shown there."
            return f"Alone: this sidecar judges its own traffic, since the fleet's monitor cannot: {self.why}."
        amiss = f" Not now: {self.why}." if self.why else ""
        if self.role == "leading":
            return f"These are the verdicts of a fleet of {len(self.replicas)} sidecars.{amiss}"
        return (
            f"This monitor stands by; {self.leader or 'no other one'} judges the fleet, and shows its verdicts.{amiss}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "parts": dict(self.parts), "says": self.sentence}
