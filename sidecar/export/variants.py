"""Which model answers the canaries, what its last change did, why alarms came, and how sure the canaries are: metric families.

Drops are ratios: of the pass ratio itself (``points``) or of what it was (``relative``). Labels hold names that suites, the
server and the live detectors gave; sets of them are small and closed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from sidecar.export.labels import OTHER

KINDS = ("declared", "silent")
STATES = ("same", "declared_change", "silent_change", "unknown")
CAUSES = ("asking", "model", "users", "unknown")
EVIDENCE_STATES = ("none", "watch", "confirmed")
VERDICTS = ("within", "exceeds_point", "exceeds_confirmed", "insufficient")
_WELL_FORMED = re.compile(r"[\w][\w.:/@+ -]{0,199}", re.ASCII)
_DRIFT = ("behaviour", "stratum", "model")


@dataclass(frozen=True, slots=True)
class DeltaRatio:
    """Of a category: (drop, low, high) each way, in -1 … 1 and nan where there is none."""

    category: str
    points: tuple[float, ...]
    relative: tuple[float, ...]
    units: int
    verdict: str
    adversarial: bool


@dataclass(frozen=True, slots=True)
class DriftCause:
    """Why a live stratum moved, as its ladder says."""

    behaviour: str
    stratum: str
    model: str
    cause: str
    pairs: int
    e_value: float

    @property
    def labels(self) -> list[str]:
        """As ``_DRIFT`` names them."""
        return [self.behaviour, self.stratum, self.model]


@dataclass(frozen=True, slots=True)
class CellEvidence:
    """Of a gap or change, as ``cell`` names it: log10 of its e-value, one of ``EVIDENCE_STATES``."""

    cell: str
    log10: float
    state: str


@dataclass(frozen=True, slots=True)
class Variants:
    """``last``: (model, fingerprint, generation) that answered last; ``parent``: what it was tuned from, as listed; ``stale``:
    probes of the window that another variant answered; ``comparing``: whether the last change is still being measured.
    """

    last: tuple[str, str, str] | None = None
    parent: str = ""
    changes: Mapping[str, int] = field(default_factory=dict)
    state: str = "unknown"
    evidence: float = 0.0
    stale: int = 0
    comparing: bool = False
    deltas: Sequence[DeltaRatio] = ()
    weighed: Sequence[CellEvidence] = ()
    causes: Sequence[DriftCause] = ()


def shown_variant(name: str) -> str:
    """A variant's name as it may stand in a record: ``other`` where it is not well formed."""
    return name if _WELL_FORMED.fullmatch(name) else OTHER


def families(now: Variants) -> Iterator[Metric]:
    """Every family."""
    yield from _of_the_variant(now)
    yield from _of_its_change(now)
    yield from _of_evidence(now)
    yield from _of_causes(now)


def _of_the_variant(now: Variants) -> Iterator[Metric]:
    info = GaugeMetricFamily(
        "kilter_model_variant_info",
        "What has answered the last canary: as its reply says, how often it has changed silently, what it was tuned from.",
        labels=["model", "fingerprint", "generation", "parent"],
    )
    if now.last is not None:
        info.add_metric([*now.last, now.parent], 1)
    yield info
    changes = CounterMetricFamily(
        "kilter_model_variant_changes",
        "Times that another model or build answered canaries: declared by the server, or silent.",
        labels=["kind"],
    )
    for kind in KINDS:
        changes.add_metric([kind], now.changes.get(kind, 0))
    yield changes
    state = GaugeMetricFamily(
        "kilter_model_variant_state",
        "Whether the model is the one that was learned; a change for a day.",
        labels=["state"],
    )
    for name in STATES:
        state.add_metric([name], float(now.state == name))
    yield state
    yield GaugeMetricFamily(
        "kilter_model_variant_evidence",
        "Log10 of the evidence that the model changed silently; a change is told at 5.",
        value=max(math.log10(now.evidence), 0.0) if now.evidence > 0 else 0.0,
    )
    yield GaugeMetricFamily(
        "kilter_canary_stale_probes",
        "Probes of the window that another variant answered; they are in no figure.",
        value=now.stale,
    )


def _of_its_change(now: Variants) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "kilter_canary_comparing",
        "Whether the last change of the variant is still being measured.",
        value=now.comparing,
    )
    for end, (suffix, text) in enumerate((
        ("", "Drop of the pass ratio at the last change of the variant, in points or relative, as a ratio."),
        ("_low", "Lower end of the 95 % interval of the drop."),
        ("_high", "Upper end of the 95 % interval of the drop."),
    )):  # fmt: skip
        family = GaugeMetricFamily(f"kilter_canary_finetune_delta{suffix}", text, labels=["category", "mode"])
        for delta in now.deltas:
            for mode, values in (("points", delta.points), ("relative", delta.relative)):
                if not math.isnan(values[end]):
                    family.add_metric([delta.category, mode], values[end])
        yield family
    units = GaugeMetricFamily(
        "kilter_canary_finetune_units", "Families that the drop rests on, each once an epoch.", labels=["category"]
    )
    verdicts = GaugeMetricFamily(
        "kilter_canary_finetune_verdict", "Verdict on the drop against 15 %.", labels=["category", "verdict"]
    )
    for delta in now.deltas:
        units.add_metric([delta.category], delta.units)
        for verdict in VERDICTS:
            verdicts.add_metric([delta.category, verdict], float(delta.verdict == verdict))
    yield units
    yield verdicts


def _of_evidence(now: Variants) -> Iterator[Metric]:
    evidence = GaugeMetricFamily(
        "kilter_canary_evidence",
        "Log10 e-value that a gap is there, a change did harm, or a group passes less over time; watch at 1.3.",
        labels=["cell"],
    )
    states = GaugeMetricFamily(
        "kilter_canary_evidence_state",
        "Of a gap, a change or a group over time: watch, or confirmed over all of them within the canaries' share of the false-alarm budget.",
        labels=["cell", "state"],
    )
    for one in now.weighed:
        evidence.add_metric([one.cell], one.log10)
        for state in EVIDENCE_STATES:
            states.add_metric([one.cell, state], float(one.state == state))
    yield evidence
    yield states


def _of_causes(now: Variants) -> Iterator[Metric]:
    causes = GaugeMetricFamily(
        "kilter_drift_cause",
        "Why a live stratum is out of control, as canaries asked again say: the model changed, or the users.",
        labels=[*_DRIFT, "cause"],
    )
    pairs = GaugeMetricFamily(
        "kilter_drift_cause_pairs", "Canaries of before the alarm that were asked again for it.", labels=_DRIFT
    )
    for one in now.causes:
        pairs.add_metric(one.labels, one.pairs)
        for cause in CAUSES:
            causes.add_metric([*one.labels, cause], float(one.cause == cause))
    yield causes
    yield pairs
