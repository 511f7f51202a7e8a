"""An answer of Chat Completions, or of Completions, as it comes.

A stream's chunk and a whole answer differ in one word, ``delta`` or ``message``, and are
read by the same code. Theory of the tool calls: a chunk names its call by (choice, index);
the name and id come once. Some servers send every call with index 0, so a different id, or
a second name, begins a new call. Arguments are not kept.
"""

from __future__ import annotations

from typing import Any, ClassVar

from detectors.records.exchange import Message
from sidecar.wire import moderation
from sidecar.wire.answer import MAX_CHOICES, NOTHING, Answer
from sidecar.wire.chat_message import call_name, content_text
from sidecar.wire.chunk_kind import Places
from sidecar.wire.json_value import count, items, last_member, mapping, text
from sidecar.wire.tool_ledger import ToolLedger


class _Call:
    __slots__ = ("call_id", "name")

    def __init__(self, name: str, call_id: str) -> None:
        self.name = name
        self.call_id = call_id


class Choice:
    """One choice so far. ``calls`` holds, by index, the calls that came with it."""

    __slots__ = ("calls", "finish_reason", "refusal", "text")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.refusal: list[str] = []
        self.calls: dict[int, list[_Call]] = {}
        self.finish_reason: str | None = None

    def add_call(self, index: int, name: str, call_id: str) -> None:
        """A piece of a call: the first names it, the others add arguments."""
        calls = self.calls.setdefault(index, [])
        last = calls[-1] if calls else None
        if last is not None:
            same = call_id == last.call_id and call_id != ""
            other = call_id != "" and last.call_id not in ("", call_id)
            if not other and (same or not name or not last.name):
                last.name = last.name or name
                last.call_id = last.call_id or call_id
                return
        calls.append(_Call(name, call_id))


