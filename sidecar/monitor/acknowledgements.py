"""Acknowledgements of the alarms that are still listed; the store keeps the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from detectors.records.verdict import Alarm, Verdict
from detectors.watch.analysis import MOST_ALARMS
from sidecar.admin.api import RefusedError
from sidecar.export.base import Series
from sidecar.store.base import Acknowledgement


def acknowledgement(alarm_id: str, by: str, control: str, now_s: float) -> Acknowledgement:
    """That ``by`` has seen the alarm, and the compensating ``control``. RefusedError where a text is empty or too long."""
    by, control = by.strip(), control.strip()
    if not (0 < len(by) <= 100 and 0 < len(control) <= 1000):
        raise RefusedError("need by of 1 to 100 characters, and control of 1 to 1000")
    return Acknowledgement(alarm_id, now_s, by, control)


class Acknowledgements:
    """``by_alarm``: by the alarm's id, oldest first."""

    def __init__(self) -> None:
        self.by_alarm: Mapping[str, Acknowledgement] = {}

    def know(self, more: Iterable[Acknowledgement]) -> None:
        """Those of alarms that are no longer listed are forgotten."""
        known = {**self.by_alarm, **{one.alarm_id: one for one in more}}
        self.by_alarm = dict(sorted(known.items(), key=lambda item: item[1].at_s)[-MOST_ALARMS:])

    def of(self, verdicts: Sequence[Verdict], alarms: Iterable[Alarm]) -> dict[Series, bool]:
        """Of each stratum that is out of control: whether the last of its ``alarms`` was acknowledged."""
        last = {alarm.verdict.series: alarm.id for alarm in alarms}
        moved = (verdict.series for verdict in verdicts if verdict.state == "out_of_control")
        return {series: last.get(series) in self.by_alarm for series in moved}
