"""Alarms of the period: when the behaviour moved, when that was found, who has seen to it, and when it was back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sidecar.report.history import Entry, History, Series

_BACK = ("recovered", "in_control")


@dataclass(frozen=True, slots=True)
class Drift:
    """Unix times; None where it has not happened by the end of the period. ``changed_at_s`` is estimated. ``control``: the
    compensating control, None where its words were erased. ``cause``: what canaries say has changed, ``model`` or ``users``, or
    that they cannot tell; None where they were not asked. ``carried``: it was out of control when the period began.
    """

    series: Series
    seq: int
    changed_at_s: float | None
    alarmed_at_s: float
    acknowledged_at_s: float | None
    back_at_s: float | None
    by: str | None
    control: str | None
    explanation: str
    cause: str | None
    numbers: Mapping[str, Any]
    carried: bool

    @property
    def detect_s(self) -> float | None:
        """From the change to the alarm."""
        return None if self.changed_at_s is None else max(0.0, self.alarmed_at_s - self.changed_at_s)

    @property
    def acknowledge_s(self) -> float | None:
        """From the alarm to the acknowledgement."""
        return None if self.acknowledged_at_s is None else self.acknowledged_at_s - self.alarmed_at_s


def drifts(history: History) -> list[Drift]:
    """Oldest first."""
    carried = [entry for entry in history.states.values() if entry.data["state"] == "out_of_control"]
    begun = [*sorted(carried, key=lambda entry: entry.seq), *history.of("alarm")]
    return [_drift(history, entry, carried=entry.at_s < history.from_s) for entry in begun]


def _drift(history: History, alarm: Entry, *, carried: bool) -> Drift:
    later = [entry for entry in history.entries if entry.seq > alarm.seq]
    of_it = [
        entry
        for entry in later
        if entry.kind in ("verdict", "alarm", "acknowledgement", "diagnosis") and entry.series == alarm.series
    ]
    back = next((e for e in of_it if e.kind == "alarm" or (e.kind == "verdict" and e.data["state"] in _BACK)), None)
    until = back.seq if back else float("inf")
    seen = next((e for e in of_it if e.kind == "acknowledgement" and e.seq < until), None)
    told = [entry.data["cause"] for entry in of_it if entry.kind == "diagnosis" and entry.seq < until]
    words = (seen.payload if seen else None) or {}
    data = alarm.data
    return Drift(
        alarm.series,
        alarm.seq,
        data.get("changed_at_s"),
        alarm.at_s,
        seen.at_s if seen else None,
        back.at_s if back and back.kind == "verdict" else None,
        words.get("by"),
        words.get("control"),
        data.get("explanation", ""),
        told[-1] if told else None,
        {name: data[name] for name in _NUMBERS if name in data},
        carried,
    )


_NUMBERS = ("estimate", "reference", "difference", "interval_low", "interval_high", "n_current", "n_reference", "users")
