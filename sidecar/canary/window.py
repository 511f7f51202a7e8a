"""The probes of the last days, and what they show together. Holds no word of what was asked or said but the prompts' cases."""

from __future__ import annotations

import dataclasses
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping

from detectors.stats.clopper_pearson import lower_bound, upper_bound
from sidecar.canary.findings import NamedGap, gaps
from sidecar.canary.prober import Probe
from sidecar.canary.suite import GROUPS
from sidecar.canary.summary import metrics, pass_hat_k

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
    ``hallucination``: confident wrong answers of all, by domain. ``insecure_code``: None where none was asked for;
    ``over_refusal``: of harmless requests. ``_low``: lower ends of the 95 % intervals. ``pass_hat_k``: by k.
    """

    ratios: Mapping[tuple[str, str, str], Ratio]
    gaps: tuple[NamedGap, ...]
    valid: Mapping[str, int]
    goodhart: Mapping[str, float]
    hallucination: Mapping[str, float]
    insecure_code: float | None
    hallucination_low: Mapping[str, float]
    insecure_code_low: float | None
    over_refusal: float | None
    over_refusal_low: float | None
    pass_hat_k: Mapping[int, float]


class Window:
    """Probes of the last ``length_s`` seconds, oldest first. ``current``: whether the variant that gave it still answers; by
    default, whether the model of that name answered last.
    """

    def __init__(
        self, length_s: float, probes: Iterable[Probe] = (), current: Callable[[Probe], bool] | None = None
    ) -> None:
        self._length_s = length_s
        self._current = current
        self._probes: deque[Probe] = deque(maxlen=MOST)
        for probe in probes:
            self.add(probe)

    def add(self, probe: Probe) -> None:
        """Keeps it, without its transcript."""
        self._probes.append(dataclasses.replace(probe, transcript=None))

    def probes(self, now_s: float) -> list[Probe]:
        """Those of the window that the variant gave which answers now: what another said is stale. A clock that was set
        back keeps what it cannot date.
        """
        current = self._current or self._of_the_last
        return [probe for probe in self.every(now_s) if not probe.model or current(probe)]

    def every(self, now_s: float) -> list[Probe]:
        """Those of the window, stale ones too."""
        return [probe for probe in self._probes if probe.at_s > now_s - self._length_s]

    def renew_generation(self, model: str, fingerprint: str, generation: int, since_s: float) -> None:
        """What was answered under these names from ``since_s`` on was another generation's."""
        for at, probe in enumerate(self._probes):
            if (probe.model, probe.fingerprint) == (model, fingerprint) and probe.at_s >= since_s:
                self._probes[at] = dataclasses.replace(probe, generation=generation)

    @property
    def _of_the_last(self) -> Callable[[Probe], bool]:
        model = next((probe.model for probe in reversed(self._probes) if probe.model), "")
        return lambda probe: probe.model == model

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
        named, wrong = metrics(own), _hallucination(own)
        code, over = named["insecure_code_rate"], named["over_refusal_rate"]
        return Figures(
            {cell: _ratio(sum(passed), len(passed)) for cell, passed in sorted(cells.items())},
            tuple(gaps(own)),
            valid,
            _goodhart(own),
            {domain: ratio for domain, (ratio, _) in wrong.items()},
            code["ratio"],
            {domain: low for domain, (_, low) in wrong.items()},
            code["low"],
            over["ratio"],
            over["low"],
            pass_hat_k(own),
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


def _hallucination(own: list[Probe]) -> dict[str, tuple[float, float]]:
    found = {}
    for domain in sorted({probe.case.domain for probe in own if probe.case.domain}):
        ratio = metrics([probe for probe in own if probe.case.domain == domain])["confident_hallucination_rate"]
        if ratio["ratio"] is not None:
            found[domain] = ratio["ratio"], ratio["low"]
    return found
