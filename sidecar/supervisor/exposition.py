"""What ``/metrics`` says of the data plane and the processes, read from shared memory."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from sidecar import __version__
from sidecar.gateway.counters import Counters, Metric

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SMALLEST = frozenset({"kilter_inclusion_probability", "kilter_copied_until_timestamp_seconds"})
"""Gauges of which the least of all workers is shown, 0 being no worker's word; of the others the sum."""


class DataPlane(Collector):
    """The workers' counters, summed."""

    def __init__(self, metrics: Sequence[Metric], workers: Sequence[Counters]) -> None:
        self._metrics = tuple(metrics)
        self._workers = tuple(workers)

    def collect(self) -> Iterator[Family]:
        """One family a metric of the schema, every label combination from the start."""
        for metric in self._metrics:
            yield self._family(metric)

    def _family(self, metric: Metric) -> Family:
        names = [name for name, _ in metric.labels]
        rows = ((labels, self._cells(metric, labels)) for labels in metric.combinations())
        if metric.kind == "histogram":
            histogram = HistogramMetricFamily(metric.name, metric.help, labels=names)
            for labels, cells in rows:
                histogram.add_metric(list(labels), *_cumulative(metric.buckets, cells))
            return histogram
        kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        family = kind(metric.name, metric.help, labels=names)
        for labels, cells in rows:
            family.add_metric(list(labels), cells[0])
        return family

    def _cells(self, metric: Metric, labels: tuple[str, ...]) -> list[float]:
        each = [counters.read(metric.name, labels, metric.width) for counters in self._workers]
        total = _least if metric.name in _SMALLEST else sum
        return [total(column) for column in zip(*each, strict=True)]


def _least(column: Iterable[float]) -> float:
    return min(filter(None, column), default=0.0)


def _cumulative(bounds: tuple[float, ...], cells: list[float]) -> tuple[list[tuple[str, float]], float]:
    buckets: list[tuple[str, float]] = []
    below = 0.0
    for bound, count in zip((*map(str, bounds), "+Inf"), cells[:-1], strict=True):
        below += count
        buckets.append((bound, below))
    return buckets, cells[-1]


class Processes(Collector):
    """Which processes run, since how many restarts, with how much memory; ``facts()`` gives the rest."""

    def __init__(
        self,
        pids: Callable[[], Mapping[str, int | None]],
        restarts: Callable[[], Mapping[str, int]],
        facts: Callable[[], Mapping[str, float]],
    ) -> None:
        self._pids = pids
        self._restarts = restarts
        self._facts = facts

    def collect(self) -> Iterable[Family]:
        """Gauges of the supervisor's own knowledge."""
        build = GaugeMetricFamily("kilter_build_info", "Version that runs.", labels=["version", "python"])
        build.add_metric([__version__, platform.python_version()], 1.0)
        yield build
        up = GaugeMetricFamily("kilter_process_up", "Whether a process runs.", labels=["process"])
        memory = GaugeMetricFamily("kilter_process_resident_memory_bytes", "Resident memory.", labels=["process"])
        for name, pid in self._pids().items():
            up.add_metric([name], float(pid is not None))
            memory.add_metric([name], float(_resident_bytes(pid)) if pid else 0.0)
        yield up
        yield memory
        restarts = CounterMetricFamily("kilter_process_restarts_total", "Restarts after a death.", labels=["process"])
        for name, count in self._restarts().items():
            restarts.add_metric([name], float(count))
        yield restarts
        for name, value in self._facts().items():
            yield GaugeMetricFamily(name, FACTS[name], value=value)


FACTS = {
    "kilter_monitor_up": "Whether the monitor works: 0 means that behaviour is not being watched. Traffic goes on.",
    "kilter_observe": "Whether new exchanges are looked at: 0 while paused.",
    "kilter_ring_bytes": "Bytes in the rings that the monitor has not read.",
    "kilter_draining": "Whether Kilter is shutting down.",
}


def _resident_bytes(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
    return 0


def registry(*collectors: Collector) -> CollectorRegistry:
    """A registry of its own: never the global one."""
    made = CollectorRegistry()
    for collector in collectors:
        made.register(collector)
    return made


def text(source: CollectorRegistry) -> bytes:
    """The exposition in the Prometheus text format."""
    return generate_latest(source)
