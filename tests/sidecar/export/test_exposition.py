"""The exposition says what the library's own would say."""

import math

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.core import GaugeHistogramMetricFamily, GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from sidecar.export.exposition import Exposition, SettledGauge

VALUES = st.floats(allow_nan=False) | st.integers(-(10**12), 10**12)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def read(text):
    return [
        (family.name, family.type, family.documentation, [(s.name, s.labels, s.value) for s in family.samples])
        for family in text_string_to_metric_families(text.decode())
    ]


def agrees(registry):
    ours, theirs = Exposition(registry).text(), generate_latest(registry)
    assert read(ours) == read(theirs)
    assert len(ours) <= 1.1 * len(theirs)


@given(st.dictionaries(st.tuples(NAMES, NAMES), VALUES, max_size=8), NAMES)
def test_whatever_labels_and_values_hold_it_reads_as_the_library_writes_it(values, text):
    registry = CollectorRegistry()
    gauge = Gauge("kilter_g", "Help with \\ and\nlines.", ["b", "a"], registry=registry)
    counter = Counter("kilter_c", text or "help", ["b", "a"], registry=registry)
    for labels, value in values.items():
        gauge.labels(*labels).set(value)
        counter.labels(*labels).inc(abs(value))
    agrees(registry)


def test_every_kind_of_metric_reads_as_the_library_writes_it():
    registry = CollectorRegistry()
    histogram = Histogram("kilter_h_seconds", "h", ["x"], buckets=(0.1, 1, 2.5e9), registry=registry)
    histogram.labels("y").observe(0.3)
    Info("kilter_i", "i", registry=registry).info({"version": "1"})
    Gauge("kilter_inf", "inf", registry=registry).set(math.inf)
    Gauge("kilter_less", "less", registry=registry).set(-math.inf)
    Gauge("kilter_at_seconds", "at", registry=registry).set(1_764_560_000.123)

    class Odd(Collector):
        def collect(self):
            buckets = GaugeHistogramMetricFamily("kilter_odd", "odd")
            buckets.add_metric([], [("1", 1), ("+Inf", 2)], 3.0)
            yield buckets
            stamped = GaugeMetricFamily("kilter_stamped", "with a time")
            stamped.add_metric([], 4, timestamp=1000)
            yield stamped

    registry.register(Odd())
    agrees(registry)


def test_a_settled_family_is_written_once_and_another_anew():
    settled = SettledGauge("kilter_s", "s", labels=["a"])
    settled.add_metric(["1"], 1.0)

    class Yields(Collector):
        family = settled

        def collect(self):
            yield self.family

    registry, collector = CollectorRegistry(), Yields()
    registry.register(collector)
    exposition = Exposition(registry)
    first = exposition.text()
    assert first == exposition.text() == b'# HELP kilter_s s\n# TYPE kilter_s gauge\nkilter_s{a="1"} 1\n'
    collector.family = SettledGauge("kilter_s", "s", labels=["a"])
    assert exposition.text() == b"# HELP kilter_s s\n# TYPE kilter_s gauge\n"
