"""What a judgement counts as: 1, 0, or nothing, and the observation or measurement made of it.

An exchange is one trial however many choices were asked for: choices of one request are
drawn from one prompt and are not independent, so choice 0, which clients show, stands for
all. ``empty`` and ``aborted`` are in no denominator: neither says what the model would do.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.measurement import Measurement
from detectors.records.observation import Observation


def readable(features: Features) -> bool:
    """Whether there is an answer whose words, or tool calls, say something."""
    return _label(features) not in (None, "empty", "aborted")


def complied(features: Features) -> bool:
    """Whether the answer has no word of a refusal."""
    return _label(features) == "compliance"


def refused(features: Features) -> float | None:
    """1.0 for a refusal that delivers nothing, 0.0 for a hollow one or none, None if unreadable."""
    return float(_label(features) == "refusal") if readable(features) else None


def hollow(features: Features) -> float | None:
    """Among answers that read as refusals: 1.0 if the content is there all the same, else 0.0."""
    label = _label(features)
    return float(label == "hollow_refusal") if label in ("refusal", "hollow_refusal") else None


def observed(feature: str, stratum: str, value: float | None, exchange: Exchange) -> Iterator[Observation]:
    """The one observation of this exchange, or none where ``value`` is None."""
    if value is not None:
        yield Observation(
            feature=feature,
            stratum=stratum,
            value=value,
            conversation=exchange.conversation_id,
            user=exchange.user_key,
            at_s=exchange.started_at_s,
        )


def measured(feature: str, stratum: str, value: float | None, exchange: Exchange) -> Iterator[Measurement]:
    """The one measurement of this exchange, or none where ``value`` is None."""
    if value is not None:
        yield Measurement(
            feature=feature,
            stratum=stratum,
            value=value,
            conversation=exchange.conversation_id,
            user=exchange.user_key,
            at_s=exchange.started_at_s,
        )


def _label(features: Features) -> str | None:
    return features.judgements[0].label if features.judgements else None
