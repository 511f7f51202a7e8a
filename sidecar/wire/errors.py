"""What an error object says, in the shapes that the providers and servers send.

OpenAI ``{"error": {message, type, code}}`` (vLLM, llama.cpp: ``code`` an int), older vLLM
and SGLang ``{"object": "error", type, code}``, Anthropic ``{"type": "error", "error":
{type}}``, TGI ``{"error": text, error_type}``, Ollama ``{"error": text}``, Google ``{"error": {code: 400,
status: "INVALID_ARGUMENT"}}``.
"""

from __future__ import annotations

from typing import Any

from sidecar.wire.json_value import items, mapping, text

POLICY_CODES = frozenset(
    (
        "content_filter",
        "content_policy_violation",
        "invalid_prompt",
        "bio_policy",
        "misalignment_policy_violation",
        "image_content_policy_violation",
        "moderation_blocked",
        "ResponsibleAIPolicyViolation",
    )
)
"""Codes with which a provider says that its policy, and nothing about the request's form, refused."""


def error_type(document: dict[str, Any], status: int) -> str:
    """The most specific name the error gives itself: its code, else its type, else the status.

    A code that is an HTTP status says no more than that and is passed over. An error that came
    under status 200, in the middle of a stream, may have a status of its own.
    """
    error = _innermost(document)
    code = text(error.get("code"))
    if code and not _is_status(code):
        return code
    own_type = text(error.get("status")) or text(error.get("type")) or text(error.get("error_type"))
    if own_type not in ("", "error"):
        return own_type
    own_status = str(error.get("code") or error.get("http_status_code") or error.get("status_code") or "")
    return own_status if status < 400 and _is_status(own_status) else str(status)


def _is_status(code: str) -> bool:
    return len(code) == 3 and code.isascii() and code.isdigit()


def is_policy_block(document: dict[str, Any]) -> bool:
    """Whether the error is a provider's refusal by policy."""
    error = _innermost(document)
    codes = (error.get("code"), error.get("type"), mapping(error.get("innererror")).get("code"))
    return any(text(code) in POLICY_CODES for code in codes)


def is_guardrail_block(request: dict[str, Any], status: int) -> bool:
    """Mistral answers 403 where one of the request's own guardrails blocked it."""
    return status == 403 and bool(items(request.get("guardrails")))


def _innermost(document: dict[str, Any]) -> dict[str, Any]:
    error = document.get("error")
    return error if isinstance(error, dict) else document
