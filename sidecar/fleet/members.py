"""Who belongs to a fleet, how far each has told, and so which ticks are complete.

Rules of this file
* A tick is complete when every replica that is waited for has told it. One that has been silent for ``wait_s`` is waited
  for no longer, nor is an earlier process of a replica that has started anew.
* Nobody holds the fleet up for ever: what is two graces old and more is complete in any case.
* No tick is counted before it has ended by the store's clock, whatever the clock of a replica says.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from detectors.watch.rules import Rules
from sidecar.fleet.status import Replica

LEAST_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Member:
    """``heard_s`` is the store's time, ``now_s`` what its own clock said then. ``until``: the first tick that it has not told.
    ``after``: the incarnation before it on the same state directory, empty where none is known.
    """

    incarnation: str
    replica: str
    version: str
    until: int
    after: str
    heard_s: float
    now_s: float
    inflight: int

    @property
    def offset_s(self) -> float:
        """Its clock minus the store's."""
        return self.now_s - self.heard_s


def read(fields: Mapping[bytes, bytes]) -> list[Member]:
    """Of the hash ``members``; what is none is left out."""
    found = []
    for name, value in fields.items():
        try:
            heard, _, text = value.decode().partition(" ")
            said = json.loads(text)
            one = Member(
                name.decode(),
                str(said["replica"])[:100],
                str(said["version"])[:20],
                int(said["until"]),
                str(said["after"])[:100],
                float(heard),
                float(said["now_s"]),
                int(said["inflight"]),
            )
        except (ValueError, TypeError, KeyError, OverflowError):
            continue
        if math.isfinite(one.heard_s) and math.isfinite(one.now_s):
            found.append(one)
    return found


def waited_for(members: list[Member], now_s: float, rules: Rules) -> list[Member]:
    """Those of which a tick still needs a word."""
    ended = {one.after for one in members}
    return [one for one in members if one.incarnation not in ended and now_s - one.heard_s < wait_s(rules)]


def wait_s(rules: Rules) -> float:
    """How long a silent replica is waited for, seconds."""
    return max(rules.grace_s, LEAST_WAIT_S)


def complete_until(waited: list[Member], now_s: float, rules: Rules) -> int:
    """The first tick that is not complete; ``now_s``: the store's time.

    >>> rules = Rules(tick_s=60, grace_s=600)
    >>> one = Member("a", "a", "", 96, "", 6000.0, 6000.0, 0)
    >>> complete_until([one], 6000.0, rules), complete_until([], 6000.0, rules)
    (96, 80)
    """
    oldest = int((now_s - rules.grace_s - wait_s(rules)) // rules.tick_s)
    told = min((one.until for one in waited), default=oldest)
    return min(max(told, oldest), int(now_s // rules.tick_s))


def shown(members: list[Member], now_s: float, rules: Rules) -> tuple[Replica, ...]:
    """For people, by name."""
    rows = (
        Replica(one.replica, one.incarnation, one.version, one.until * rules.tick_s, one.offset_s, now_s - one.heard_s)
        for one in members
    )
    return tuple(sorted(rows, key=lambda row: (row.name, row.incarnation)))
