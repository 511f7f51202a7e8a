"""``kilter replay``: recorded exchanges through the monitor's own decoding."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
from pathlib import Path
from typing import Any

import click

from detectors.records.exchange import Exchange
from sidecar.gateway.capture import Capture
from sidecar.wire.base import decode, format_for
from sidecar.wire.end_user import end_user


class NotACaptureError(ValueError):
    """A file is no recorded exchange. The text says what is needed and quotes nothing."""


@click.command(
    epilog="\b\nExamples:\n  kilter replay --format-check exchange.json\n"
    "  kilter replay --format-check captures/*.json | jq -r .response_text\n"
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--format-check", is_flag=True, help="Print what the decoders read in each FILE, one JSON line a file.")
def command(files: tuple[Path, ...], *, format_check: bool) -> None:
    """Reads recorded exchanges as the monitor reads live ones.

    A FILE holds {"request": {method, path, headers, body_b64}, "response": {status, headers,
    body_b64, cut}}, headers as [name, value] pairs, bodies as on the wire without chunking. "cut":
    true says that the connection died. "format", or "config": {"provider"}, names the format where the path
    leaves it open. The line is null where no format reads the exchange. It shows content and the
    user's name as recorded.

    Exit 2 when a FILE cannot be read or is no such record.
    """
    if not format_check:
        raise click.UsageError("only --format-check is there yet: replaying through the detectors is not.")
    for file in files:
        try:
            shown = format_check_line(json.loads(file.read_bytes()))
        except OSError as error:
            raise click.BadParameter(f"{file}: {error.strerror}", param_hint="FILE") from None
        except NotACaptureError as error:
            raise click.BadParameter(f"{file}: {error}", param_hint="FILE") from None
        except (ValueError, RecursionError):
            raise click.BadParameter(f"{file}: not JSON", param_hint="FILE") from None
        click.echo(shown)


def format_check_line(record: Any) -> str:
    """One line of JSON, ``null`` for an opaque exchange. NotACaptureError on anything but a record."""
    exchange = decode(capture_of(record))
    return json.dumps(None if exchange is None else _fields(exchange))


def capture_of(record: Any) -> Capture:
    """The record as the relay would have copied it, whole, and with the user's name unhashed.

    NotACaptureError where it is no record.
    """
    request, response = _object(record, "request"), _object(record, "response")
    path = _text(request, "path").partition("?")[0]
    named = record.get("format") or _object(record, "config").get("provider")
    wire_format = format_for(path, named if isinstance(named, str) else "")
    body = _body(response)
    capture = Capture(
        method=_text(request, "method").upper(),
        path=path,
        request_headers=_headers(request),
        request_body=_body(request),
        request_truncated=False,
        status=_status(response),
        response_headers=_headers(response),
        response_body=body,
        response_omitted=0,
        response_head_bytes=len(body),
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
        ended="upstream_cut" if response.get("cut") else "complete",
        protocol=wire_format.name if wire_format else "",
    )
    return dataclasses.replace(capture, user_key=end_user(capture, wire_format)) if wire_format else capture


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


def _object(record: Any, name: str) -> dict[str, Any]:
    """Member ``name``, empty where there is none: an exchange may have no answer."""
    if not isinstance(record, dict):
        raise NotACaptureError("need an object with request and response")
    value = record.get(name)
    if value is not None and not isinstance(value, dict):
        raise NotACaptureError(f"{name}: need an object")
    return value or {}


def _text(part: dict[str, Any], name: str) -> str:
    value = part.get(name)
    if not isinstance(value, str):
        raise NotACaptureError(f"request.{name}: need a text")
    return value


def _status(response: dict[str, Any]) -> int:
    status = response.get("status", 0)
    if not isinstance(status, int):
        raise NotACaptureError("response.status: need a number")
    return status


def _headers(part: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    try:
        return tuple((str(name).lower(), str(value)) for name, value in part.get("headers") or ())
    except (TypeError, ValueError):
        raise NotACaptureError("headers: need [name, value] pairs") from None


def _body(part: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(part.get("body_b64") or "", validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise NotACaptureError("body_b64: need base64") from None
