"""One record of the evidence log, and its canonical text.

A record holds numbers, names and times, never text of users or models. What can hold text is a
payload: it lies beside the chain, and the record carries its salted hash only, so that erasing
the payload leaves the chain whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

KINDS = (
    "start",
    "stop",
    "gap",
    "torn",
    "clock",
    "config",
    "version",
    "pause",
    "resume",
    "annotation",
    "verdict",
    "alarm",
    "acknowledgement",
    "baseline",
    "variant",
    "probe",
    "epoch",
    "comparison",
    "diagnosis",
    "traffic",
    "standing",
    "head",
    "retention",
    "erasure",
    "freeze",
    "selftest",
)
"""What a record can be about; a closed set, so that a reader knows what to expect."""


@dataclass(frozen=True, slots=True)
class Record:
    """``seq`` counts from 1 through the whole log. ``at_s`` is Unix time, kept to the microsecond.
    ``data`` is a JSON object without NaN or infinity. ``payload`` is the hash of a payload, or ''.
    """

    seq: int
    at_s: float
    kind: str
    data: Mapping[str, Any]
    payload: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r}: need one of {', '.join(KINDS)}")

    @property
    def at(self) -> str:
        """UTC, ISO 8601, microseconds."""
        return datetime.fromtimestamp(self.at_s, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

    def canonical(self) -> bytes:
        """UTF-8 JSON with sorted keys and no spaces; ValueError where ``data`` holds no JSON value."""
        text: dict[str, Any] = {"at": self.at, "data": self.data, "kind": self.kind, "seq": self.seq}
        if self.payload:
            text["payload"] = self.payload
        try:
            return json.dumps(text, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError, UnicodeEncodeError) as error:
            raise ValueError(f"a record of kind {self.kind!r} holds no JSON value: {type(error).__name__}") from None
