"""What the page shows, row by row: the status in the order in which a person should read it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from detectors.records.baseline import OVERALL, REST
from detectors.records.verdict import Alarm, State, Verdict
from sidecar.admin.canary_view import CanaryGroup, canary_groups
from sidecar.admin.drawing import EvidenceDrawing, RateDrawing, evidence_drawing, percent, rate_drawing, top_of
from sidecar.admin.status import ATTENTION, Status, StratumStatus
from sidecar.store.base import Acknowledgement

_NAMES = {OVERALL: "all together", REST: "small ones together"}
_CAUSES = {
    "asking": "The canaries are being asked whether the model or the users changed.",
    "model": "The canaries say: the model changed.",
    "users": "The canaries say: the users changed, the model answers them as before.",
    "unknown": "The canaries cannot say whether the model or the users changed.",
}
ASKS: tuple[State, ...] = ("out_of_control", "watch", "recovered")
"""States that somebody should look at."""


@dataclass(frozen=True, slots=True)
class Row:
    """One stratum. ``rate`` is the live one; ``difference`` and ``detectable`` are in points, empty where there is nothing to say.
    ``cause``: what the canaries say of an alarm; ``alarm``: its id, where the page lists it.
    """

    stratum: str
    model: str
    state: State
    sentence: str
    rate: str
    reference: str
    drawing: RateDrawing
    difference: str
    evidence: EvidenceDrawing | None
    changed_at_s: float | None
    n: int
    detectable: str
    asks: bool
    acknowledged: bool
    cause: str = ""
    alarm: str = ""


@dataclass(frozen=True, slots=True)
class BehaviourView:
    """A behaviour, the worst stratum first. ``states`` counts its strata by state, in the order of attention."""

    name: str
    question: str
    rows: tuple[Row, ...]
    states: tuple[tuple[State, int], ...]
    scale: str

    @property
    def model(self) -> str | None:
        """The model of every row, None where there are several."""
        models = {row.model for row in self.rows}
        return models.pop() if len(models) == 1 else None

    @property
    def asks(self) -> bool:
        """Whether somebody should look at a stratum of it."""
        return any(row.asks for row in self.rows)


@dataclass(frozen=True, slots=True)
class AlarmView:
    """``now``: the state of its stratum. ``open``: it still holds, and nobody has acknowledged it."""

    alarm: Alarm
    acknowledgement: Acknowledgement | None
    now: str
    open: bool


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the page that is not said by the status itself."""

    headline: str
    states: tuple[tuple[State, int], ...]
    asking: tuple[tuple[BehaviourView, Row], ...]
    behaviours: tuple[BehaviourView, ...]
    silent: tuple[str, ...]
    alarms: tuple[AlarmView, ...]
    canary_groups: tuple[CanaryGroup, ...]


def view(status: Status) -> View:
    """The page of a status."""
    behaviours = _with_alarms(status, _with_causes(status, _behaviours(status)))
    shown = tuple(sorted((one for one in behaviours if one.rows), key=_worst))
    judged = [verdict.state for verdict in status.verdicts if verdict.state != "no_baseline"]
    return View(
        headline=_headline(status, judged),
        states=_counted(judged),
        asking=tuple(
            sorted(
                ((one, row) for one in shown for row in one.rows if row.asks),
                key=lambda pair: (ATTENTION.index(pair[1].state), pair[1].acknowledged),
            )
        ),
        behaviours=shown,
        silent=tuple(one.name for one in behaviours if not one.rows),
        alarms=_alarms(status),
        canary_groups=canary_groups(status.canaries),
    )


def _with_causes(status: Status, behaviours: Sequence[BehaviourView]) -> list[BehaviourView]:
    said = {
        (one.behaviour, _NAMES.get(one.stratum, one.stratum), one.model): _CAUSES.get(one.cause, "")
        for one in status.canaries.variants.causes
    }
    return [
        replace(
            one, rows=tuple(replace(row, cause=said.get((one.name, row.stratum, row.model), "")) for row in one.rows)
        )
        if said
        else one
        for one in behaviours
    ]


def _with_alarms(status: Status, behaviours: Sequence[BehaviourView]) -> list[BehaviourView]:
    """The last alarm of each stratum that is out of control."""
    last = {
        (
            alarm.verdict.behaviour,
            _NAMES.get(alarm.verdict.stratum, alarm.verdict.stratum),
            alarm.verdict.model,
        ): alarm.id
        for alarm in reversed(status.alarms)
    }
    return [
        replace(
            one,
            rows=tuple(
                replace(row, alarm=last.get((one.name, row.stratum, row.model), ""))
                if row.state == "out_of_control"
                else row
                for row in one.rows
            ),
        )
        for one in behaviours
    ]


def _headline(status: Status, judged: Sequence[State]) -> str:
    if not status.observing:
        return "Paused: traffic passes, nothing is looked at"
    moved = judged.count("out_of_control")
    if moved:
        return f"{moved} of {len(judged)} strata out of control"
    if not judged:
        return "Counting; nothing is judged yet"
    if "watch" in judged:
        return "No alarm, but something moves"
    if set(judged) == {"undetectable"}:
        return "No alarm can come: the baseline is too small to show a change"
    return "In control" if "in_control" in judged else "No alarm; too little is known yet"


