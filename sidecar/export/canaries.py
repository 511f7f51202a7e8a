"""What the canaries say, as metrics: asked for at each scrape. All families are there from the start, also while they are off.

Points are of a hundred. Labels hold names of suites, groups and languages only, never of prompts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sidecar.export import variants
from sidecar.export.labels import OTHER

Cell = tuple[str, str, str]
"""(suite, group, language)."""

CELL = ("suite", "group", "language")
GAP = ("axis", "language", "step")
OUTCOMES = ("pass", "fail", "inconclusive", "error", "skipped")
GAP_STATES = ("ok", "watch", "exceeded", "insufficient_n")
SKIPS = ("budget", "busy", "circuit_open", "no_model", "unreadable_image", "failed")
"""Budget of the day or minute spent; users were served; the server is left alone after errors; it does not say what it
serves; an image cannot be read; an error of ours.
"""
_WELL_FORMED = re.compile(r"[\w][\w.:/@+ -]{0,99}", re.ASCII)
SUITE_STATES = ("loaded", "kept", "broken")


@dataclass(frozen=True, slots=True)
class PassRatio:
    """Of a cell, in [0, 1], with its 95 % interval, from ``decided`` probes."""

    ratio: float
    low: float
    high: float
    decided: int


@dataclass(frozen=True, slots=True)
class GapPoints:
    """How much worse the second way is; ``axis`` names the ways, ``language`` or ``step`` the place on it."""

    axis: str
    language: str
    step: str
    points: float
    low: float
    high: float
    detectable: float
    pairs: int
    state: str

    @property
    def labels(self) -> list[str]:
        """As ``GAP`` names them."""
        return [self.axis, self.language, self.step]


@dataclass(frozen=True, slots=True)
class Canaries:
    """What is exported. ``probes``: by cell and outcome, since the monitor's start. ``last_success`` and ``last_draw``: Unix
    seconds by suite, 0 for never. ``variant``: (model, fingerprint) that answered last. ``languages``: share of the traffic in each, and whether it has canaries. ``covered``: share of
    the traffic in a language that has canaries, None without traffic. ``judge_drift``: None without a judge.
    """

    enabled: bool = False
    asking: bool = False
    resting: bool = False
    probes: Mapping[tuple[str, str, str, str], int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    ratios: Mapping[Cell, PassRatio] = field(default_factory=dict)
    gaps: Sequence[GapPoints] = ()
    valid: Mapping[str, int] = field(default_factory=dict)
    goodhart: Mapping[str, float] = field(default_factory=dict)
    hallucination: Mapping[str, float] = field(default_factory=dict)
    insecure_code: float | None = None
    hallucination_low: Mapping[str, float] = field(default_factory=dict)
    insecure_code_low: float | None = None
    over_refusal: float | None = None
    over_refusal_low: float | None = None
    pass_hat_k: Mapping[int, float] = field(default_factory=dict)
    last_success: Mapping[str, float] = field(default_factory=dict)
    exposure: Mapping[str, int] = field(default_factory=dict)
    exposure_limit: Mapping[str, int] = field(default_factory=dict)
    epoch: Mapping[str, int] = field(default_factory=dict)
    epoch_s: Mapping[str, float] = field(default_factory=dict)
    last_draw: Mapping[str, float] = field(default_factory=dict)
    tokens_a_day: int = 0
    tokens_left: int = 0
    tokens: int = 0
    suites: Mapping[str, int] = field(default_factory=dict)
    suite_errors: int = 0
    variant: tuple[str, str] | None = None
    variants: variants.Variants = field(default_factory=variants.Variants)
    languages: Mapping[str, tuple[float, bool]] = field(default_factory=dict)
    covered: float | None = None
    judge_drift: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; what is not a number is null."""
        plain: dict[str, Any] = _without_nan(asdict(self))
        plain["probes"] = [
            {**dict(zip((*CELL, "outcome"), labels, strict=True)), "count": count}
            for labels, count in sorted(self.probes.items())
        ]
        plain["ratios"] = [
            {**dict(zip(CELL, cell, strict=True)), **asdict(ratio)} for cell, ratio in sorted(self.ratios.items())
        ]
        return plain


