"""One record of the ring, through every stage: capture, exchange, features, observations.

An error in a stage loses that exchange and is counted by stage; it is never raised.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from detectors.features.extract import extract
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from sidecar.export.base import Exporter
from sidecar.export.labels import Labels
from sidecar.gateway.capture import Capture
from sidecar.monitor.ticks import Rates
from sidecar.wire.base import decode

log = logging.getLogger("kilter.monitor")

T = TypeVar("T")


class Pipeline:
    """``behaviours`` watch, ``labels`` close what they saw, ``rates`` count it, ``exporters`` are told."""

    def __init__(
        self, behaviours: Sequence[Behaviour], labels: Labels, rates: Rates, exporters: Sequence[Exporter]
    ) -> None:
        self._behaviours = tuple(behaviours)
        self._labels = labels
        self._rates = rates
        self._exporters = tuple(exporters)

    def process(self, record: bytes) -> Capture | None:
        """Looks at one record; the capture, or None when it could not be read."""
        capture = self._stage("capture", lambda: Capture.from_bytes(record))
        if capture is not None:
            decoded = self._stage("decode", lambda: (decode(capture),))
            if decoded is not None:
                self._look_at(*decoded, capture.protocol)
        return capture

    def _look_at(self, exchange: Exchange | None, protocol: str) -> None:
        if exchange is None:
            for exporter in self._exporters:
                exporter.opaque()
        else:
            self.observe(exchange, protocol)

    def observe(self, exchange: Exchange, protocol: str) -> None:
        """From the exchange on: what replayed logs share with live traffic. ``protocol`` is a wire format's name."""
        features = self._stage("features", lambda: extract(exchange))
        if features is None:
            return
        observations = self._stage(
            "behaviours",
            lambda: [seen for behaviour in self._behaviours for seen in behaviour.observe(exchange, features)],
        )
        if observations is None:
            return
        seen = self._labels.seen(exchange, features, observations, protocol)
        for observation in seen.observations:
            self._rates.count(
                (observation.feature, observation.stratum, seen.model), observation.at_s, observation.value
            )
        for exporter in self._exporters:
            exporter.exchange(seen)

    def _stage(self, name: str, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except Exception:  # whatever an exchange holds must not stop the monitor
            log.exception("an exchange was lost", extra={"fields": {"stage": name}})
            for exporter in self._exporters:
                exporter.failed(name)
            return None
