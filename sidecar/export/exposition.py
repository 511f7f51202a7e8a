"""The Prometheus text format, as ``prometheus_client.generate_latest`` writes it, for thousands of series at each scrape.

The same families and series; numbers are the shortest that mean the same. What costs is not paid twice: the text of a
label set is kept, and that of a family that says it is settled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

MOST_LABEL_SETS = 100_000
_OWN_FAMILIES = ("_created", "_gsum", "_gcount")
_KINDS = {"info": "gauge", "stateset": "gauge", "gaugehistogram": "histogram", "unknown": "untyped"}
_SUFFIXES = {"counter": "_total", "info": "_info"}


class SettledGauge(GaugeMetricFamily):
    """A gauge family that nobody changes once it has been collected. A collector may yield the same one again."""

    text: str | None = None


class Exposition:
    """``text()`` of a registry whose metric and label names are those of Prometheus before UTF-8, as all of Kilter's are."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._labels: dict[tuple[str, ...], str] = {}

    def text(self) -> bytes:
        """UTF-8, ``text/plain; version=0.0.4``."""
        return "".join(map(self._family, self._registry.collect())).encode()

    def _family(self, metric: Metric) -> str:
        if isinstance(metric, SettledGauge):
            if metric.text is None:
                metric.text = self._written(metric)
            return metric.text
        return self._written(metric)

    def _written(self, metric: Metric) -> str:
        name = metric.name
        if any(sample.name.endswith(_OWN_FAMILIES) or sample.timestamp is not None for sample in metric.samples):
            return generate_latest(_Only(metric)).decode()
        shown = name + _SUFFIXES.get(metric.type, "")
        described = metric.documentation.replace("\\", r"\\").replace("\n", r"\n")
        head = f"# HELP {shown} {described}\n# TYPE {shown} {_KINDS.get(metric.type, metric.type)}\n"
        return head + "".join(map(self._line, metric.samples))

    def _line(self, sample: Sample) -> str:
        labels = sample.labels
        if not labels:
            return f"{sample.name} {number(sample.value)}\n"
        key = (*labels, *labels.values())
        text = self._labels.get(key)
        if text is None:
            if len(self._labels) >= MOST_LABEL_SETS:
                self._labels.clear()
            text = self._labels[key] = "{" + ",".join(_pairs(labels.items())) + "}"
        return f"{sample.name}{text} {number(sample.value)}\n"


def number(value: float) -> str:
    """As Go reads it.

    >>> number(0.0), number(1.5), number(1764560000.25), number(float("inf")), number(float("nan"))
    ('0', '1.5', '1764560000.25', '+Inf', 'NaN')
    """
    if value == 0:
        return "0"
    if value == 1:
        return "1"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    text = repr(float(value))
    return text.removesuffix(".0")


def _pairs(labels: Iterable[tuple[str, str]]) -> Sequence[str]:
    escape = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
    return [f'{name}="{value.translate(escape)}"' for name, value in sorted(labels)]


class _Only(Collector):
    """One family, for a library that takes collectors."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        """The family."""
        return [self._metric]