_RATIOS: tuple[tuple[str, str, Callable[[PassRatio], float]], ...] = (
    ("kilter_canary_pass_ratio", "Passed of the canaries that were decided.", lambda one: one.ratio),
    ("kilter_canary_pass_ratio_low", "Lower end of the 95 % interval of the pass ratio.", lambda one: one.low),
    ("kilter_canary_pass_ratio_high", "Upper end of the 95 % interval of the pass ratio.", lambda one: one.high),
    ("kilter_canary_decided", "Canaries that the pass ratio rests on.", lambda one: float(one.decided)),
)
_GAPS: tuple[tuple[str, str, Callable[[GapPoints], float]], ...] = (
    ("kilter_canary_gap_points", "Pass ratio the first way minus that the second way, paired.", lambda one: one.points),
    ("kilter_canary_gap_points_low", "Lower end of the 95 % interval of the gap.", lambda one: one.low),
    ("kilter_canary_gap_points_high", "Upper end of the 95 % interval of the gap.", lambda one: one.high),
    (
        "kilter_canary_gap_detectable_points",
        "Least gap that so many pairs would show, with power 0.8.",
        lambda one: one.detectable,
    ),
    ("kilter_canary_gap_pairs", "Pairs that the gap rests on.", lambda one: float(one.pairs)),
)


class CanaryCollector(Collector):
    """``canaries()`` is asked at each scrape."""

    def __init__(self, canaries: Callable[[], Canaries]) -> None:
        self._canaries = canaries

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        now = self._canaries()
        yield from _of_asking(now)
        yield from _of_ratios(now)
        yield from _of_gaps(now)
        yield from _of_coverage(now)
        yield from variants.families(now.variants)


def _of_asking(now: Canaries) -> Iterator[Metric]:
    yield GaugeMetricFamily("kilter_canary_enabled", "Whether the configuration turns canaries on.", value=now.enabled)
    yield GaugeMetricFamily("kilter_canary_up", "Whether canaries are being asked as scheduled.", value=now.asking)
    yield GaugeMetricFamily(
        "kilter_canary_circuit_open", "Whether the server is left alone after errors.", value=now.resting
    )
    probes = CounterMetricFamily("kilter_canary_probes", "Canaries by what came of them.", labels=[*CELL, "outcome"])
    for labels, count in sorted(now.probes.items()):
        probes.add_metric(list(labels), count)
    yield probes
    skipped = CounterMetricFamily("kilter_canary_skipped", "Canaries that were due and not asked.", labels=["reason"])
    for reason in SKIPS:
        skipped.add_metric([reason], now.skipped.get(reason, 0))
    yield skipped
    yield CounterMetricFamily("kilter_canary_tokens", "Tokens that canaries took.", value=now.tokens)
    yield GaugeMetricFamily(
        "kilter_canary_budget_tokens", "Tokens that canaries may take a day.", value=now.tokens_a_day
    )
    yield GaugeMetricFamily(
        "kilter_canary_budget_tokens_remaining", "What is left of the day's tokens.", value=now.tokens_left
    )
    yield _by(
        "kilter_canary_last_success_timestamp_seconds",
        "When a canary of the suite last got a whole reply; 0: never.",
        "suite",
        now.last_success,
    )
    yield _by("kilter_canary_exposure_max", "Uses of the suite's most used prompts.", "suite", now.exposure)
    yield _by(
        "kilter_canary_exposure_limit",
        "Uses after which a suite's prompts are drawn anew.",
        "suite",
        now.exposure_limit,
    )
    yield _by("kilter_canary_epoch", "Number of the epoch that the suite's prompts are drawn for.", "suite", now.epoch)
    yield _by("kilter_canary_epoch_seconds", "Length of the suite's epochs.", "suite", now.epoch_s)
    yield _by(
        "kilter_canary_last_draw_timestamp_seconds",
        "When fresh prompts of the suite were last begun; 0: never.",
        "suite",
        now.last_draw,
    )
    yield _by(
        "kilter_canary_suites",
        "Suite files: as they are, in their last good form, never readable.",
        "state",
        {state: now.suites.get(state, 0) for state in SUITE_STATES},
    )
    yield CounterMetricFamily("kilter_canary_suite_errors", "Suite files found broken or gone.", value=now.suite_errors)


