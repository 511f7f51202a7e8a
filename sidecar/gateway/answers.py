"""The gateway's own answers, told apart from the model's by the header ``x-kilter-error``.

Each has a reason from a closed set (see ``counters``), a small JSON body that SDKs read as
an API error, and no word of the request.
"""

from __future__ import annotations

import json
from http import HTTPStatus

_STATUS = {
    "bad_request": HTTPStatus.BAD_REQUEST,
    "header_timeout": HTTPStatus.REQUEST_TIMEOUT,
    "body_timeout": HTTPStatus.REQUEST_TIMEOUT,
    "headers_too_large": HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "overloaded": HTTPStatus.SERVICE_UNAVAILABLE,
    "draining": HTTPStatus.SERVICE_UNAVAILABLE,
    "connect": HTTPStatus.BAD_GATEWAY,
    "tls": HTTPStatus.BAD_GATEWAY,
    "reset": HTTPStatus.BAD_GATEWAY,
    "protocol": HTTPStatus.BAD_GATEWAY,
    "timeout_connect": HTTPStatus.GATEWAY_TIMEOUT,
    "timeout_first_byte": HTTPStatus.GATEWAY_TIMEOUT,
}
_MESSAGE = {
    "bad_request": "The request is not valid HTTP/1.1, or its framing is ambiguous.",
    "header_timeout": "The request's headers did not arrive in time.",
    "body_timeout": "The request's body stopped arriving.",
    "headers_too_large": "The request's headers are too large.",
    "overloaded": "The gateway is at its limit of requests or connections.",
    "draining": "The gateway is shutting down.",
    "connect": "The upstream cannot be reached.",
    "tls": "The upstream's TLS certificate or handshake was refused.",
    "reset": "The upstream closed the connection before it answered.",
    "protocol": "The upstream's answer is not valid HTTP/1.1.",
    "timeout_connect": "The upstream did not accept a connection in time.",
    "timeout_first_byte": "The upstream did not begin to answer in time.",
}


def status_of(reason: str) -> int:
    """The status code that goes with a reason."""
    return int(_STATUS[reason])


def own_answer(reason: str, *, close: bool, to_head: bool = False) -> bytes:
    """The whole answer as bytes. ``close``: the connection ends with it. ``to_head``: it answers a HEAD."""
    status = _STATUS[reason]
    kind = "kilter_upstream_error" if status in (502, 504) else "kilter_rejected_request"
    body = json.dumps({"error": {"message": _MESSAGE[reason], "type": kind, "code": reason}}).encode()
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"x-kilter-error: {reason}",
    ]
    if close:
        lines.append("Connection: close")
    head = "\r\n".join((*lines, "", "")).encode()
    return head if to_head else head + body
