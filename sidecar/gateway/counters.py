"""The data plane's metrics, in shared memory: the worker adds, the supervisor reads.

One block of float64 a worker, so a worker's death loses no count and reading needs no
answer from it. The layout follows from the schema alone: same schema, same offsets. One
writer a block; a reader may see a histogram's bucket one observation ahead of its sum.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

PROTOCOL_OTHER = "opaque"
STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx", "none")
UPSTREAM_ERRORS = ("connect", "timeout_connect", "timeout_first_byte", "timeout_idle", "reset", "protocol", "tls")
REJECTIONS = ("bad_request", "header_timeout", "body_timeout", "headers_too_large", "overloaded", "draining")
CAPTURES = ("sampled", "skipped", "excluded", "paused", "dropped_ring", "dropped_budget", "truncated", "failed")
LATENCY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """``labels`` is an ordered mapping as pairs: (name, every value it can have)."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """Cells one label combination takes: a value, or buckets, +Inf and the sum."""
        return len(self.buckets) + 2 if self.kind == "histogram" else 1

    def combinations(self) -> Iterator[tuple[str, ...]]:
        """Every label combination, in the order of the layout."""
        return itertools.product(*(values for _, values in self.labels))


def schema(protocols: Sequence[str]) -> tuple[Metric, ...]:
    """Every metric a worker keeps. ``protocols`` are the wire formats' names."""
    protocol = ("protocol", (*protocols, PROTOCOL_OTHER))
    return (
        Metric(
            "kilter_requests_total",
            "counter",
            "Answered requests, by wire format and status class.",
            (protocol, ("status_class", STATUS_CLASSES)),
        ),
        Metric(
            "kilter_request_duration_seconds",
            "histogram",
            "From the request's first byte to the answer's last.",
            (protocol,),
            LATENCY_BUCKETS_S,
        ),
        Metric(
            "kilter_time_to_first_chunk_seconds",
            "histogram",
            "From the request's last byte sent upstream to the first byte of the answer's body.",
            (protocol,),
            LATENCY_BUCKETS_S,
        ),
        Metric("kilter_inflight_requests", "gauge", "Requests whose answer is not finished."),
        Metric("kilter_open_connections", "gauge", "Client connections."),
        Metric(
            "kilter_upstream_errors_total",
            "counter",
            "Requests the upstream did not answer, or not to the end.",
            (("reason", UPSTREAM_ERRORS),),
        ),
        Metric(
            "kilter_rejected_requests_total",
            "counter",
            "Requests Kilter itself answered with an error.",
            (("reason", REJECTIONS),),
        ),
        Metric("kilter_client_disconnects_total", "counter", "Clients that left before their answer was finished."),
        Metric(
            "kilter_upstream_retries_total",
            "counter",
            "Requests sent again because a reused idle connection had died before any answer.",
        ),
        Metric("kilter_captures_total", "counter", "Exchanges by what became of their copy.", (("outcome", CAPTURES),)),
        Metric("kilter_capture_inflight_bytes", "gauge", "Bytes of copies whose exchange is not finished."),
        Metric(
            "kilter_copied_until_timestamp_seconds",
            "gauge",
            "Of what began before this time every copy has come to its end.",
        ),
        Metric("kilter_inclusion_probability", "gauge", "Share of conversations that is looked at now."),
    )


def size_bytes(metrics: Sequence[Metric]) -> int:
    """Bytes of shared memory that one worker's block takes."""
    return 8 * sum(m.width * sum(1 for _ in m.combinations()) for m in metrics)


class Counters:
    """A worker's block. ``cells`` is a writable view of float64, at least ``size_bytes``.

    Look up a cell once with ``cell``; ``add``, ``set`` and ``observe`` are for hot paths.

    >>> metrics = schema(["openai.chat"])
    >>> counters = Counters(metrics, memoryview(bytearray(size_bytes(metrics))).cast("d"))
    >>> ok = counters.cell("kilter_requests_total", "openai.chat", "2xx")
    >>> counters.add(ok)
    >>> counters.add(ok)
    >>> counters.value(ok)
    2.0
    """

    def __init__(self, metrics: Sequence[Metric], cells: memoryview[float]) -> None:
        if cells.format != "d" or cells.nbytes < size_bytes(metrics):
            msg = f"need a float64 view of at least {size_bytes(metrics)} bytes, got {cells.nbytes} of {cells.format!r}"
            raise ValueError(msg)
        self.metrics = tuple(metrics)
        self.cells = cells
        self._offsets: dict[tuple[str, tuple[str, ...]], int] = {}
        self._buckets: dict[int, tuple[float, ...]] = {}
        offset = 0
        for metric in metrics:
            for labels in metric.combinations():
                self._offsets[metric.name, labels] = offset
                if metric.kind == "histogram":
                    self._buckets[offset] = metric.buckets
                offset += metric.width

    def cell(self, name: str, *labels: str) -> int:
        """Offset of a series. KeyError when the schema has no such series."""
        return self._offsets[name, labels]

    def add(self, cell: int, amount: float = 1.0) -> None:
        """Counts ``amount`` more."""
        self.cells[cell] += amount

    def set(self, cell: int, value: float) -> None:
        """Sets a gauge."""
        self.cells[cell] = value

    def value(self, cell: int) -> float:
        """The present value of a counter or gauge."""
        return float(self.cells[cell])

    def read(self, name: str, labels: tuple[str, ...], width: int) -> list[float]:
        """Every cell of a series: for a histogram its buckets, each alone, then +Inf, then the sum."""
        at = self._offsets[name, labels]
        return [self.cells[i] for i in range(at, at + width)]

    def observe(self, cell: int, value: float) -> None:
        """Puts ``value`` into a histogram. Buckets are kept apart, summed when read."""
        cells, buckets = self.cells, self._buckets[cell]
        cells[cell + bisect_left(buckets, value)] += 1.0
        cells[cell + len(buckets) + 1] += value

    def reset_gauges(self) -> None:
        """For a new worker on a dead one's block: what was in flight died with it."""
        for metric in self.metrics:
            if metric.kind == "gauge":
                for labels in metric.combinations():
                    self.cells[self._offsets[metric.name, labels]] = 0.0
