"""Whom a request names as its end user."""

from __future__ import annotations

from typing import Any

from sidecar.gateway.capture import Capture
from sidecar.wire.base import WireFormat
from sidecar.wire.body import request_document
from sidecar.wire.headers import header
from sidecar.wire.json_value import mapping, text


def end_user(capture: Capture, wire_format: WireFormat) -> str | None:
    """The name as sent, unhashed: for records that somebody replays, never for live traffic."""
    document, _ = request_document(capture)
    named = (_at(document, keys) for keys in wire_format.user_fields)
    in_header = header(capture.request_headers, wire_format.user_header) if wire_format.user_header else ""
    return next((name for name in named if name), in_header) or None


def _at(document: dict[str, Any], keys: tuple[str, ...]) -> str:
    value: Any = document
    for key in keys:
        value = mapping(value).get(key)
    return text(value)
