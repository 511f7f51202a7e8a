"""What became of the canaries: counts since the monitor's start, figures over the window, records in the evidence log."""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sidecar.canary import duration
from sidecar.canary.errands import Errands
from sidecar.canary.findings import NamedGap, pairs
from sidecar.canary.judge_drift import JudgeDrift
from sidecar.canary.patrol import Patrol
from sidecar.canary.prober import Probe, Prober
from sidecar.canary.results import Results, Row
from sidecar.canary.shelf import STATES, Shelf
from sidecar.canary.window import Figures, Window
from sidecar.config_canary import Canary
from sidecar.export.canaries import OUTCOMES, Canaries, GapPoints, PassRatio
from sidecar.monitor.canary_findings import CanaryFindings, Record
from sidecar.monitor.canary_record import probe_record

log = logging.getLogger("kilter.monitor")

STALE_S = 60.0
"""Figures are made anew after this long even where nothing was asked: the window moves on."""

_SKIPS = {"load": "busy", "budget": "budget"}


@dataclass(frozen=True, slots=True)
class Live:
    """What asks now."""

    patrol: Patrol
    prober: Prober
    results: Results
    window: Window
    errands: Errands
    judge_drift: JudgeDrift | None = None


class CanaryTally:
    """``mix()``: traffic by language, in any unit. ``now``: Unix seconds. ``live`` is None while nothing can be asked."""

    def __init__(
        self,
        config: Canary,
        shelf: Shelf,
        record: Record,
        mix: Callable[[], Mapping[str, float]],
        now: Callable[[], float],
        findings: CanaryFindings,
    ) -> None:
        self._config = config
        self._shelf = shelf
        self._record = record
        self._mix = mix
        self._now = now
        self.live: Live | None = None
        self._probes: Counter[tuple[str, str, str, str]] = Counter()
        self._skipped: Counter[str] = Counter()
        self._success: dict[str, float] = {}
        self._tokens = 0
        self.findings = findings
        self._figures = Window(1.0).figures(0.0)
        self._figured_s: float | None = None
        self._left = config.tokens_a_day
        self._exposure: Mapping[str, int] = {}
        self._last_draws: Mapping[str, float] = {}
        self._stale = 0

    def recall(self, rows: Iterable[Row]) -> None:
        """What is known from before this process."""
        self._figured_s = None
        for row in rows:
            if row.outcome != "error":
                self._success[row.suite] = row.at_s

    def skipped(self, reason: str) -> None:
        """A canary was due and not asked, for one of ``export.canaries.SKIPS``."""
        self._skipped[reason] += 1

    def told(self, probe: Probe) -> None:
        """A probe has ended."""
        case, verdict = probe.case, probe.verdict
        self._probes[case.suite, case.group, case.language, verdict.outcome] += 1
        self._tokens += probe.tokens
        if probe.transcript is None:
            by_reason = "circuit_open" if verdict.reason == "circuit_open" else "unreadable_image"
            self.skipped(_SKIPS.get(verdict.decided_by, by_reason))
            return
        self._figured_s = None
        if verdict.outcome != "error":
            self._success[case.suite] = probe.at_s
        self._record("probe", probe_record(probe))

    def canaries(self) -> Canaries:
        """What is exported."""
        if not self._config.enabled:
            return Canaries()
        live, prompts = self.live, self.live.patrol.prompts if self.live else {}
        for (suite, language), cases in prompts.items():
            self._success.setdefault(suite, 0.0)
            for group in {case.group for case in cases}:
                for outcome in OUTCOMES:
                    self._probes.setdefault((suite, group, language, outcome), 0)
        figures = self._current()
        self._read_results()
        variants = self.findings.known(live.errands if live else None, self._stale)
        mix, spoken = self._mix(), {language for _, language in prompts}
        rotations = {one.suite.suite: one.suite.rotation for one in self._shelf.suites}
        lengths = {suite: duration.seconds(rotation.epoch) for suite, rotation in rotations.items()}
        return Canaries(
            enabled=True,
            asking=live is not None,
            resting=live is not None and live.prober.resting,
            probes=dict(self._probes),
            skipped=dict(self._skipped),
            ratios={
                cell: PassRatio(one.passed / one.decided, one.low, one.high, one.decided)
                for cell, one in figures.ratios.items()
            },
            gaps=[_points(named) for named in figures.gaps],
            valid=figures.valid,
            goodhart=figures.goodhart,
            hallucination=figures.hallucination,
            insecure_code=figures.insecure_code,
            hallucination_low=figures.hallucination_low,
            insecure_code_low=figures.insecure_code_low,
            over_refusal=figures.over_refusal,
            over_refusal_low=figures.over_refusal_low,
            pass_hat_k=figures.pass_hat_k,
            last_success=dict(self._success),
            exposure=self._exposure,
            exposure_limit={suite: rotation.max_uses for suite, rotation in rotations.items()},
            epoch={suite: max(int(self._now()), 0) // length for suite, length in lengths.items()},
            epoch_s=lengths,
            last_draw={suite: self._last_draws.get(suite, 0.0) for suite, _ in prompts},
            tokens_a_day=self._config.tokens_a_day,
            tokens_left=self._left,
            tokens=self._tokens,
            suites={state: self._shelf.count(state) for state in STATES},
            suite_errors=self._shelf.errors,
            variant=variants.last[:2] if variants.last else None,
            variants=variants,
            languages=_languages(mix, spoken),
            covered=_covered(mix, spoken),
            judge_drift=live.judge_drift.ratio if live and live.judge_drift else None,
        )

    def _current(self) -> Figures:
        now_s = self._now()
        if self.live and (self._figured_s is None or abs(now_s - self._figured_s) > STALE_S):
            window = self.live.window
            self._figures, self._figured_s = window.figures(now_s), now_s
            probes = window.probes(now_s)
            self.findings.take(probes, pairs(probes), self.live.results)
            self._stale = len(window.every(now_s)) - len(probes)
        return self._figures

    def _read_results(self) -> None:
        """What only the file knows; as it was last where that cannot be read."""
        if self.live:
            day = datetime.fromtimestamp(self._now(), UTC).date().isoformat()
            try:
                self._left = max(self._config.tokens_a_day - self.live.results.spent(day), 0)
                self._exposure = self.live.results.most_uses()
                self._last_draws = self.live.results.last_draws()
            except sqlite3.Error:
                return


def _points(named: NamedGap) -> GapPoints:
    axis, _, at = named.name.partition(":")
    language, step = (at, "") if axis == "language" else ("", at)
    gap = named.gap
    return GapPoints(
        axis,
        language,
        step,
        100 * gap.points,
        100 * gap.low,
        100 * gap.high,
        100 * gap.detectable,
        gap.pairs,
        gap.state,
    )


def _covered(mix: Mapping[str, float], languages: set[str]) -> float | None:
    total = sum(mix.values())
    return sum(mix.get(language, 0.0) for language in languages) / total if total > 0 else None


def _languages(mix: Mapping[str, float], spoken: set[str]) -> dict[str, tuple[float, bool]]:
    total = sum(mix.values())
    return {language: (part / total, language in spoken) for language, part in mix.items()} if total > 0 else {}
