"""What is known now, as one document: the page, ``/api/v1/status`` and ``kilter status`` all show this."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from detectors.records.behaviour import Behaviour
from detectors.records.features import LABELS
from detectors.records.verdict import Alarm, State, Verdict
from detectors.stats.clopper_pearson import lower_bound, upper_bound
from detectors.stats.power import STANDARD_ERRORS_NEEDED
from detectors.watch.gaps import Gap
from detectors.watch.rules import Rules
from sidecar.admin.api import alarms_document
from sidecar.export.base import Series
from sidecar.export.canaries import Canaries
from sidecar.fleet.status import FleetStatus
from sidecar.gateway.counters import Counters
from sidecar.store.base import Acknowledgement

INTERVAL = 0.95
ATTENTION: tuple[State, ...] = (
    "out_of_control", "watch", "recovered", "no_user_key", "too_few_users", "undetectable", "warming_up", "in_control", "no_baseline",
)  # fmt: skip
"""By how much a state asks for attention, most first."""


@dataclass(frozen=True, slots=True)
class StratumStatus:
    """``rate`` with its exact interval, from ``events`` in ``n`` observations of the window."""

    model: str
    stratum: str
    state: State
    rate: float
    interval_low: float
    interval_high: float
    events: float
    n: int


@dataclass(frozen=True, slots=True)
class BehaviourStatus:
    """A behaviour and the strata seen in the window, most observations first."""

    name: str
    question: str
    strata: tuple[StratumStatus, ...]


@dataclass(frozen=True, slots=True)
class Traffic:
    """Since the start, all workers."""

    requests: int
    upstream_errors: int
    rejected: int
    client_disconnects: int
    inflight: int


@dataclass(frozen=True, slots=True)
class Copies:
    """What of the traffic is looked at, and what was lost on the way."""

    sampled: int
    dropped: int
    inclusion_probability: float
    ring_bytes: int
    read: int
    lost: int
    failed: int
    lag_s: float


@dataclass(frozen=True, slots=True)
class Kept:
    """``evidence_consistent`` and ``evidence_lost`` of the evidence log; ``store_errors`` of the state."""

    evidence_consistent: bool = True
    evidence_lost: int = 0
    store_errors: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """The whole. ``labels`` maps model to label to count since the monitor's start. ``verdicts`` are those of every
    stratum, ``alarms`` the last ones, newest first, ``acknowledged`` what people did about them, by the alarm's id,
    ``baseline`` what is used and what is being learned. ``detectable``: the least change that each tested stratum could show,
    as a difference of rates; ``canaries`` what they say; ``kept`` what could not be kept; ``fleet`` whose traffic the verdicts are about.
    """

    version: str
    at_s: float
    upstream: str
    observing: bool
    window_s: float
    traffic: Traffic
    copies: Copies
    labels: Mapping[str, Mapping[str, int]]
    behaviours: tuple[BehaviourStatus, ...]
    label_names: tuple[str, ...] = LABELS
    verdicts: tuple[Verdict, ...] = ()
    gaps: tuple[Gap, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    acknowledged: Mapping[str, Acknowledgement] = field(default_factory=dict)
    baseline: Mapping[str, Any] = field(default_factory=dict)
    detectable: Mapping[Series, float] = field(default_factory=dict)
    canaries: Canaries = field(default_factory=Canaries)
    kept: Kept = field(default_factory=Kept)
    fleet: FleetStatus = field(default_factory=FleetStatus)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; what is not a number is null."""
        left_out = {"acknowledged", "detectable"}
        plain = {item.name: getattr(self, item.name) for item in fields(self) if item.name not in left_out}
        plain["traffic"], plain["copies"], plain["kept"] = asdict(self.traffic), asdict(self.copies), asdict(self.kept)
        plain["behaviours"] = [asdict(behaviour) for behaviour in self.behaviours]
        plain["verdicts"] = [
            {**verdict.to_dict(), "detectable": self.detectable.get(verdict.series)} for verdict in self.verdicts
        ]
        plain["alarms"] = alarms_document(self.alarms, self.acknowledged)
        plain["gaps"] = [_gap(gap) for gap in self.gaps]
        plain["canaries"] = self.canaries.to_dict()
        plain["fleet"] = self.fleet.to_dict()
        return plain


