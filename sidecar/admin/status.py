"""What is known now, as one document: the page, ``/api/v1/status`` and ``kilter status`` all show this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from detectors.records.behaviour import Behaviour
from detectors.records.features import LABELS
from detectors.stats.clopper_pearson import lower_bound, upper_bound
from sidecar.export.base import Series
from sidecar.gateway.counters import Counters

INTERVAL = 0.95
STATE = "no_baseline"
"""Rates are shown; nothing is judged before a baseline exists."""


@dataclass(frozen=True, slots=True)
class StratumStatus:
    """``rate`` with its exact interval, from ``events`` in ``n`` observations of the window."""

    model: str
    stratum: str
    state: str
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
class Status:
    """The whole. ``labels`` maps model to label to count since the monitor's start."""

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

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def behaviours_status(
    watched: Sequence[Behaviour], totals: Mapping[Series, tuple[float, int]]
) -> tuple[BehaviourStatus, ...]:
    """Every watched behaviour, also those without traffic."""
    found = []
    beta = (1 - INTERVAL) / 2
    for behaviour in watched:
        strata = []
        for (name, stratum, model), (events, trials) in totals.items():
            if name == behaviour.name:
                low, high = float(lower_bound(events, trials, beta)), float(upper_bound(events, trials, beta))
                strata.append(StratumStatus(model, stratum, STATE, events / trials, low, high, events, trials))
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

    def traffic(self) -> Traffic:
        """Requests and what went wrong with them."""
        return Traffic(
            requests=self.total("kilter_requests_total"),
            upstream_errors=self.total("kilter_upstream_errors_total"),
            rejected=self.total("kilter_rejected_requests_total"),
            client_disconnects=self.total("kilter_client_disconnects_total"),
            inflight=self.total("kilter_inflight_requests"),
        )

    def inclusion_probability(self) -> float:
        """The least of all workers."""
        return min(worker.read("kilter_inclusion_probability", (), 1)[0] for worker in self._workers)
