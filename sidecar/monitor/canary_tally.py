"""What became of the canaries: counts since the monitor's start, figures over the window, records in the evidence log."""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from sidecar.canary.findings import NamedGap
from sidecar.canary.patrol import Patrol
from sidecar.canary.prober import Probe, Prober
from sidecar.canary.results import Results, Row
from sidecar.canary.shelf import STATES, Shelf
from sidecar.canary.window import Figures, Window
from sidecar.config_canary import Canary
from sidecar.export.canaries import OUTCOMES, Canaries, GapPoints, PassRatio, shown

log = logging.getLogger("kilter.monitor")

STALE_S = 60.0
"""Figures are made anew after this long even where nothing was asked: the window moves on."""

_SKIPS = {"load": "busy", "budget": "budget"}


class Record(Protocol):
    """Keeps one record of the evidence log."""

    def __call__(self, kind: str, data: Mapping[str, Any]) -> None:
        """``data`` holds names and numbers only."""


@dataclass(frozen=True, slots=True)
class Live:
    """What asks now."""

    patrol: Patrol
    prober: Prober
    results: Results
    window: Window


class CanaryTally:
    """``mix()``: traffic by language, in any unit. ``now``: Unix seconds. ``live`` is None while nothing can be asked."""

    def __init__(
        self,
        config: Canary,
        shelf: Shelf,
        record: Record,
        mix: Callable[[], Mapping[str, float]],
        now: Callable[[], float],
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
        self._variant: tuple[str, str] | None = None
        self._changes = 0
        self._figures = Window(1.0).figures(0.0)
        self._figured_s: float | None = None
        self._left = config.tokens_a_day
        self._exposure: Mapping[str, int] = {}

    def recall(self, rows: Iterable[Row]) -> None:
        """What is known from before this process."""
        self._figured_s = None
        for row in rows:
            if row.outcome != "error":
                self._success[row.suite] = row.at_s
                self._variant = (row.model, row.fingerprint)

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
            self._answered_by((probe.model, probe.fingerprint))
        self._record(
            "probe",
            {
                "suite": case.suite,
                "family": case.family,
                "variant": case.variant,
                "language": case.language,
                "epoch": case.epoch,
                "index": case.index,
                "repeat": probe.repeat,
                "model": shown(probe.model),
                "outcome": verdict.outcome,
                "decided_by": verdict.decided_by,
                "reason": verdict.reason,
                "tokens": probe.tokens,
            },
        )

    def _answered_by(self, variant: tuple[str, str]) -> None:
        """Another name or fingerprint than the last is a change that the server declares."""
        before, self._variant = self._variant, variant
        if before not in (None, variant):
            self._changes += 1
            model, fingerprint = map(shown, variant)
            self._record("variant", {"kind": "declared", "model": model, "fingerprint": fingerprint})
            log.warning("another model or build of it answers", extra={"fields": {"model": model}})

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
            last_success=dict(self._success),
            exposure=self._exposure,
            tokens_a_day=self._config.tokens_a_day,
            tokens_left=self._left,
            tokens=self._tokens,
            suites={state: self._shelf.count(state) for state in STATES},
            suite_errors=self._shelf.errors,
            variant=(shown(self._variant[0]), shown(self._variant[1])) if self._variant else None,
            variant_changes=self._changes,
            covered=_covered(self._mix(), {language for _, language in prompts}),
        )

    def _current(self) -> Figures:
        now_s = self._now()
        if self.live and (self._figured_s is None or abs(now_s - self._figured_s) > STALE_S):
            self._figures, self._figured_s = self.live.window.figures(now_s), now_s
        return self._figures

    def _read_results(self) -> None:
        """What only the file knows; as it was last where that cannot be read."""
        if self.live:
            day = datetime.fromtimestamp(self._now(), UTC).date().isoformat()
            try:
                self._left = max(self._config.tokens_a_day - self.live.results.spent(day), 0)
                self._exposure = self.live.results.most_uses()
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