def detectable(verdicts: Sequence[Verdict], rules: Rules) -> dict[Series, float]:
    """The least difference of rates that would be an alarm at all, of each tested stratum: what matters by the rules, or what
    its baseline can show, if that is more. How soon, ``kilter power`` says.
    """
    return {
        verdict.series: max(rules.floor_at(verdict.reference), _shown_at_all(verdict.reference, verdict.n_reference))
        for verdict in verdicts
        if verdict.n_reference and not math.isnan(verdict.reference)
    }


def _shown_at_all(reference: float, trials: int) -> float:
    """As ``detectors.stats.power.undetectable``."""
    rate = (reference * trials + 0.5) / (trials + 1)
    return STANDARD_ERRORS_NEEDED * math.sqrt(rate * (1 - rate) / trials)


def _gap(gap: Gap) -> dict[str, Any]:
    found = gap.gap
    numbers = {"estimate": found.estimate, "low": found.low, "high": found.high}
    return {
        **{name: getattr(gap, name) for name in ("behaviour", "stratum", "model", "anchor", "trials")},
        **{name: None if math.isnan(value) else value for name, value in numbers.items()},
        "state": found.state,
        "calibrated": found.calibrated,
    }


def behaviours_status(
    watched: Sequence[Behaviour], totals: Mapping[Series, tuple[float, int]], verdicts: Sequence[Verdict] = ()
) -> tuple[BehaviourStatus, ...]:
    """Every watched behaviour, also those without traffic."""
    found = []
    states = {verdict.series: verdict.state for verdict in verdicts}
    beta = (1 - INTERVAL) / 2
    for behaviour in watched:
        strata = []
        for (name, stratum, model), (events, trials) in totals.items():
            if name == behaviour.name:
                low, high = float(lower_bound(events, trials, beta)), float(upper_bound(events, trials, beta))
                strata.append(
                    StratumStatus(
                        model,
                        stratum,
                        states.get((name, stratum, model), "no_baseline"),
                        events / trials,
                        low,
                        high,
                        events,
                        trials,
                    )
                )
        strata.sort(key=lambda row: (-row.n, row.model, row.stratum))
        found.append(BehaviourStatus(behaviour.name, behaviour.question, tuple(strata)))
    return tuple(found)


class DataPlaneView:
    """The workers' counters, read from shared memory, summed."""

    def __init__(self, workers: Sequence[Counters]) -> None:
        self._workers = tuple(workers)

    def total(self, name: str, outcomes: Sequence[str] = ()) -> int:
        """The sum over every series of a metric, or over those whose only label is in ``outcomes``."""
        metric = next(m for m in self._workers[0].metrics if m.name == name)
        rows = [labels for labels in metric.combinations() if not outcomes or labels[0] in outcomes]
        return round(sum(worker.read(name, labels, 1)[0] for worker in self._workers for labels in rows))

    def buckets(self, name: str) -> tuple[tuple[float, ...], list[float]]:
        """(upper bounds, counts) of a histogram, every series together; each bucket alone, the last above all bounds."""
        metric = next(m for m in self._workers[0].metrics if m.name == name)
        rows = [worker.read(name, labels, metric.width) for worker in self._workers for labels in metric.combinations()]
        return metric.buckets, [sum(counts) for counts in zip(*rows, strict=True)][:-1]

    def traffic(self) -> Traffic:
        """Requests and what went wrong with them."""
        return Traffic(
            requests=self.total("kilter_requests_total"),
            upstream_errors=self.total("kilter_upstream_errors_total"),
            rejected=self.total("kilter_rejected_requests_total"),
            client_disconnects=self.total("kilter_client_disconnects_total"),
            inflight=self.total("kilter_inflight_requests"),
        )

    def copied_until_s(self) -> float | None:
        """Unix time before which no copy began that may still come; None where no worker says so."""
        said = [worker.read("kilter_copied_until_timestamp_seconds", (), 1)[0] for worker in self._workers]
        return min(filter(None, said), default=None)

    def inclusion_probability(self) -> float:
        """The least of all workers; one that has not begun says 0."""
        said = [worker.read("kilter_inclusion_probability", (), 1)[0] for worker in self._workers]
        return min(filter(None, said), default=0.0)
