"""Counts by tick: the time at which a request began, not the time at which it ended.

By finish time short answers, which refusals are, would arrive first, and every rise of
traffic would look like a rise of refusals.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

from detectors.features.language import UNDETERMINED
from sidecar.export.base import Series

LANGUAGE_BEHAVIOUR = "refusal_by_language"


class Rates:
    """Events and trials of each series over a sliding window of whole ticks.

    ``length_s`` > 0 and ``window_s`` >= ``length_s``, seconds. Memory: at most
    ``window_s / length_s`` counts a series, whether or not anybody looks. What began before the window is not counted.
    ``row(behaviour, stratum)``: strata of one row are the outcomes of one choice and share their trials; every
    stratum is a row of its own by default.

    >>> rates = Rates(length_s=60, window_s=120)
    >>> for at_s, value in [(0, 1.0), (30, 0.0), (70, 0.0)]:
    ...     rates.count(("b", "1", "m"), at_s, value)
    >>> rates.advance(100)
    >>> rates.totals()
    {('b', '1', 'm'): (1.0, 3)}
    >>> rates.advance(150)
    >>> rates.totals()
    {('b', '1', 'm'): (0.0, 1)}
    """

    def __init__(
        self,
        length_s: float,
        window_s: float,
        row: Callable[[str, str], str] = lambda _behaviour, stratum: stratum,
    ) -> None:
        if not 0 < length_s <= window_s:
            raise ValueError(f"need 0 < length_s <= window_s, got {length_s} and {window_s}")
        self.length_s = length_s
        self.window_ticks = round(window_s / length_s)
        self._now = 0
        self._series: dict[Series, deque[list[float]]] = {}
        self._sums: dict[Series, tuple[float, int]] = {}  # of those from which nothing has gone since the sum was made
        self._row = row

    def count(self, series: Series, at_s: float, value: float) -> None:
        """One observation of ``value`` in [0, 1], of a request that began at ``at_s``."""
        tick = int(at_s // self.length_s)
        self._now = max(self._now, tick)
        oldest = self._now - self.window_ticks
        if tick <= oldest:
            return
        ticks = self._series.setdefault(series, deque())
        self._let_go(series, ticks, oldest)
        if series in self._sums:
            events, trials = self._sums[series]
            self._sums[series] = events + value, trials + 1
        for row in reversed(ticks):
            if row[0] == tick:
                row[1] += value
                row[2] += 1
                return
            if row[0] < tick:
                break
        ticks.append([tick, value, 1])
        if len(ticks) > 1 and ticks[-2][0] > tick:
            self._series[series] = deque(sorted(ticks))

    def advance(self, now_s: float) -> None:
        """Lets what is older than the window go."""
        self._now = max(self._now, int(now_s // self.length_s))
        oldest = self._now - self.window_ticks
        for series, ticks in list(self._series.items()):
            self._let_go(series, ticks, oldest)
            if not ticks:
                del self._series[series]

    def _let_go(self, series: Series, ticks: deque[list[float]], oldest: int) -> None:
        while ticks and ticks[0][0] <= oldest:
            ticks.popleft()
            self._sums.pop(series, None)

    def totals(self) -> dict[Series, tuple[float, int]]:
        """(events, trials) of every series with a trial in the window."""
        counts = {series: self._sum(series, ticks) for series, ticks in self._series.items() if ticks}
        trials: Counter[Series] = Counter()
        for series, (_, n) in counts.items():
            trials[self._row_of(series)] += n
        return {series: (events, trials[self._row_of(series)]) for series, (events, _) in counts.items()}

    def _sum(self, series: Series, ticks: deque[list[float]]) -> tuple[float, int]:
        if series not in self._sums:
            self._sums[series] = sum(tick[1] for tick in ticks), int(sum(tick[2] for tick in ticks))
        return self._sums[series]

    def _row_of(self, series: Series) -> Series:
        behaviour, stratum, model = series
        return behaviour, self._row(behaviour, stratum), model


def language_mix(rates: Rates) -> dict[str, float]:
    """Exchanges of the window by the language asked in, where that could be told."""
    mix: dict[str, float] = {}
    for (behaviour, language, _), (_, trials) in rates.totals().items():
        if behaviour == LANGUAGE_BEHAVIOUR and language != UNDETERMINED:
            mix[language] = mix.get(language, 0.0) + trials
    return mix
