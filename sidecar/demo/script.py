"""What the scripted model does: phases of policies, and a fixed outcome for every exchange.

* A script is data. The phase in force at exchange k is the last one with
  ``from_exchange <= k``; in it the first rule that matches the request decides, else the
  phase's own policy.
* No state and no clock: what happens follows from (script seed, key of the exchange,
  purpose of the draw) by BLAKE2b. The key is the exchange's number, or the request's
  content where the request brings a seed of its own.
* The outcome knows its truth: ``label`` is what the text is, not what it looks like.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter

from sidecar.demo.asked import Asked, ToolState
from sidecar.demo.language import languages
from sidecar.demo.tool_call import ToolCall, call

Label = Literal["refusal", "hollow_refusal", "compliance", "empty", "error", "cut"]
_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class Policy:
    """Chances in [0, 1]. ``refusal``, ``hollow_refusal`` and ``empty`` exclude each other
    and what they leave is compliance; the other chances are drawn on their own.

    ``language``: a tag, or empty for the prompt's. ``structured``: refusals go into the wire
    format's own field instead of the text. ``tool_chain`` names the tools to call one after
    the other after one human turn; empty: one call of one offered tool. ``parallel_calls``:
    calls in one message. A stall waits ``stall_s`` half-way through a stream, or before an
    answer in one piece; a cut aborts the connection after ``cut_after_bytes`` of the body.
    ``error_in_stream``: a streamed answer breaks half-way with an error event instead of
    failing with ``error_status``.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    refusal: float = 0.0
    hollow_refusal: float = 0.0
    empty: float = 0.0
    structured: bool = False
    language: str = ""
    tool_call: float = 0.0
    tool_chain: tuple[str, ...] = ()
    parallel_calls: int = 1
    stall: float = 0.0
    stall_s: float = 1.0
    cut: float = 0.0
    cut_after_bytes: int = 300
    error: float = 0.0
    error_status: int = 500
    error_in_stream: bool = False

    def __post_init__(self) -> None:
        chances = (self.refusal, self.hollow_refusal, self.empty, self.tool_call, self.stall, self.cut, self.error)
        if not all(0 <= chance <= 1 for chance in chances) or sum(chances[:3]) > 1 + 1e-9:
            raise ValueError("need every chance in [0, 1], and refusal + hollow_refusal + empty <= 1")
        if self.language and self.language not in languages():
            raise ValueError(f"need language empty or one of {', '.join(languages())}")
        if not 400 <= self.error_status <= 599 or self.stall_s < 0 or self.cut_after_bytes < 0:
            raise ValueError("need 400 <= error_status <= 599, stall_s >= 0 and cut_after_bytes >= 0")
        if self.parallel_calls < 1:
            raise ValueError("need parallel_calls >= 1")


@dataclass(frozen=True, slots=True)
class Rule:
    """``policy`` for the requests that fit every condition given; ranges include both ends."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    policy: Policy
    languages: tuple[str, ...] = ()
    turns: tuple[int, int] | None = None
    attempts: tuple[int, int] | None = None
    tool_state: ToolState | None = None
    tools: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def matches(self, request: Asked, attempt: int) -> bool:
        """``tools``: any of them is offered."""
        return (
            (not self.languages or request.language in self.languages)
            and (self.turns is None or self.turns[0] <= request.turns <= self.turns[1])
            and (self.attempts is None or self.attempts[0] <= attempt <= self.attempts[1])
            and (self.tool_state is None or request.tool_state == self.tool_state)
            and (not self.tools or any(tool.name in self.tools for tool in request.tools))
            and (not self.models or request.model in self.models)
        )


@dataclass(frozen=True, slots=True)
class Phase:
    """From exchange ``from_exchange`` (0 is the first) on. ``fingerprint`` is told to clients
    as the model's build; one that changes is a model that was swapped silently.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    from_exchange: int = 0
    policy: Policy = field(default_factory=Policy)
    rules: tuple[Rule, ...] = ()
    fingerprint: str = "fp_scripted_1"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer. Calls come with no text. ``structured``: ``text`` is for the refusal field."""

    label: Label
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    structured: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens at one exchange. ``key`` is 24 hex digits, from which ids are made."""

    key: str
    fingerprint: str
    choices: tuple[Choice, ...]
    error_status: int | None = None
    error_in_stream: bool = False
    cut_after_bytes: int | None = None
    stall_s: float = 0.0

    @property
    def labels(self) -> tuple[Label, ...]:
        """The truth: one label a choice, or one for all where the answer fails."""
        if self.error_status is not None:
            return ("error",)
        if self.cut_after_bytes is not None:
            return ("cut",)
        return tuple(choice.label for choice in self.choices)


