"""A replay: lines of logs through the pipeline and the analysis of the live monitor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from detectors.catalog import behaviours
from detectors.features.calibration import classifier_digest, shipped
from detectors.features.memory import Memory
from detectors.records.baseline import Baseline
from detectors.records.verdict import Verdict
from detectors.watch.analysis import Analysis
from detectors.watch.layered import stratum_of
from detectors.watch.rules import Rules
from sidecar.export.labels import Labels, Limits
from sidecar.monitor.pipeline import Pipeline
from sidecar.monitor.tally import Tally
from sidecar.replay.reading import Line

SEED = 1
PLACES = 5
"""Lines that are no records are named up to this many."""


@dataclass(slots=True)
class Counts:
    """What was read. ``problems`` holds (place, what is needed) of the first lines that are no records."""

    exchanges: int = 0
    opaque: int = 0
    skipped: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    first_s: float = 0.0
    last_s: float = 0.0


class Replay:
    """``learn_until_s``: what began before is learned and then promoted; None: nothing is.

    ValueError where ``baseline`` cannot be judged by (another classifier made it).
    """

    def __init__(
        self, rules: Rules, limits: Limits, baseline: Baseline | None = None, learn_until_s: float | None = None
    ) -> None:
        watched = behaviours()
        self.counts = Counts()
        self.analysis = Analysis(watched, rules, classifier_digest(), shipped())
        self._learn_until_s = learn_until_s
        self._tick: int | None = None
        self.tally = Tally()
        labels = Labels(watched, limits, lambda _: None)
        if baseline is not None:
            self.analysis.use(baseline)
            if self.analysis.unusable:
                raise ValueError(self.analysis.unusable)
            labels.know(
                (one.behaviour, stratum_of(layer.stratum), one.model)
                for one in baseline.references
                for layer in one.layers
            )
        self._pipeline = Pipeline(watched, labels, None, [self.tally], Memory(SEED), judge=self.analysis.observe)

    def run(self, lines: Iterable[Line]) -> Iterator[Verdict]:
        """Every verdict whose state changed, as it does. ValueError where too little was there to learn from."""
        for line in lines:
            if line.problem:
                self._skip(line)
            elif line.opaque:
                self.counts.opaque += 1
            else:
                yield from self._take(line)
        if self._learn_until_s is not None and self._learn_until_s > self.counts.last_s:
            raise ValueError("the records end before the time until which to learn")
        rules = self.analysis.rules
        yield from self._close(self.counts.last_s + rules.grace_s + rules.tick_s)

    def _skip(self, line: Line) -> None:
        self.counts.skipped += 1
        if len(self.counts.problems) < PLACES:
            self.counts.problems.append((f"{line.file}:{line.number}", line.problem))

    def _take(self, line: Line) -> Iterator[Verdict]:
        assert line.exchange is not None  # noqa: S101  # neither a problem nor opaque
        counts = self.counts
        counts.first_s = counts.first_s if counts.exchanges else line.at_s
        counts.last_s = max(counts.last_s, line.at_s)
        counts.exchanges += 1
        self._pipeline.observe(line.exchange, line.protocol, recognised=line.recognised, extracted=line.features)
        tick = self.analysis.ticks.index(counts.last_s)
        if tick != self._tick:
            self._tick = tick
            yield from self._close(counts.last_s)

    def _close(self, now_s: float) -> Iterator[Verdict]:
        learned_s = self._learn_until_s
        if learned_s is not None and now_s - self.analysis.rules.grace_s >= learned_s:
            self._learn_until_s = None
            yield from self.analysis.close(learned_s + self.analysis.rules.grace_s)
            self.analysis.promote(learned_s)
        yield from self.analysis.close(now_s)
