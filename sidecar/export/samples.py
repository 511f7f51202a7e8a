"""The text of exchanges as a destination, for whoever has decided to keep it: encrypted, for a time, up to a size.

Users are never among what is kept. A disk that fails costs the samples and nothing else.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge

from detectors.records.exchange import Message
from detectors.records.verdict import Verdict
from sidecar.export.base import Seen
from sidecar.store.samples import SampleStore

log = logging.getLogger("kilter.monitor")

LOSSES = ("too_large", "disk")


class SampleExporter:
    """``store`` is None where nothing is to be kept; the metrics are there all the same. ``clock()`` is Unix seconds."""

    def __init__(self, store: SampleStore | None, registry: CollectorRegistry, clock: Callable[[], float]) -> None:
        self._store, self._clock, self._said = store, clock, False
        Gauge(
            "kilter_keep_samples_enabled", "Whether prompts and answers are kept (keep_samples).", registry=registry
        ).set(store is not None)
        self._kept = Counter("kilter_samples_kept_total", "Exchanges whose text was kept.", registry=registry)
        self._lost = Counter(
            "kilter_samples_lost_total", "Exchanges whose text could not be kept.", ["reason"], registry=registry
        )
        for reason in LOSSES:
            self._lost.labels(reason)
        self._bytes = Gauge("kilter_samples_bytes", "What kept samples take on disk.", registry=registry)

    def exchange(self, seen: Seen) -> None:
        """Keeps one exchange."""
        if self._store is None:
            return
        try:
            self._store.append(json.dumps(sample(seen), separators=(",", ":")).encode("ascii"), self._clock())
        except ValueError:
            self._lost.labels("too_large").inc()
        except OSError as error:
            self._failed(error)
        else:
            self._kept.inc()
        self._bytes.set(self._store.held_bytes)

    def expire(self) -> None:
        """Now and then: what is too old goes, also without traffic."""
        if self._store is not None:
            try:
                self._store.expire(self._clock())
            except OSError as error:
                log.error("samples that are too old could not be removed", extra={"fields": {"why": error.strerror}})  # noqa: TRY400  # its text says all
            self._bytes.set(self._store.held_bytes)

    def opaque(self) -> None:
        """It has no text that could be read."""

    def failed(self, stage: str) -> None:
        """Counted elsewhere."""

    def verdict(self, verdict: Verdict) -> None:
        """Verdicts hold no text."""

    def close(self) -> None:
        """At the end."""
        if self._store is not None:
            self._store.close()

    def _failed(self, error: OSError) -> None:
        if not self._said:  # the count goes on
            self._said = True
            log.error("samples cannot be kept", extra={"fields": {"why": error.strerror}})
        self._lost.labels("disk").inc()


def sample(seen: Seen) -> dict[str, Any]:
    """What is kept of an exchange, plain JSON: by what an alarm names it, and its text."""
    exchange = seen.exchange
    return {
        "at_s": exchange.started_at_s,
        "response_id": exchange.response_id or "",
        "traceparent": seen.traceparent,
        "app": exchange.app,
        "model": seen.model,
        "language": seen.language,
        "protocol": seen.protocol,
        "labels": [judgement.label for judgement in seen.features.judgements],
        "strata": sorted({f"{one.feature}, {one.stratum}" for one in seen.observations}),
        "truncated": exchange.truncated,
        "input": _texts(exchange.input_messages),
        "output": _texts(exchange.output_messages),
    }


def _texts(messages: Sequence[Message]) -> list[dict[str, Any]]:
    return [
        {
            "role": message.role,
            "text": message.text,
            **({"refusal": message.refusal} if message.refusal is not None else {}),
            **({"tools": [f"{e.kind} {e.name}" for e in message.tool_events]} if message.tool_events else {}),
        }
        for message in messages
    ]