class ChatAnswer(Answer):
    """``policy`` is the request's own moderation policy (``moderation.policy``)."""

    places: ClassVar[Places] = Places(
        texts=("content", "text"),
        passing=(
            "arguments",
            "audio",
            "input",
            "logprobs",
            "obfuscation",
            "p",  # Mistral's padding
            "reasoning",
            "reasoning_content",
            "reasoning_details",
            "thinking",
            "timings",
            "token_ids",
        ),
        counts=("usage",),
    )

    def __init__(self, policy: dict[str, Any]) -> None:
        super().__init__()
        self._policy = policy
        self._choices: dict[int, Choice] = {}
        self._open: set[int] = set()  # choices without a finish
        self._described = False

    def add(self, event: dict[str, Any]) -> None:
        """A chunk, or a whole answer: choices, and what stands beside them."""
        if not self._described:
            self._describe(event)
        usage = event.get("usage")
        if usage is None and "x_groq" in event:
            usage = mapping(event["x_groq"]).get("usage")
        if usage:
            self._use(mapping(usage))
        if event.get("error") or event.get("object") == "error":
            self.error = event
        if "moderation" in event:
            self.signals |= moderation.blocks(self._policy, event["moderation"])
        choices = event.get("choices")
        if not isinstance(choices, list):
            self.unknown += self.error is not event and usage is None and "moderation" not in event
            return
        for position, choice in enumerate(choices):
            if isinstance(choice, dict):
                self._add_choice(choice, position)
            else:
                self.unknown += 1
        if len(choices) != 1 or self.error is event:
            self.only_appended = None

    def add_tail(self, tail: bytes) -> None:
        """Usage and the last choice's finish stand behind its content."""
        self._use(mapping(last_member(tail, "usage")))
        finish = last_member(tail, "finish_reason")
        if self._choices and isinstance(finish, str):
            self._choices[max(self._choices)].finish_reason = finish

    def messages(self, ledger: ToolLedger) -> tuple[Message, ...]:
        """One message a choice."""
        return tuple(self._message(index, choice, ledger) for index, choice in sorted(self._choices.items()))

    def _message(self, index: int, choice: Choice, ledger: ToolLedger) -> Message:
        ledger.begin_message()
        calls = [call for _, same_index in sorted(choice.calls.items()) for call in same_index]
        return Message(
            role="assistant",
            text="".join(choice.text),
            tool_events=tuple(ledger.call(call.name, call.call_id, choice=index) for call in calls),
            refusal="".join(choice.refusal) or None,
            finish_reason=choice.finish_reason,
        )

    def _describe(self, event: dict[str, Any]) -> None:
        # Azure's first chunk, which carries the filter's results only, has both empty.
        self.model = self.model or text(event.get("model")) or None
        self.response_id = self.response_id or text(event.get("id")) or None
        self._described = self.model is not None and self.response_id is not None

    def _use(self, usage: dict[str, Any]) -> None:
        self.used(count(usage.get("prompt_tokens")), count(usage.get("completion_tokens")))

    def _add_choice(self, sent: dict[str, Any], position: int) -> None:
        index = sent.get("index")
        if not isinstance(index, int):
            index = position
        choice = self._choices.get(index)
        if choice is None:
            if len(self._choices) == MAX_CHOICES:
                self.unknown += 1
                return
            choice = self._choices[index] = Choice()
            self._open.add(index)
            self.ended = False  # another choice may have finished before this one began
        said = sent.get("delta") or sent.get("message")
        if isinstance(said, dict):
            self.only_appended = self._add_said(said, choice, whole="message" in sent)
        else:  # the Completions API
            self.only_appended = choice.text if self._add_text(text(sent.get("text")), choice) else NOTHING
        finish = text(sent.get("finish_reason"))
        if finish:  # some servers send an empty one until there is one
            self.only_appended = None
            choice.finish_reason = finish
            self._open.discard(index)
            self.ended = not self._open
            if finish == "content_filter":
                self.signals.add("policy_block_output")
        if "content_filter_results" in sent:
            self._filter(mapping(sent["content_filter_results"]))

    def _add_said(self, said: dict[str, Any], choice: Choice, *, whole: bool) -> list[str] | None:
        """Returns the list to which a text was appended, NOTHING where there was none, None where there was more."""
        content = said.get("content")
        more = False
        if not isinstance(content, str) and content:
            self._add_refusal(content_text(content, ("refusal",), "refusal"), choice)
            # Mistral's reasoning is a part of its own.
            self.started = self.started or any(part.get("type") == "thinking" for part in items(content))
            content, more = content_text(content), bool(choice.refusal)
        pieces = choice.text if self._add_text(text(content), choice) else NOTHING
        if said.get("refusal"):
            more = True
            self._add_refusal(text(said["refusal"]), choice)
        if said.get("tool_calls"):
            for position, call in enumerate(items(said["tool_calls"])):
                index = position if whole else count(call.get("index")) or 0
                name, call_id = call_name(call), text(call.get("id"))
                more = more or bool(name or call_id) or index not in choice.calls
                choice.add_call(index, name, call_id)
        if said.get("function_call"):
            name = text(mapping(said["function_call"]).get("name"))
            more = more or bool(name) or 0 not in choice.calls
            choice.add_call(0, name, "")
        self.started = self.started or _thinks_or_calls(said)
        return None if more else pieces

    def _add_text(self, visible: str, choice: Choice) -> bool:
        if not visible:
            return False
        choice.text.append(visible)
        self.started = True
        return True

    def _add_refusal(self, refusal: str, choice: Choice) -> None:
        if refusal:
            choice.refusal.append(refusal)
            self.signals.add("model_refusal_structured")
            self.started = True

    def _filter(self, results: dict[str, Any]) -> None:
        # Azure: detected and not filtered is an annotation; only filtered was blocked.
        if any(mapping(result).get("filtered") is True for result in results.values()):
            self.signals.add("policy_block_output")


def _thinks_or_calls(said: dict[str, Any]) -> bool:
    """Whether there is reasoning (vLLM, SGLang and OpenRouter name it differently) or a call's arguments."""
    if said.get("reasoning") or said.get("reasoning_content") or said.get("reasoning_details"):
        return True
    calls = [mapping(call.get("function")) or mapping(call.get("custom")) for call in items(said.get("tool_calls"))]
    calls.append(mapping(said.get("function_call")))
    return any(call.get("arguments") or call.get("input") for call in calls)
