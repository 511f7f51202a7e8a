"""What the analysis says, as metrics: asked for at each scrape, so nothing here grows or goes stale."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from detectors.records.verdict import State, Verdict
from detectors.stats.rate_gap import GAP_STATES
from detectors.watch.gaps import Gap
from sidecar.export.exposition import SettledGauge

SERIES = ("behaviour", "stratum", "model")
WITHOUT_ONE: tuple[State, ...] = ("no_baseline", "no_user_key")
UNDER_A_BASELINE: tuple[State, ...] = ("in_control", "out_of_control")
"""States that each stratum has a series of, whether they hold or not; any other has one while it holds. With all nine, noughts
that say nothing would fill half of a scrape of hundreds of strata.
"""
DIGITS = 6
"""After the point, of rates, differences and logarithms: more is noise that every scrape carries."""
BASELINE_STATES = ("none", "expected_missing", "learning_next", "in_use", "unusable")
"""None yet; none though one is expected; in use while the next is learned; in use; of another classifier."""


_NUMBERS: tuple[tuple[str, str, Callable[[Verdict], float]], ...] = (
    ("kilter_rate_reference", "Rate of the baseline.", lambda one: one.reference),
    ("kilter_difference_ratio", "Live rate minus that of the baseline.", lambda one: one.difference),
    ("kilter_difference_ratio_low", "Lower end of the 95 % interval of the difference.", lambda one: one.interval_low),
    (
        "kilter_difference_ratio_high",
        "Upper end of the 95 % interval of the difference.",
        lambda one: one.interval_high,
    ),
    (
        "kilter_evidence",
        "log10 of the e-value of the window nearest to an alarm.",
        lambda one: round(_log10(one.e_value), 3),
    ),
    (
        "kilter_evidence_threshold",
        "log10 of the e-value that is an alarm.",
        lambda one: round(_log10(one.decision_interval), 3),
    ),
    (
        "kilter_effective_users",
        "From how many equal users the counts come.",
        lambda one: round(one.users, 1) if one.baseline_id else math.nan,
    ),
)
_GAPS: tuple[tuple[str, str, Callable[[Gap], float]], ...] = (
    ("kilter_gap_ratio", "Rate of a stratum minus that of its anchor (English).", lambda one: one.gap.estimate),
    ("kilter_gap_ratio_low", "Lower end of the 95 % interval of the gap.", lambda one: one.gap.low),
    ("kilter_gap_ratio_high", "Upper end of the 95 % interval of the gap.", lambda one: one.gap.high),
    ("kilter_gap_drift_ratio", "The gap minus that of the baseline.", lambda one: one.drift.estimate),
    ("kilter_gap_drift_ratio_low", "Lower end of the 95 % interval of the gap's drift.", lambda one: one.drift.low),
    ("kilter_gap_drift_ratio_high", "Upper end of the 95 % interval of the gap's drift.", lambda one: one.drift.high),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What is exported. Counters count since the state was begun; ``heard`` maps behaviours to Unix seconds (0: never),
    ``acknowledged`` each stratum that is out of control to whether somebody has said what is done about it, ``detectable`` each
    that can show one to the least rise that it would within a day. Verdicts, gaps and ``detectable`` that are the same objects as
    before are taken to hold the same.
    """

    verdicts: Sequence[Verdict]
    gaps: Sequence[Gap]
    heard: Mapping[str, float]
    alarms: Mapping[str, int]
    left_out: Mapping[str, int]
    invalid_ticks: Mapping[str, int]
    ticks: int
    unfinished: int
    suppressed: int
    judged_until_s: float
    baseline_id: str
    classifier: str
    baseline_state: str
    baseline_ready: bool
    budget: float
    store_errors: int
    annotations: int
    acknowledged: Mapping[tuple[str, str, str], bool]
    detectable: Mapping[tuple[str, str, str], float]


class VerdictCollector(Collector):
    """``judged()`` is asked at each scrape."""

    def __init__(self, judged: Callable[[], Judged]) -> None:
        self._judged = judged
        self._settled_for: tuple[object, object] = None, None
        self._settled: list[Metric] = []
        self._detectable_for: object = None
        self._detectable: list[Metric] = []

    def collect(self) -> Iterator[Metric]:
        """Every family; those of closed label sets with every label from the start."""
        judged = self._judged()
        if judged.verdicts is not self._settled_for[0] or judged.gaps is not self._settled_for[1]:
            self._settled_for = judged.verdicts, judged.gaps
            self._settled = [*_of_verdicts(judged.verdicts), *_of_gaps(judged.gaps)]
        if judged.detectable is not self._detectable_for:
            self._detectable_for = judged.detectable
            self._detectable = [_of_detectability(judged.detectable)]
        yield from self._settled
        yield from self._detectable
        yield from _of_acknowledgements(judged.acknowledged)
        yield from _of_counts(judged)
        yield from _of_the_baseline(judged)


