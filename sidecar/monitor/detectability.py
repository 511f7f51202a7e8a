"""What the baseline in use can show within a day, worked out stratum by stratum while there is nothing more urgent.

One stratum takes some ten milliseconds of the monitor, which reads the rings meanwhile, so one is done at a time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from detectors.records.baseline import Baseline
from detectors.watch.promise import DAY_S, Asked, least_shift, strata_of
from detectors.watch.rules import Rules
from sidecar.export.base import Series

AT_A_TIME = 1


class Detectability:
    """``shifts``: difference of rates by stratum, of those that were worked out and can show one; another object whenever it changes."""

    def __init__(self) -> None:
        self.shifts: Mapping[Series, float] = {}
        self._baseline: Baseline | None = None
        self._left: list[Asked] = []

    def advance(self, baseline: Baseline | None, rules: Rules) -> None:
        """Works out the next few. From the first where ``baseline`` is another one than before; None: there is nothing to show."""
        if baseline is not self._baseline:
            self._baseline, self.shifts, self._left = baseline, {}, []
            self._left = strata_of(baseline, rules)[::-1] if baseline else []
        if not self._left:
            return
        found = dict(self.shifts)
        for _ in range(min(AT_A_TIME, len(self._left))):
            asked = self._left.pop()
            shift = least_shift(asked, DAY_S, rules)
            if not math.isnan(shift):
                found[asked.behaviour, asked.stratum, asked.model] = shift
        self.shifts = found
