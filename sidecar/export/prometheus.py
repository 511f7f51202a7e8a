"""The behaviour metrics of one monitor, in a registry that is passed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from detectors.records.features import LABELS
from detectors.records.verdict import STATES, Verdict
from sidecar.export.base import STAGES, Seen, Totals
from sidecar.export.labels import NAMES
from sidecar.gateway.admission import KEY_KINDS

SIGNALS = ("policy_block_input", "policy_block_output", "model_refusal_structured")
RECORDS = ("read", "bad_crc", "lost")
_ANALYSIS_BUCKETS_S = (2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2, 0.25)


class PrometheusExporter:
    """``totals()`` is shown as ``kilter_rate``; ``protocols`` are the wire formats' names."""

    def __init__(self, registry: CollectorRegistry, protocols: Sequence[str], totals: Callable[[], Totals]) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        self._responses = counter("kilter_responses_total", "Answers by what they are.", "model", "label")
        self._signals = counter("kilter_signals_total", "Structured blocks and refusals, by who made them.", "signal")
        series = ("behaviour", "stratum", "model")
        self._observations = counter("kilter_observations_total", "What a behaviour counted.", *series)
        self._events = counter("kilter_events_total", "Of what a behaviour counted, where it happened.", *series)
        self._languages = counter("kilter_languages_total", "Exchanges by the language asked in.", "language")
        self._tokens = counter("kilter_tokens_total", "Tokens as the server counted them.", "model", "direction")
        self._opaque = counter("kilter_opaque_exchanges_total", "Copied exchanges that no wire format could read.")
        self._changes = counter("kilter_verdict_changes_total", "States that strata have come to.", "state")
        self._failed = counter("kilter_analysis_errors_total", "Exchanges lost to an error of ours.", "stage")
        self._unknown = counter("kilter_parse_unknown_total", "Events of a kind not known.", "protocol")
        self._overflow = counter("kilter_label_overflow_total", "Values shown as `other`.", "label")
        self._key_kinds = counter(
            "kilter_capture_keys_total", "Copied exchanges by how their conversation was recognised.", "key_kind"
        )
        self._records = counter("kilter_ring_records_total", "Records of the rings by how reading went.", "outcome")
        self.seconds = Histogram(
            "kilter_analysis_seconds", "Work on one exchange.", registry=registry, buckets=_ANALYSIS_BUCKETS_S
        )
        self.lag = Gauge(
            "kilter_analysis_lag_seconds", "Age of the exchange last looked at, from its end.", registry=registry
        )
        self.second_opinion = Gauge(
            "kilter_language_second_opinion",
            "1 where short texts are read by two language identifiers, 0 where the second could not be loaded.",
            registry=registry,
        )
        self.second_opinion.set(1)
        registry.register(_RateCollector(totals))
        closed = (
            (self._failed, STAGES),
            (self._changes, STATES),
            (self._signals, SIGNALS),
            (self._overflow, NAMES),
            (self._records, RECORDS),
            (self._key_kinds, KEY_KINDS),
        )
        for family, values in (*closed, (self._unknown, protocols)):
            for value in values:
                family.labels(value)
        self._models: set[str] = set()

    def exchange(self, seen: Seen) -> None:
        """Counts one exchange."""
        exchange = seen.exchange
        if seen.model not in self._models:
            self._models.add(seen.model)
            for label in LABELS:
                self._responses.labels(seen.model, label)
        for judgement in seen.features.judgements:
            self._responses.labels(seen.model, judgement.label).inc()
        for signal in exchange.signals:
            self._signals.labels(signal).inc()
        if exchange.parse_unknown:
            self._unknown.labels(seen.protocol).inc(exchange.parse_unknown)
        if exchange.error_type is None:
            self._languages.labels(seen.language).inc()
        for direction, tokens in (("input", exchange.input_tokens), ("output", exchange.output_tokens)):
            if tokens:
                self._tokens.labels(seen.model, direction).inc(tokens)
        for observation in seen.observations:
            series = (observation.feature, observation.stratum, seen.model)
            self._observations.labels(*series).inc()
            self._events.labels(*series).inc(observation.value)

    def opaque(self) -> None:
        """An unreadable exchange."""
        self._opaque.inc()

    def failed(self, stage: str) -> None:
        """An error of ours."""
        self._failed.labels(stage).inc()

    def overflow(self, label: str) -> None:
        """A value became ``other``."""
        self._overflow.labels(label).inc()

    def verdict(self, verdict: Verdict) -> None:
        """The state of a stratum has changed."""
        self._changes.labels(verdict.state).inc()

    def recognised(self, key_kind: str) -> None:
        """A copied exchange, by one of ``KEY_KINDS``."""
        self._key_kinds.labels(key_kind).inc()

    def records(self, outcome: str, count: int = 1) -> None:
        """Records of the rings, by one of ``RECORDS``."""
        self._records.labels(outcome).inc(count)


class _RateCollector(Collector):
    def __init__(self, totals: Callable[[], Totals]) -> None:
        self._totals = totals

    def collect(self) -> Iterator[GaugeMetricFamily]:
        labels = ["behaviour", "stratum", "model"]
        rate = GaugeMetricFamily("kilter_rate", "Share of events in the window of `ticks.window_s`.", labels=labels)
        trials_of = GaugeMetricFamily("kilter_rate_observations", "What `kilter_rate` rests on.", labels=labels)
        for series, (events, trials) in self._totals().items():
            rate.add_metric(list(series), round(events / trials, 6))
            trials_of.add_metric(list(series), float(trials))
        yield rate
        yield trials_of