def _of_verdicts(verdicts: Sequence[Verdict]) -> Iterator[Metric]:
    states = SettledGauge("kilter_state", "State of a stratum.", labels=[*SERIES, "state"])
    for verdict in verdicts:
        always = UNDER_A_BASELINE if verdict.baseline_id else WITHOUT_ONE
        for state in always if verdict.state in always else (*always, verdict.state):
            states.add_metric([*verdict.series, state], float(state == verdict.state))
    yield states
    for name, text, value in _NUMBERS:
        family = SettledGauge(name, text, labels=SERIES)
        for verdict in verdicts:
            if not math.isnan(shown := value(verdict)):
                family.add_metric(list(verdict.series), round(shown, DIGITS))
        yield family


def _of_detectability(shifts: Mapping[tuple[str, str, str], float]) -> Metric:
    family = SettledGauge(
        "kilter_detectable_difference_ratio",
        "Least rise of a rate that this baseline typically shows within a day, at its pace of traffic; absent where none.",
        labels=SERIES,
    )
    for series, shift in shifts.items():
        family.add_metric(list(series), round(shift, DIGITS))
    return family


def _of_acknowledgements(acknowledged: Mapping[tuple[str, str, str], bool]) -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "kilter_alarm_acknowledged",
        "Of a stratum that is out of control: 1 where its alarm was acknowledged.",
        labels=SERIES,
    )
    for series, done in sorted(acknowledged.items()):
        family.add_metric(list(series), float(done))
    yield family


def _of_gaps(gaps: Sequence[Gap]) -> Iterator[Metric]:
    for name, text, value in _GAPS:
        family = SettledGauge(name, text, labels=SERIES)
        for one in gaps:
            if not math.isnan(shown := value(one)):
                family.add_metric([one.behaviour, one.stratum, one.model], round(shown, DIGITS))
        yield family
    rows = [((one.behaviour, one.stratum, one.model), one.gap.state) for one in gaps]
    yield _states("kilter_gap_state", "State of a gap against its limit.", SERIES, rows, GAP_STATES)


def _of_counts(judged: Judged) -> Iterator[Metric]:
    for name, text, label, counts in (
        ("kilter_alarms", "Times that a stratum went out of control.", "behaviour", judged.alarms),
        ("kilter_observations_left_out", "Observations that are no independent trials.", "reason", judged.left_out),
        ("kilter_invalid_ticks", "Ticks that were not judged.", "reason", judged.invalid_ticks),
    ):
        counter = CounterMetricFamily(name, text, labels=[label])
        for value, count in sorted(counts.items()):
            counter.add_metric([value], count)
        yield counter
    for name, text, count in (
        ("kilter_ticks", "Ticks that were closed.", judged.ticks),
        ("kilter_unfinished_exchanges", "Exchanges that ended after their tick was closed.", judged.unfinished),
        ("kilter_alarms_suppressed", "Alarms that were not raised for want of users.", judged.suppressed),
        ("kilter_store_errors", "What could not be kept or read.", judged.store_errors),
        ("kilter_annotations", "Annotations of operators since the monitor's start.", judged.annotations),
    ):
        yield CounterMetricFamily(name, text, value=count)
    heard = GaugeMetricFamily(
        "kilter_behaviour_heard_timestamp_seconds",
        "Start of the last exchange that counted; 0: none.",
        labels=["behaviour"],
    )
    for behaviour, at_s in sorted(judged.heard.items()):
        heard.add_metric([behaviour], at_s)
    yield heard


def _of_the_baseline(judged: Judged) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "kilter_judged_until_timestamp_seconds", "End of the last tick that was judged.", value=judged.judged_until_s
    )
    yield GaugeMetricFamily(
        "kilter_false_alarm_budget_ratio", "Chance of any false alarm in a period.", value=judged.budget
    )
    yield GaugeMetricFamily(
        "kilter_baseline_ready", "Whether enough was learned to promote.", value=judged.baseline_ready
    )
    info = GaugeMetricFamily(
        "kilter_baseline_info", "The baseline in use and the classifier that runs.", labels=["baseline", "classifier"]
    )
    info.add_metric([judged.baseline_id, judged.classifier], 1)
    yield info
    rows = [((), judged.baseline_state)]
    yield _states("kilter_baseline_state", "Whether there is something to judge by.", (), rows, BASELINE_STATES)


def _states(
    name: str, text: str, labels: Sequence[str], rows: Iterable[tuple[Sequence[str], str]], states: Sequence[str]
) -> SettledGauge:
    """One series a state: 1 for the one that holds, 0 for the others."""
    family = SettledGauge(name, text, labels=[*labels, "state"])
    for series, holds in rows:
        for state in states:
            family.add_metric([*series, state], float(state == holds))
    return family


def _log10(e_value: float) -> float:
    return math.log10(e_value) if e_value > 0 else math.nan
