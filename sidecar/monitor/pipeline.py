"""One record of the ring, through every stage: capture, exchange, features, observations.

An error in a stage loses that exchange and is counted by stage; it is never raised.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from detectors.features.classifier import Classifier
from detectors.features.extract import extract
from detectors.features.memory import Memory
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.measurement import Measurement
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from sidecar.export.base import Exporter, Seen
from sidecar.export.labels import Labels
from sidecar.gateway.capture import Capture
from sidecar.monitor.ticks import Rates
from sidecar.wire.base import decode
from sidecar.wire.headers import header

log = logging.getLogger("kilter.monitor")

T = TypeVar("T")
Judge = Callable[[Sighting, Sequence[Observation], Sequence[Measurement]], None]


class Pipeline:
    """``behaviours`` watch, ``labels`` close what they saw, ``rates`` count it where they are shown, ``exporters`` are told.

    ``memory`` adds what earlier exchanges tell. ``read`` makes a capture of a record, ValueError where it is none.
    ``judge`` is given what is counted and measured, with the labels of closed sets; ``earlier()`` is an earlier
    classifier, and who is given the same by its labels, while its baseline is in use.
    """

    def __init__(
        self,
        behaviours: Sequence[Behaviour],
        labels: Labels,
        rates: Rates | None,
        exporters: Sequence[Exporter],
        memory: Memory,
        read: Callable[[bytes], Capture] = Capture.from_bytes,
        judge: Judge = lambda _sighting, _observations, _measurements: None,
        earlier: Callable[[], tuple[Classifier, Judge] | None] = lambda: None,
    ) -> None:
        self._behaviours = tuple(behaviours)
        self._labels = labels
        self._rates = rates
        self._exporters = tuple(exporters)
        self._memory = memory
        self._read = read
        self._judge = judge
        self._earlier = earlier

    def process(self, record: bytes) -> Capture | None:
        """Looks at one record; the capture, or None when it could not be read."""
        capture = self._stage("capture", lambda: self._read(record))
        if capture is not None:
            decoded = self._stage("decode", lambda: (decode(capture),))
            if decoded is not None:
                self._look_at(*decoded, capture)
        return capture

    def _look_at(self, exchange: Exchange | None, capture: Capture) -> None:
        if exchange is None:
            for exporter in self._exporters:
                exporter.opaque()
        else:
            self.observe(
                exchange,
                capture.protocol,
                recognised=capture.key_kind != "none",
                traceparent=header(capture.request_headers, "traceparent"),
                tracestate=header(capture.request_headers, "tracestate"),
            )

    def observe(
        self,
        exchange: Exchange,
        protocol: str,
        *,
        recognised: bool = True,
        traceparent: str = "",
        tracestate: str = "",
        extracted: Features | None = None,
    ) -> None:
        """From the exchange on: what replayed logs share with live traffic. ``protocol`` is a wire format's name.
        ``recognised``: its conversation's key is no random one. ``traceparent``, ``tracestate``: the caller's trace context.
        ``extracted``: what ``extract`` says of the exchange, where another process has asked it.
        """
        features = self._stage("features", lambda: self._memory.remember(exchange, extracted or extract(exchange)))
        if features is None:
            return
        found = self._stage("behaviours", lambda: self._found(exchange, features))
        if found is None:
            return
        observations, measurements = found
        seen = self._labels.seen(exchange, features, observations, protocol)
        if traceparent:
            seen = dataclasses.replace(seen, traceparent=traceparent, tracestate=tracestate)
        if self._rates is not None:
            for observation in seen.observations:
                self._rates.count(
                    (observation.feature, observation.stratum, seen.model), observation.at_s, observation.value
                )
        sighting = _sighting(seen, recognised)
        self._stage("judgement", lambda: self._judge(sighting, seen.observations, measurements))
        earlier = self._earlier()
        if earlier is not None:
            self._stage("judgement", lambda: self._as_before(sighting, exchange, features, *earlier))
        for exporter in self._exporters:
            exporter.exchange(seen)

    def _found(self, exchange: Exchange, features: Features) -> tuple[list[Observation], list[Measurement]]:
        return (
            [seen for behaviour in self._behaviours for seen in behaviour.observe(exchange, features)],
            [
                taken
                for behaviour in self._behaviours
                if behaviour.measure
                for taken in behaviour.measure(exchange, features)
            ],
        )

    def _as_before(
        self, sighting: Sighting, exchange: Exchange, features: Features, by: Classifier, judge: Judge
    ) -> None:
        """What an earlier classifier would have seen; what earlier exchanges tell is as this one has it."""
        features = dataclasses.replace(features, judgements=extract(exchange, by).judgements)
        observations, measurements = self._found(exchange, features)
        judge(sighting, [self._labels.folded(observation) for observation in observations], measurements)

    def _stage(self, name: str, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except Exception:  # whatever an exchange holds must not stop the monitor
            log.exception("an exchange was lost", extra={"fields": {"stage": name}})
            for exporter in self._exporters:
                exporter.failed(name)
            return None


def _sighting(seen: Seen, recognised: bool) -> Sighting:
    exchange = seen.exchange
    return Sighting(
        conversation=exchange.conversation_id,
        model=seen.model,
        at_s=exchange.started_at_s,
        turn=exchange.turns or None,
        user=exchange.user_key,
        recognised=recognised,
        response_id=exchange.response_id or "",
        trace_id=_trace_id(seen.traceparent),
        app=exchange.app,
        language=seen.language,
    )


def _trace_id(traceparent: str) -> str:
    """The second field of a W3C trace context, empty where it is none."""
    fields = traceparent.split("-")
    return fields[1] if len(fields) == 4 and len(fields[1]) == 32 and fields[1].isalnum() else ""