@dataclass(frozen=True, slots=True)
class Script:
    """Phases in any order; the earliest must begin at exchange 0."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    seed: int = 7
    phases: tuple[Phase, ...] = (Phase(),)

    def __post_init__(self) -> None:
        if not self.phases or min(phase.from_exchange for phase in self.phases) != 0:
            raise ValueError("need a phase with from_exchange 0, and none below 0")

    @classmethod
    def from_json(cls, raw: Any) -> Script:
        """From plain data. ValueError names the key that is wrong, never its value."""
        return TypeAdapter(cls).validate_python(raw)

    def with_phase(self, phase: Phase) -> Script:
        """The same, with one more phase; one that begins at the same exchange is replaced."""
        others = tuple(known for known in self.phases if known.from_exchange != phase.from_exchange)
        return replace(self, phases=(*others, phase))

    def phase_at(self, exchange: int) -> Phase:
        """The phase in force."""
        begun = (phase for phase in self.phases if phase.from_exchange <= exchange)
        return max(begun, key=lambda phase: phase.from_exchange)

    def outcome(self, request: Asked, exchange: int, attempt: int = 1) -> Outcome:
        """What the model does at exchange ``exchange`` (>= 0), the same every time.

        ``attempt`` is the number of the user's try at this question, from 1.
        """
        phase = self.phase_at(exchange)
        policy = next((rule.policy for rule in phase.rules if rule.matches(request, attempt)), phase.policy)
        dice = Dice(self.seed, f"#{exchange}" if request.seed is None else _content(request))
        fails = dice.draw("error") < policy.error
        return Outcome(
            key=dice.key,
            fingerprint=phase.fingerprint,
            choices=tuple(_choice(policy, request, dice, index) for index in range(request.choices)),
            error_status=policy.error_status if fails else None,
            error_in_stream=fails and policy.error_in_stream and request.stream,
            cut_after_bytes=policy.cut_after_bytes if not fails and dice.draw("cut") < policy.cut else None,
            stall_s=policy.stall_s if dice.draw("stall") < policy.stall else 0.0,
        )


class Dice:
    """Independent uniform draws by name, for one exchange."""

    def __init__(self, seed: int, name: str) -> None:
        self.key = hashlib.blake2b(f"{seed}|{name}".encode(), digest_size=12).hexdigest()

    def draw(self, purpose: str) -> float:
        """In [0, 1)."""
        digest = hashlib.blake2b(f"{self.key}|{purpose}".encode(), digest_size=8).digest()
        return (int.from_bytes(digest) >> 11) / 2**53


def _content(request: Asked) -> str:
    """All that was asked, but not how it is to be carried: streamed or not, the answer is the same."""
    skipped = {"stream", "include_usage", "choices"}
    content = repr([getattr(request, part.name) for part in fields(request) if part.name not in skipped])
    # A client may send text that is no valid Unicode; it must still have a key.
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _choice(policy: Policy, request: Asked, dice: Dice, index: int) -> Choice:
    calls = _calls(policy, request, dice, index)
    if calls:
        return Choice("compliance", calls=calls)
    language = languages()[policy.language or request.language]
    pick = dice.draw(f"text {index}")
    kind = dice.draw(f"label {index}")
    if kind < policy.refusal:
        return Choice("refusal", language.refusals[int(pick * len(language.refusals))], structured=policy.structured)
    kind -= policy.refusal
    answer = language.answer_to(request.prompt if language.tag == request.language else "", pick)
    if kind < policy.hollow_refusal:
        disclaimer = language.disclaimers[int(dice.draw(f"disclaimer {index}") * len(language.disclaimers))]
        # A short answer after a disclaimer would leave open what was delivered: give a whole one.
        full = answer if any(answer == topic.answer for topic in language.topics) else language.answer_to("", pick)
        return Choice("hollow_refusal", f"{disclaimer}\n\n{full}")
    if kind - policy.hollow_refusal < policy.empty:
        return Choice("empty")
    return Choice("compliance", answer)


def _calls(policy: Policy, request: Asked, dice: Dice, index: int) -> tuple[ToolCall, ...]:
    """Tool calls of this answer: forced ones by the request, others by the policy's chance."""
    offered = {tool.name: tool for tool in request.tools}
    if not offered or request.tool_choice == "none":
        return ()
    names = [request.tool_choice.removeprefix("tool:")] if request.tool_choice.startswith("tool:") else []
    if not names and (request.tool_choice == "required" or dice.draw(f"tool {index}") < policy.tool_call):
        chain = [name for name in policy.tool_chain if name in offered]
        if chain:
            names = chain[request.calls_made : request.calls_made + 1] * policy.parallel_calls
        elif request.calls_made == 0 or request.tool_choice == "required":
            picks = (dice.draw(f"which tool {index} {at}") for at in range(policy.parallel_calls))
            names = [list(offered)[int(pick * len(offered))] for pick in picks]
    return tuple(call(offered[name], f"{dice.key}{index}{at}") for at, name in enumerate(names) if name in offered)
