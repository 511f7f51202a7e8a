"""What the analysis says, worked out once for each state of it: a scrape or a page costs a look, not five hundred intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detectors.records.baseline import Baseline
from detectors.records.verdict import Verdict
from detectors.watch.analysis import Analysis
from detectors.watch.gaps import Gap


@dataclass(frozen=True, slots=True)
class Standing:
    """The same objects as long as nothing has changed. ``baseline_id`` is empty without one."""

    verdicts: Sequence[Verdict]
    gaps: Sequence[Gap]
    baseline_id: str


class Standings:
    """Verdicts and gaps change where a tick closes, a baseline comes into use, or requests begin or cease to name users."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._standing = Standing([], [], "")
        self._named: tuple[Baseline | None, str] = (None, "")

    def of(self, analysis: Analysis, *, elsewhere: bool = False) -> Standing:
        """As it is now; without verdicts and gaps where they are made elsewhere."""
        now = (
            _Same(analysis),
            _Same(analysis.baseline),
            analysis.unusable,
            analysis.closed,
            analysis.unnamed,
            elsewhere,
        )
        if now != self._of:
            self._of = now
            verdicts, gaps = ([], []) if elsewhere else (analysis.verdicts(), analysis.gaps())
            self._standing = Standing(verdicts, gaps, self._id_of(analysis.baseline))
        return self._standing

    def _id_of(self, baseline: Baseline | None) -> str:
        """A hash of everything in it: worth keeping."""
        if baseline is not self._named[0]:
            self._named = (baseline, baseline.id if baseline else "")
        return self._named[1]


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """Equal where it is the same object."""

    what: object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.what is other.what

    def __hash__(self) -> int:
        return id(self.what)
