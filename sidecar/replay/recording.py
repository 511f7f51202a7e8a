"""A recorded exchange as the relay would have copied it.

Three shapes of record are read, one JSON object each:

    {"request": {"method", "path", "headers": [[name, value]], "body_b64"}, "response": {"status", "headers", "body_b64"}}
        Kilter's own capture: bodies as on the wire, after transfer decoding. "cut": true in the response says that
        the connection died; "format", or "config": {"provider"}, names the format where the path leaves it open.
    {"request": {"model", "messages": [...]}, "response": {"choices": [...]}}
        The bodies themselves, as most logs of OpenAI-style traffic keep them; "path" where the body does not tell,
        "status" where the answer was an error.
    {"messages": [..., {"role": "assistant", "content": ...}], "model"?}
        A transcript; its last message is the answer.

Beside them: when the request began as "timestamp" (Unix seconds or milliseconds, or ISO 8601; "started_at_s",
"created_at", "time" and "created" are taken too, and an answer's own "created"), and where known "duration_s", "user",
"conversation" and "app".
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from datetime import UTC, datetime
from typing import Any

import orjson

from sidecar.gateway.capture import Capture
from sidecar.gateway.keyed_hash import KeyedHash
from sidecar.gateway.scanner import SCAN_BYTES
from sidecar.wire.base import WireFormat, format_for
from sidecar.wire.end_user import end_user

TIMES = ("timestamp", "started_at_s", "started_at", "created_at", "time", "created")
_MILLISECONDS = 1e11  # of Unix time: the year 1973; in seconds the year 5138
_PATHS = (
    ("messages", "/v1/chat/completions"),
    ("input", "/v1/responses"),
    ("prompt", "/v1/completions"),
    ("contents", "/v1beta/models/unknown:generateContent"),
)
_JSON = (("content-type", "application/json"),)


class NotARecordError(ValueError):
    """A record is none of the three shapes. The text says what is needed and quotes nothing."""


def recorded(record: Any, keyed: KeyedHash) -> Capture:
    """The record with the time at which it began and whatever it says of user, conversation and app.

    NotARecordError where it is no record or says no time.
    """
    capture = capture_of(record)
    conversation, user = _text(record, "conversation", "conversation_id"), _text(record, "user", "user_id")
    duration = record.get("duration_s")
    duration_s = float(duration) if isinstance(duration, int | float) and duration >= 0 else None
    return dataclasses.replace(
        capture,
        started_at_s=_began(record),
        finished_s=duration_s,
        conversation_key=keyed.of(b"conversation", conversation.encode()).hex() if conversation else "",
        key_kind="header" if conversation else "",
        user_key=keyed.of(b"user", user.encode()).hex() if user else None,
        app=_text(record, "app"),
        keyed_bytes=min(len(capture.request_body), SCAN_BYTES),
    )


def capture_of(record: Any) -> Capture:
    """The record without its time and with the user's name unhashed. NotARecordError where it is no record."""
    if not isinstance(record, dict):
        raise NotARecordError("need an object with request and response")
    if "request" not in record and isinstance(record.get("messages"), list):
        return _transcript(record)
    request = _object(record, "request")
    if "path" in request or "method" in request or "body_b64" in request:
        return _wire(record, request)
    return _bodies(record, request, _object(record, "response"))


def _wire(record: dict[str, Any], request: dict[str, Any]) -> Capture:
    response = _object(record, "response")
    path = _needed_text(request, "path").partition("?")[0]
    return _capture(
        path=path,
        wire_format=format_for(path, _named(record)),
        method=_needed_text(request, "method").upper(),
        request_headers=_headers(request),
        request_body=_body(request),
        status=_status(response),
        response_headers=_headers(response),
        response_body=_body(response),
        cut=bool(response.get("cut")),
    )


def _bodies(record: dict[str, Any], request: dict[str, Any], response: dict[str, Any]) -> Capture:
    path = _text(record, "path") or _path_of(request, response)
    error = "error" in response and not any(key in response for key in ("choices", "output", "content"))
    status = record.get("status", 500 if error else 200)
    return _capture(
        path=path,
        wire_format=format_for(path, _named(record)),
        method="POST",
        request_headers=_JSON,
        request_body=orjson.dumps({key: value for key, value in request.items() if key != "stream"}),
        status=_status({"status": status}),
        response_headers=_JSON,
        response_body=orjson.dumps(response),
        cut=False,
    )


