"""An Exchange, put together from the capture, what was asked and what was answered."""

from __future__ import annotations

from typing import get_args

from detectors.records.exchange import Exchange, Signal
from sidecar.gateway.capture import Capture
from sidecar.wire.answer import Answer
from sidecar.wire.errors import error_type, is_guardrail_block, is_policy_block
from sidecar.wire.request import Request
from sidecar.wire.tool_ledger import ToolLedger

_SIGNALS: tuple[Signal, ...] = get_args(Signal)


def exchange(
    capture: Capture,
    request: Request,
    answer: Answer,
    ledger: ToolLedger,
    *,
    operation: str,
    provider: str,
) -> Exchange:
    """The Exchange. ``ledger`` already knows the calls of the request's history."""
    messages = answer.messages(ledger)
    failed = answer.error is not None or capture.status >= 400
    error = answer.error or {}
    signals = set(answer.signals)
    if is_policy_block(error) or (capture.status >= 400 and is_guardrail_block(request.document, capture.status)):
        # In the middle of an answer it is the answer that was blocked.
        signals.add("policy_block_output" if answer.started else "policy_block_input")
    return Exchange(
        operation_name=operation,
        provider_name=provider,
        request_model=request.model,
        response_model=answer.model,
        response_id=answer.response_id,
        conversation_id=capture.conversation_key,
        input_messages=request.messages,
        output_messages=messages,
        finish_reasons=tuple(m.finish_reason for m in messages if m.finish_reason is not None),
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        stream=answer.streamed if request.stream is None else request.stream,
        error_type=error_type(error, capture.status) if failed else None,
        time_to_first_chunk_s=_elapsed(capture.request_sent_s, answer.first_chunk_at_s),
        duration_s=_duration_s(capture),
        started_at_s=capture.started_at_s,
        tools_offered=request.tools_offered,
        app=capture.app,
        user_key=capture.user_key,
        inclusion_probability=capture.inclusion_probability,
        truncated=answer.cut or not answer.ended or capture.ended == "upstream_cut",
        ended=capture.ended,
        turns=request.turns if request.history_complete == "yes" else None,
        history_complete=request.history_complete,
        signals=tuple(signal for signal in _SIGNALS if signal in signals),
        status=capture.status,
        parse_unknown=request.unknown + answer.unknown,
    )


def _elapsed(start_s: float | None, end_s: float | None) -> float | None:
    """Seconds, never below 0: a server may answer before it has read the whole request."""
    return None if start_s is None or end_s is None else max(0.0, end_s - start_s)


def _duration_s(capture: Capture) -> float:
    known = (capture.finished_s, capture.first_byte_s, capture.request_sent_s)
    return next((at_s for at_s in known if at_s is not None), 0.0)