def _behaviours(status: Status) -> list[BehaviourView]:
    verdicts: dict[str, list[Verdict]] = {}
    for verdict in status.verdicts:
        verdicts.setdefault(verdict.behaviour, []).append(verdict)
    acknowledged = _acknowledged(status)
    questions = {one.name: (one.question, one.strata) for one in status.behaviours}
    for name in verdicts:
        questions.setdefault(name, (name.replace("_", " "), ()))
    return [
        _behaviour(name, question, strata, verdicts.get(name, []), status.detectable, acknowledged)
        for name, (question, strata) in questions.items()
    ]


def _behaviour(
    name: str,
    question: str,
    strata: Sequence[StratumStatus],
    verdicts: Sequence[Verdict],
    detectable: Mapping[tuple[str, str, str], float],
    acknowledged: frozenset[tuple[str, str, str]],
) -> BehaviourView:
    tested = [verdict for verdict in verdicts if verdict.baseline_id]
    known = {verdict.series for verdict in tested}
    others = [one for one in strata if (name, one.stratum, one.model) not in known]
    sentences = {verdict.series: verdict.explanation for verdict in verdicts}
    ends = [end for verdict in tested for end in (*_live(verdict), verdict.reference)]
    top = top_of([*ends, *(one.interval_high for one in others)])
    rows = [_tested(verdict, top, detectable, verdict.series in acknowledged) for verdict in tested]
    seen = {(name, one.stratum, one.model) for one in others}
    unnamed = (one for one in verdicts if one.state == "no_user_key" and one.series not in known | seen)
    rows += [_tested(verdict, top, detectable, acknowledged=False) for verdict in unnamed]
    rows += [_counted_only(one, top, sentences.get((name, one.stratum, one.model), "")) for one in others]
    rows.sort(key=lambda row: (ATTENTION.index(row.state), -row.n, row.model, row.stratum))
    return BehaviourView(name, question, tuple(rows), _counted([row.state for row in rows]), f"0 to {100 * top:g} %")


def _live(verdict: Verdict) -> tuple[float, float]:
    """Interval of the live rate: that of the difference, from the reference on."""
    low, high = verdict.reference + verdict.interval_low, verdict.reference + verdict.interval_high
    return min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)


def _tested(verdict: Verdict, top: float, detectable: Mapping[tuple[str, str, str], float], acknowledged: bool) -> Row:
    counted = verdict.n_current > 0
    nan = float("nan")
    low, high = _live(verdict) if counted else (nan, nan)
    return Row(
        stratum=_NAMES.get(verdict.stratum, verdict.stratum),
        model=verdict.model,
        state=verdict.state,
        sentence=verdict.explanation,
        rate=percent(verdict.estimate) if counted else "",
        reference="" if math.isnan(verdict.reference) else percent(verdict.reference),
        drawing=rate_drawing(verdict.estimate if counted else nan, low, high, verdict.reference, top),
        difference=f"{_points(verdict.interval_low)} to {_points(verdict.interval_high)}" if counted else "",
        evidence=evidence_drawing(verdict.e_value, verdict.decision_interval),
        changed_at_s=verdict.changed_at_s,
        n=verdict.n_current,
        detectable=_points(detectable[verdict.series], "") if verdict.series in detectable else "",
        asks=verdict.state in ASKS,
        acknowledged=acknowledged and verdict.state == "out_of_control",
    )


def _counted_only(one: StratumStatus, top: float, sentence: str) -> Row:
    """A stratum that is compared with nothing: the rate of the window."""
    nan = float("nan")
    return Row(
        stratum=_NAMES.get(one.stratum, one.stratum),
        model=one.model,
        state=one.state,
        sentence=sentence,
        rate=percent(one.rate),
        reference="",
        drawing=rate_drawing(one.rate, one.interval_low, one.interval_high, nan, top),
        difference="",
        evidence=None,
        changed_at_s=None,
        n=one.n,
        detectable="",
        asks=False,
        acknowledged=False,
    )


def _points(difference: float, sign: str = "+") -> str:
    return "" if math.isnan(difference) else f"{100 * difference:{sign}.1f}"


def _counted(states: Sequence[State]) -> tuple[tuple[State, int], ...]:
    counts = Counter(states)
    return tuple((state, counts[state]) for state in ATTENTION if counts[state])


def _worst(one: BehaviourView) -> tuple[int, bool]:
    return min((ATTENTION.index(row.state), row.acknowledged) for row in one.rows)


def _acknowledged(status: Status) -> frozenset[tuple[str, str, str]]:
    """Series whose last alarm somebody has acknowledged."""
    last = {alarm.verdict.series: alarm.id for alarm in reversed(status.alarms)}
    return frozenset(series for series, alarm_id in last.items() if alarm_id in status.acknowledged)


def _alarms(status: Status) -> tuple[AlarmView, ...]:
    now = {verdict.series: verdict.state for verdict in status.verdicts}
    last: dict[tuple[str, str, str], str] = {}
    for alarm in status.alarms:  # newest first
        last.setdefault(alarm.verdict.series, alarm.id)
    found = []
    for alarm in status.alarms:
        series = alarm.verdict.series
        seen = status.acknowledged.get(alarm.id)
        holds = now.get(series) == "out_of_control" and last[series] == alarm.id
        found.append(AlarmView(alarm, seen, "still holds" if holds else "over", seen is None and holds))
    return tuple(found)