def _transcript(record: dict[str, Any]) -> Capture:
    messages = record["messages"]
    answer = messages[-1] if messages else None
    if not isinstance(answer, dict) or answer.get("role") != "assistant":
        raise NotARecordError("messages: need the answer, a message of role assistant, as the last")
    model = _text(record, "model") or "unknown"
    choice = {"index": 0, "message": answer, "finish_reason": "tool_calls" if answer.get("tool_calls") else "stop"}
    request = {"model": model, "messages": messages[:-1], "tools": record.get("tools") or []}
    return _bodies(
        {"path": "/v1/chat/completions"}, request, {"object": "chat.completion", "model": model, "choices": [choice]}
    )


def _path_of(request: dict[str, Any], response: dict[str, Any]) -> str:
    if response.get("type") == "message":
        return "/v1/messages"
    found = next((path for key, path in _PATHS if key in request), None)
    if found is None:
        raise NotARecordError("request: need method, path and body_b64, or a body with messages, input or prompt")
    return found


def _capture(
    *,
    path: str,
    wire_format: WireFormat | None,
    method: str,
    request_headers: tuple[tuple[str, str], ...],
    request_body: bytes,
    status: int,
    response_headers: tuple[tuple[str, str], ...],
    response_body: bytes,
    cut: bool,
) -> Capture:
    capture = Capture(
        method=method,
        path=path,
        request_headers=request_headers,
        request_body=request_body,
        request_truncated=False,
        status=status,
        response_headers=response_headers,
        response_body=response_body,
        response_omitted=0,
        response_head_bytes=len(response_body),
        started_at_s=0.0,
        request_sent_s=None,
        first_byte_s=None,
        finished_s=None,
        arrivals=(),
        conversation_key="",
        key_kind="none",
        user_key=None,
        app="",
        inclusion_probability=1.0,
        ended="upstream_cut" if cut else "complete",
        protocol=wire_format.name if wire_format else "",
    )
    return dataclasses.replace(capture, user_key=end_user(capture, wire_format)) if wire_format else capture


def _began(record: dict[str, Any]) -> float:
    response = record.get("response")
    candidates = [record.get(name) for name in TIMES]
    if isinstance(response, dict):
        candidates += [response.get("created"), response.get("created_at")]
    value = next((value for value in candidates if value not in (None, "") and not isinstance(value, bool)), None)
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdecimal():
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        seconds = float(value)  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError, OverflowError):
        raise NotARecordError("timestamp: need Unix seconds or ISO 8601") from None
    seconds = seconds / 1000 if seconds > _MILLISECONDS else seconds
    if not 0 <= seconds <= _MILLISECONDS:
        raise NotARecordError("timestamp: need Unix seconds or ISO 8601")
    return seconds


def _named(record: dict[str, Any]) -> str:
    named = record.get("format") or _object(record, "config").get("provider")
    return named if isinstance(named, str) else ""


def _object(record: dict[str, Any], name: str) -> dict[str, Any]:
    """Member ``name``, empty where there is none: an exchange may have no answer."""
    value = record.get(name)
    if value is not None and not isinstance(value, dict):
        raise NotARecordError(f"{name}: need an object")
    return value or {}


def _text(part: dict[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := part.get(name), str)), "")


def _needed_text(part: dict[str, Any], name: str) -> str:
    value = part.get(name)
    if not isinstance(value, str):
        raise NotARecordError(f"request.{name}: need a text")
    return value


def _status(response: dict[str, Any]) -> int:
    status = response.get("status", 0)
    if not isinstance(status, int) or not 0 <= status <= 999:
        raise NotARecordError("response.status: need a number")
    return status


def _headers(part: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    try:
        return tuple((str(name).lower(), str(value)) for name, value in part.get("headers") or ())
    except (TypeError, ValueError):
        raise NotARecordError("headers: need [name, value] pairs") from None


def _body(part: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(part.get("body_b64") or "", validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise NotARecordError("body_b64: need base64") from None
