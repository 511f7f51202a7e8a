"""What became of a request: one ``Judgement`` for each answer of an exchange.

| label | when |
|---|---|
| ``aborted`` | the answer was cut short before it could be read (``READABLE`` characters) |
| ``empty`` | nothing visible came, and no tool was called |
| ``compliance`` | no word of a refusal, or a tool call alone |
| ``refusal`` | reads as a refusal and delivers nothing |
| ``hollow_refusal`` | reads as a refusal and delivers all the same, in words or by calling a tool |

``decided_by`` is ``cut_short``, ``policy_block``, ``nothing``, ``tool_call``, ``structured``, ``no_marker`` or
the rule of ``detectors.features.refusal`` that spoke.

Rules of this file
* An error is no behaviour: status 400 and above, or an error event before any content, gives
  no judgement. Only an answer of the model is judged.
* A provider's filter is not the model: a block that left no text is ``empty``, never a refusal.
* A structured refusal field is the model's own word, also where its content is empty.
"""

from __future__ import annotations

from collections.abc import Sequence

from detectors.features.classifier import Classifier
from detectors.features.delivery import delivers
from detectors.features.language import identify_all, lexicons_for
from detectors.features.reading import Reading, read
from detectors.features.refusal import marker
from detectors.records.exchange import Exchange, Message
from detectors.records.features import Judgement, Label

READABLE = 40
"""Characters from which an answer that was cut short is judged by what it says."""

_NO_ANSWER = Message(role="assistant")


def judgements(exchange: Exchange, languages: Sequence[str], by: Classifier | None = None) -> tuple[Judgement, ...]:
    """One entry a choice, in index order. ``languages``: of the first answer, as
    ``identify_all`` gives them; the other choices are expected to share them.

    ``by``: another classifier than this version's.
    """
    if exchange.status >= 400:
        return ()
    answers = exchange.output_messages or (_NO_ANSWER,)
    if exchange.error_type is not None and not any(map(_holds_something, answers)):
        return ()
    return tuple(_judge(exchange, answer, languages, by) for answer in answers)


def judge_text(text: str, languages: Sequence[str] | None = None, by: Classifier | None = None) -> Judgement:
    """A whole answer given as text alone; ``languages`` and ``by`` as in ``judgements``, else detected."""
    if not text.strip():
        return Judgement("empty", marker=False, delivered=False, decided_by="nothing")
    return _judge_words(text, languages or identify_all(text), called=False, by=by)


def _judge(exchange: Exchange, answer: Message, languages: Sequence[str], by: Classifier | None) -> Judgement:
    called = any(event.kind == "call" for event in answer.tool_events)
    text = answer.text
    if _refused_by_field(exchange, answer):
        reading = _read(text, languages, by)
        delivered = bool(text.strip()) and delivers(reading, marker(reading), by.weights if by else None)
        return _marked("structured", delivered=delivered)
    if exchange.ended != "complete" and not called and len(text.strip()) < READABLE:
        return Judgement("aborted", marker=False, delivered=False, decided_by="cut_short")
    if not text.strip():
        if called:
            return Judgement("compliance", marker=False, delivered=True, decided_by="tool_call")
        blocked = "policy_block_output" in exchange.signals or "policy_block_input" in exchange.signals
        return Judgement("empty", marker=False, delivered=False, decided_by="policy_block" if blocked else "nothing")
    return _judge_words(text, languages, called=called, by=by)


def _judge_words(text: str, languages: Sequence[str], *, called: bool, by: Classifier | None) -> Judgement:
    reading = _read(text, languages, by)
    rule = marker(reading)
    if rule is None:
        return Judgement("compliance", marker=False, delivered=True, decided_by="no_marker")
    return _marked(rule, delivered=called or delivers(reading, rule, by.weights if by else None))


def _read(text: str, languages: Sequence[str], by: Classifier | None) -> Reading:
    if by is None:
        return read(text, lexicons_for(languages, text))
    return read(text, lexicons_for(languages, text, by.lexicons), by.lexicons)


def _marked(rule: str, *, delivered: bool) -> Judgement:
    label: Label = "hollow_refusal" if delivered else "refusal"
    return Judgement(label, marker=True, delivered=delivered, decided_by=rule)


def _refused_by_field(exchange: Exchange, answer: Message) -> bool:
    # The signal does not say which choice it was, so it counts for those that hold nothing else.
    signalled = "model_refusal_structured" in exchange.signals and not _holds_something(answer)
    return bool(answer.refusal) or signalled


def _holds_something(answer: Message) -> bool:
    return bool(answer.text.strip() or answer.tool_events or answer.refusal)
