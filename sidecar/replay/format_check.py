"""What the decoders read in one record, as one line: for whoever wants to know whether they read it right."""

from __future__ import annotations

import json
from typing import Any

from detectors.records.exchange import Exchange
from sidecar.replay.recording import capture_of
from sidecar.wire.base import decode


def format_check_line(record: Any) -> str:
    """One line of JSON, ``null`` for an opaque exchange. NotARecordError on anything but a record."""
    exchange = decode(capture_of(record))
    return json.dumps(None if exchange is None else _fields(exchange))


def _fields(exchange: Exchange) -> dict[str, Any]:
    return {
        "operation_name": exchange.operation_name,
        "request_model": exchange.request_model,
        "response_model": exchange.response_model,
        "finish_reasons": exchange.finish_reasons,
        "input_tokens": exchange.input_tokens,
        "output_tokens": exchange.output_tokens,
        "stream": exchange.stream,
        "turns": exchange.turns,
        "history_complete": exchange.history_complete,
        "tools_offered": exchange.tools_offered,
        "tool_calls": [(event.kind, event.name) for event in exchange.tool_events],
        "response_text": exchange.response_text,
        "signals": exchange.signals,
        "error_type": exchange.error_type,
        "user_key": exchange.user_key,
        "truncated": exchange.truncated,
    }
