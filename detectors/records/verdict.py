"""What is said of one stratum: its state, the numbers behind it, and a sentence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

State = Literal[
    "no_baseline",
    "warming_up",
    "no_user_key",
    "too_few_users",
    "undetectable",
    "in_control",
    "watch",
    "out_of_control",
    "recovered",
]
STATES: tuple[State, ...] = get_args(State)
"""The one state set of every metric, table and page."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Rates and differences in [0, 1] and [-1, 1]; nan where there is nothing to say.

    ``e_value`` is the evidence of the window that is nearest to an alarm, ``decision_interval`` the value at which it
    would be one. ``estimate`` is the live rate: of the time since the change where there is one, else of the recent past;
    ``n_current`` its trials, conversations by the unit rules. ``interval_low`` to ``interval_high``
    holds the difference of live and reference rate. ``users`` is an effective number: how many equal ones these amount to.
    ``changed_at_s`` is the estimated Unix time of the change, ``at_s`` the end of the last tick that was judged.
    """

    behaviour: str
    stratum: str
    model: str
    state: State
    at_s: float
    explanation: str
    e_value: float = float("nan")
    decision_interval: float = float("nan")
    estimate: float = float("nan")
    reference: float = float("nan")
    difference: float = float("nan")
    interval_low: float = float("nan")
    interval_high: float = float("nan")
    n_reference: int = 0
    n_current: int = 0
    users: float = 0.0
    changed_at_s: float | None = None
    baseline_id: str = ""

    @property
    def series(self) -> tuple[str, str, str]:
        """(behaviour, stratum, model)."""
        return self.behaviour, self.stratum, self.model

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; nan becomes None."""
        return {name: None if value != value else value for name, value in asdict(self).items()}  # noqa: PLR0124  # nan


@dataclass(frozen=True, slots=True)
class Example:
    """A recent exchange of a stratum in alarm, by which an operator finds it in logs of his own."""

    at_s: float
    response_id: str
    trace_id: str
    app: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """A verdict that became ``out_of_control``, and up to 20 exchanges from then. ``id`` is the same on every replay."""

    id: str
    verdict: Verdict
    examples: tuple[Example, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "id": self.id,
            "verdict": self.verdict.to_dict(),
            "examples": [asdict(example) for example in self.examples],
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """The inverse of ``to_dict``."""
        fields = raw["verdict"].items()
        kept: dict[str, Any] = {
            name: float("nan") if value is None and name != "changed_at_s" else value for name, value in fields
        }
        return cls(raw["id"], Verdict(**kept), tuple(Example(**example) for example in raw["examples"]))
