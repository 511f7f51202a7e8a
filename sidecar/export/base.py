"""What an exporter is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation
from detectors.records.verdict import Verdict

Series = tuple[str, str, str]
"""behaviour, stratum, model."""

Totals = Mapping[Series, tuple[float, int]]
"""(events, trials) of each series over a window."""

STAGES = ("capture", "decode", "features", "behaviours", "judgement")
"""Where an exchange can be lost to an error of ours."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One live exchange, decoded and counted. ``model``, ``language``, ``protocol`` and the observations'
    strata are labels of closed sets: they may become series. ``traceparent`` and ``tracestate`` are the
    caller's W3C trace context, empty without one.
    """

    exchange: Exchange
    features: Features
    observations: tuple[Observation, ...]
    model: str
    language: str
    protocol: str
    traceparent: str = ""
    tracestate: str = ""


class Exporter(Protocol):
    """One destination. Methods return at once and never raise for what an exchange holds."""

    def exchange(self, seen: Seen) -> None:
        """One live exchange."""

    def opaque(self) -> None:
        """A captured exchange that no wire format could read."""

    def failed(self, stage: str) -> None:
        """An exchange was lost in one of ``STAGES``."""

    def verdict(self, verdict: Verdict) -> None:
        """The state of a stratum has changed."""
