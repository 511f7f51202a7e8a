"""The probes of the last days, and what they show together. Holds no word of what was asked or said but the prompts' cases."""

from __future__ import annotations

import dataclasses
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from detectors.stats.clopper_pearson import lower_bound, upper_bound
from sidecar.canary.findings import NamedGap, gaps
from sidecar.canary.prober import Probe
from sidecar.canary.suite import GROUPS
from sidecar.canary.summary import metrics

MOST = 20_000
"""Probes kept, whatever the window."""
_BETA = 0.025


@dataclasses.dataclass(frozen=True, slots=True)
class Ratio:
    """``passed`` of ``decided`` >= 1, with the 95 % interval (Clopper-Pearson)."""

    passed: int
    decided: int
    low: float
    high: float


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """Published suites are in ``ratios`` and nowhere else. ``ratios``: by (suite, group, language). ``valid``: decided
    probes by group, those that a deployment should have among them at 0. ``goodhart``: points of 100 by group.
    ``hallucination``: confident wrong answers of all, by domain. ``insecure_code``: None where none was asked for.
    """

    ratios: Mapping[tuple[str, str, str], Ratio]
    gaps: tuple[NamedGap, ...]
    valid: Mapping[str, int]
    goodhart: Mapping[str, float]
    hallucination: Mapping[str, float]
    insecure_code: float | None


class Window:
    """Probes of the last ``length_s`` seconds, oldest first."""

    def __init__(self, length_s: float, probes: Iterable[Probe] = ()) -> None:
        self._length_s = length_s
        self._probes: deque[Probe] = deque(maxlen=MOST)
        for probe in probes:
            self.add(probe)

    def add(self, probe: Probe) -> None:
        """Keeps it, without its transcript."""
        self._probes.append(dataclasses.replace(probe, transcript=None))

    def probes(self, now_s: float) -> list[Probe]:
        """Those of the window that the model answered which answered last: what another said is stale. A clock that was set
        back keeps what it cannot date.
        """
        model = next((probe.model for probe in reversed(self._probes) if probe.model), "")
        return [
            probe
            for probe in self._probes
            if probe.at_s > now_s - self._length_s and (not probe.model or probe.model == model)
        ]

    def figures(self, now_s: float) -> Figures:
        """What they show."""
        probes = self.probes(now_s)
        own = [probe for probe in probes if not probe.case.public]
        cells: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
        valid = dict.fromkeys(GROUPS, 0)
        for probe in probes:
            if probe.verdict.outcome in ("pass", "fail"):
                case = probe.case
                cells[case.suite, case.group, case.language].append(probe.verdict.outcome == "pass")
                if not case.public:
                    valid[case.group] = valid.get(case.group, 0) + 1
        return Figures(
            {cell: _ratio(sum(passed), len(passed)) for cell, passed in sorted(cells.items())},
            tuple(gaps(own)),
            valid,
            _goodhart(own),
            _hallucination(own),
            metrics(own)["insecure_code_rate"]["ratio"],
        )


def _ratio(passed: int, decided: int) -> Ratio:
    return Ratio(
        passed, decided, float(lower_bound(passed, decided, _BETA)), float(upper_bound(passed, decided, _BETA))
    )


def _goodhart(own: list[Probe]) -> dict[str, float]:
    found = {}
    for group in sorted({probe.case.group for probe in own}):
        for named in gaps(probe for probe in own if probe.case.group == group):
            if named.name == "goodhart":
                found[group] = 100 * named.gap.points
    return found


def _hallucination(own: list[Probe]) -> dict[str, float]:
    found = {}
    for domain in sorted({probe.case.domain for probe in own if probe.case.domain}):
        ratio = metrics([probe for probe in own if probe.case.domain == domain])["confident_hallucination_rate"]
        if ratio["ratio"] is not None:
            found[domain] = ratio["ratio"]
    return found
