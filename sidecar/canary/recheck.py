"""Prompts that were asked before, asked again: the answers of then and of now are pairs that differ in time only.

What was decided then is asked again under the same case and repeat. A pair counts where both were decided. A prompt that cannot
be asked now stays; one that gets no whole reply three times, or is not decided, is given up.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from itertools import zip_longest

from sidecar.canary.prober import Probe

TRIES = 3
_DECIDED = ("pass", "fail")
Pair = tuple[Probe, Probe]
"""Then and now, of the same case and repeat."""
Key = tuple[str, int, int]
"""(case, epoch, repeat)."""


class Recheck:
    """Of ``earlier`` probes the last decided one of each case and repeat, suites in turn, ``most`` of them at most."""

    def __init__(self, earlier: Iterable[Probe], most: int) -> None:
        last: dict[Key, Probe] = {}
        for probe in earlier:
            if probe.verdict.outcome in _DECIDED:
                last[key(probe)] = probe
        self._left = deque(_in_turn(last.values())[:most])
        self._tries: Counter[Key] = Counter()
        self.planned = len(self._left)
        self.pairs: list[Pair] = []

    @property
    def next(self) -> Probe | None:
        """The earlier probe whose prompt is to be asked now; None where it is over."""
        return self._left[0] if self._left else None

    def done(self, now: Probe) -> None:
        """What came of asking ``next`` again."""
        then = self._left.popleft()
        if now.verdict.outcome in _DECIDED:
            self.pairs.append((then, now))
        elif now.verdict.outcome == "error":
            self._tries[key(then)] += 1
            if self._tries[key(then)] < TRIES:
                self._left.append(then)

    def recall(self, asked: Iterable[Probe]) -> None:
        """Pairs that were made before this process: what was asked again since it began."""
        now = {key(probe): probe for probe in asked if probe.verdict.outcome in _DECIDED}
        self.pairs += [(then, now[key(then)]) for then in self._left if key(then) in now]
        self._left = deque(then for then in self._left if key(then) not in now)

    def stop(self) -> None:
        """Asks no more."""
        self._left.clear()


def key(probe: Probe) -> Key:
    """By which a probe of then and one of now belong together."""
    return probe.case.id, probe.case.epoch, probe.repeat


def _in_turn(probes: Iterable[Probe]) -> list[Probe]:
    """One family of each suite after the other, the newest first; the members of a family stay together."""
    suites: dict[str, dict[tuple[str, int, int], list[Probe]]] = defaultdict(lambda: defaultdict(list))
    for probe in sorted(probes, key=lambda probe: -probe.at_s):
        suites[probe.case.suite][probe.case.pair, probe.case.epoch, probe.repeat].append(probe)
    rounds = zip_longest(*(families.values() for families in suites.values()), fillvalue=())
    return [probe for families in rounds for family in families for probe in family]