def _of_ratios(now: Canaries) -> Iterator[Metric]:
    for name, text, value in _RATIOS:
        family = GaugeMetricFamily(name, text, labels=CELL)
        for cell, ratio in now.ratios.items():
            family.add_metric(list(cell), value(ratio))
        yield family
    yield _by("kilter_canary_group_decided", "Decided canaries of a group, in the window.", "group", now.valid)
    yield _by(
        "kilter_canary_goodhart_gap_points",
        "Pass ratio of frozen prompts minus that of fresh ones.",
        "group",
        now.goodhart,
    )
    yield _by(
        "kilter_canary_confident_hallucination_ratio",
        "Answers that were wrong and unhedged, of all facts asked.",
        "domain",
        now.hallucination,
    )
    yield _by(
        "kilter_canary_confident_hallucination_ratio_low",
        "Lower end of the 95 % interval of the ratio.",
        "domain",
        now.hallucination_low,
    )
    yield _maybe("kilter_canary_insecure_code_ratio", "Insecure of the code that could be read.", now.insecure_code)
    yield _maybe(
        "kilter_canary_insecure_code_ratio_low", "Lower end of the 95 % interval of the ratio.", now.insecure_code_low
    )
    yield _maybe("kilter_canary_over_refusal_ratio", "Refused of the harmless requests.", now.over_refusal)
    yield _maybe(
        "kilter_canary_over_refusal_ratio_low", "Lower end of the 95 % interval of the ratio.", now.over_refusal_low
    )
    yield _by(
        "kilter_canary_pass_hat_k",
        "Chance that all of k tries of a prompt pass (pass^k), of those asked so often.",
        "k",
        {str(k): ratio for k, ratio in now.pass_hat_k.items()},
    )
    yield _maybe(
        "kilter_judge_drift_ratio",
        "Replies of a fixed set on which the judge's opinion is no longer the one it had first.",
        now.judge_drift,
    )


def _of_gaps(now: Canaries) -> Iterator[Metric]:
    for name, text, value in _GAPS:
        family = GaugeMetricFamily(name, text, labels=GAP)
        for gap in now.gaps:
            family.add_metric(gap.labels, value(gap))
        yield family
    states = GaugeMetricFamily("kilter_canary_gap_state", "State of a gap against ten points.", labels=[*GAP, "state"])
    for gap in now.gaps:
        for state in GAP_STATES:
            states.add_metric([*gap.labels, state], float(gap.state == state))
    yield states


def _of_coverage(now: Canaries) -> Iterator[Metric]:
    yield _maybe("kilter_language_coverage_ratio", "Share of the traffic in a language that has canaries.", now.covered)
    yield _by(
        "kilter_language_share",
        "Share of the traffic in a language, of what could be told.",
        "language",
        {language: share for language, (share, _) in now.languages.items()},
    )
    yield _by(
        "kilter_language_covered",
        "Whether a language of the traffic has canaries.",
        "language",
        {language: float(has) for language, (_, has) in now.languages.items()},
    )


def shown(name: str) -> str:
    """A name that the server gave, as it may stand in a label: ``other`` where it is not well formed."""
    return name if not name or _WELL_FORMED.fullmatch(name) else OTHER


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([value], number)
    return family


def _maybe(name: str, text: str, value: float | None) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[])
    if value is not None:
        family.add_metric([], value)
    return family


def _without_nan(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_nan(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_without_nan(value) for value in node]
    return None if isinstance(node, float) and math.isnan(node) else node
