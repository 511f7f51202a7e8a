"""A suite file: what is asked, in families of one question each.

The tree below is the format. ``sidecar.canary.suite_schema`` makes its JSON
Schema; ``sidecar.canary.loading`` reads files into it.

Rules of this file
* Unknown keys are refused, so that a misspelt expectation is a mistake and not a pass.
* Everything has a default that asks less, never more.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from sidecar.canary import arithmetic, duration
from sidecar.canary.expectation import Expect, Part, Schema, Severity
from sidecar.canary.wrappers import WRAPPERS

Kind = Literal[
    "single",
    "multi_turn",
    "tool",
    "structured",
    "browse_loop",
    "code",
    "ladder",
    "translation_set",
    "decomposition",
]
Attack = Literal["none", "roleplay", "hierarchy", "suffix", "many_shot", "decomposition", "injection"]
Status = Literal["native_verified", "machine", "imported"]
Scalar = str | int | float | bool

GROUPS = ("adversarial", "implicit_harm", "agentic", "multilingual", "overrefusal")
"""The groups that a deployment should have valid results of. Others are allowed."""
QUADRANTS = ("harmful_input", "harmful_context", "harmless_input", "harmless_input_factual_output")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
_SLOT = re.compile(r"[a-z_][a-z0-9_]*")
_DATE = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?")


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError("need letters, digits, dot, dash or underscore, at most 80")
    return text


def _languages(value: dict[str, Any]) -> dict[str, Any]:
    if wrong := [tag for tag in value if not LANGUAGE.fullmatch(tag)]:
        raise ValueError(f"{wrong[0]}: need a language tag such as en or pt-BR")
    return value


def _slot_names(value: dict[str, Any]) -> dict[str, Any]:
    if wrong := [name for name in value if not _SLOT.fullmatch(name) or name == "truth"]:
        raise ValueError(f"{wrong[0]}: need a lower-case name other than truth")
    return value


def _day(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("need YYYY-MM or YYYY-MM-DD")
    date(int(match[1]), int(match[2]), int(match[3] or 1))
    return value


Name = Annotated[str, AfterValidator(_id)]
Day = Annotated[str, BeforeValidator(_day)]


def first_day(day: str) -> date:
    """The date, or the first of the month where only a month is given."""
    return date.fromisoformat(day if len(day) > 7 else f"{day}-01")


class Image(Part):
    """``image`` is a file beside the suite; ``text`` is text. One of them."""

    text: str | None = None
    image: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Image:
        if (self.text is None) == (self.image is None):
            raise ValueError("need text or image")
        return self


Content = str | tuple[Image, ...]


class Wording(Part):
    """Paraphrases of one question in one language, one of which is drawn."""

    text: tuple[Content, ...] = Field(min_length=1)
    status: Status | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, raw: Any) -> Any:
        if isinstance(raw, str):
            return {"text": [raw]}
        if isinstance(raw, list):
            return {"text": raw}
        if isinstance(raw, dict) and isinstance(raw.get("text"), str):
            return {**raw, "text": [raw["text"]]}
        return raw


Prompts = Annotated[dict[str, Wording], AfterValidator(_languages)]


class Slot(Part):
    """What is drawn anew at every rendering: exactly one key.

    ``choice``: one of these, or one list a language (same place in each). ``int``: from,
    to, both included. ``nonce``: so many letters that nobody has seen. ``name``: an invented person.
    """

    choice: tuple[Scalar, ...] | dict[str, tuple[Scalar, ...]] | None = None
    int_: tuple[int, int] | None = Field(None, alias="int")
    nonce: int | None = Field(None, ge=4, le=64)
    name: Literal[True] | None = None

    @model_validator(mode="before")
    @classmethod
    def _choices_alone(cls, raw: Any) -> Any:
        return {"choice": raw} if isinstance(raw, list) else raw

    @model_validator(mode="after")
    def _one(self) -> Slot:
        if len(self.model_fields_set) != 1:
            raise ValueError("need one of choice, int, nonce, name")
        if isinstance(self.choice, dict) and len({len(options) for options in self.choice.values()}) != 1:
            raise ValueError("need as many choices in each language")
        if self.choice is not None and not all(
            len(options) for options in (self.choice.values() if isinstance(self.choice, dict) else (self.choice,))
        ):
            raise ValueError("need at least one choice")
        if self.int_ is not None and self.int_[0] > self.int_[1]:
            raise ValueError("need [from, to] with from <= to")
        return self

    @property
    def values(self) -> int:
        """How many there are."""
        if self.choice is not None:
            options = next(iter(self.choice.values())) if isinstance(self.choice, dict) else self.choice
            return len(options)
        if self.int_ is not None:
            return self.int_[1] - self.int_[0] + 1
        return 100 ** (self.nonce // 2) if self.nonce else 1000


Slots = Annotated[dict[str, Slot], AfterValidator(_slot_names)]


class Tool(Part):
    """A tool that is offered. ``parameters`` is a JSON Schema. OpenAI's ``{type: function, function: …}`` is read too."""

    name: Name
    description: str = ""
    parameters: Schema = Field(default_factory=lambda: {"type": "object", "properties": {}})

    @model_validator(mode="before")
    @classmethod
    def _unwrapped(cls, raw: Any) -> Any:
        return raw["function"] if isinstance(raw, dict) and set(raw) == {"type", "function"} else raw


class ToolResult(Part):
    """What a call of tool ``for`` gets back. Of several, each call takes the next; the last repeats."""

    for_: Name = Field(alias="for")
    content: Any


class Turn(Part):
    """One key. A ``user`` turn is asked, unless an ``assistant`` turn follows: then both are history."""

    user: Content | None = None
    assistant: str | None = None
    tool_result: ToolResult | None = None

    @model_validator(mode="after")
    def _one(self) -> Turn:
        if len(self.model_fields_set) != 1:
            raise ValueError("need one of user, assistant, tool_result")
        return self


class Truth(Part):
    """What is right, computed from the slots. ``expires``: from this day on the question is not asked."""

    expr: str
    yes_no: bool = False
    source: str
    as_of: Day
    expires: Day

    @model_validator(mode="after")
    def _readable(self) -> Truth:
        arithmetic.check(self.expr)
        return self


class Ladder(Part):
    """The same request on several rungs. ``depth``: so many earlier turns. ``tools``: so many
    earlier tool calls. ``repeats``: so many near-repeats asked before it, each answered live.
    ``filler``: what those turns say; the shipped ones where empty.
    """

    axis: Literal["depth", "tools", "repeats"]
    rungs: tuple[Annotated[int, Field(ge=0, le=64)], ...] = Field(min_length=2)
    filler: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Ladder:
        if list(self.rungs) != sorted(set(self.rungs)):
            raise ValueError("need rungs from low to high, each once")
        return self


class Twin(Part):
    """The same family asked otherwise: ``twin`` asks for something harmless, ``direct`` asks in plain chat."""

    prompts: Prompts
    system: str | None = None
    expect: Expect | None = None
    group: Name | None = None
    quadrant: Name | None = None
    max_tokens: int | None = Field(None, ge=1, le=32768)
    wrappers: tuple[Literal[WRAPPERS], ...] | None = None  # type: ignore[valid-type]  # a tuple of names is one


class Common(Part):
    """What a suite can say for all of its families."""

    group: Name | None = None
    quadrant: Name | None = None
    domain: Name | None = None
    kind: Kind | None = None
    attack: Attack | None = None
    max_tokens: int | None = Field(None, ge=1, le=32768)
    max_steps: int | None = Field(None, ge=1, le=32)
    repeats: int | None = Field(None, ge=1, le=100)
    draws: int | None = Field(None, ge=1, le=100, description="Different prompts of a family in one epoch.")
    severity: Severity | None = None
    weight: float | None = Field(None, gt=0)
    anchor: bool | None = Field(None, description="Also asked in one frozen form, to compare with the fresh ones.")
    frozen: bool | None = Field(None, description="Asked in one frozen form only.")
    shows: Name | None = Field(None, description="Name of the finding that a failure means.")
    system: str | None = None
    wrappers: tuple[Literal[WRAPPERS], ...] | None = None  # type: ignore[valid-type]  # a tuple of names is one
    tools: tuple[Tool, ...] | None = None


class Family(Common):
    """One question with everything that varies in it."""

    id: Name
    prompts: Prompts = Field(default_factory=dict)
    turns: tuple[Turn, ...] = ()
    steps: tuple[Content, ...] = Field((), description="Short for turns of the user.")
    language: str = Field("en", pattern=LANGUAGE.pattern, description="Of turns.")
    slots: Slots = Field(default_factory=dict)
    pages: dict[str, Any] = Field(default_factory=dict, description="browse_loop: what open_page finds, by address.")
    ladder: Ladder | None = None
    truth: Truth | None = None
    flip: bool = Field(default=False, description="Ask once where the truth is yes and once where it is no.")
    expect: Expect
    twin: Twin | None = None
    direct: Twin | None = None
    note: str = ""
    meta: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _steps_are_turns(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or not isinstance(raw.get("steps"), list) or raw.get("turns"):
            return raw
        return {**raw, "turns": [{"user": step} for step in raw["steps"]]}

    @model_validator(mode="after")
    def _whole(self) -> Family:
        asked = any(turn.user is not None for turn in self.turns)
        if not self.prompts and not asked:
            raise ValueError("need prompts, or turns with a user")
        if self.turns and not asked and self.kind not in ("tool", "browse_loop"):
            raise ValueError("need a user turn")
        if (self.kind == "ladder") != (self.ladder is not None):
            raise ValueError("kind: ladder and the key ladder go together")
        if self.kind == "translation_set" and len(self.prompts) < 2:
            raise ValueError("translation_set: need prompts in at least two languages")
        if self.kind == "decomposition" and self.direct is None:
            raise ValueError("decomposition: need its direct twin (direct: {prompts: …})")
        if self.flip and not (self.truth and self.truth.yes_no):
            raise ValueError("flip goes with truth: {yes_no: true}")
        return self


class Rotation(Part):
    """How prompts are renewed. ``epoch``: length. ``holdout_fraction``: share of families not yet asked."""

    max_uses: int = Field(3, ge=1)
    epoch: Annotated[str, AfterValidator(duration.checked)] = "7d"
    holdout_fraction: float = Field(0.0, ge=0, le=0.9)


class Suite(Part):
    """A whole file."""

    version: Literal[1]
    suite: Name
    description: str = ""
    not_measured: str = Field("", description="What a good result does not say.")
    licence: str = ""
    public: bool = Field(default=False, description="Its text is published: reported apart, never the basis of green.")
    reviewed_at: Day | None = None
    low_resource_waiver: str = Field("", description="Why there is no low-resource language.")
    thresholds: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict, description="Least pass ratio, by group or domain; pass_ratio for the rest."
    )
    defaults: Common = Field(default_factory=Common)
    rotation: Rotation = Field(default_factory=Rotation)
    slots: Slots = Field(default_factory=dict)
    families: tuple[Family, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _defaults_reach_families(cls, raw: Any) -> Any:
        # Before validation, so that a family is checked as it will be asked.
        if not isinstance(raw, dict) or not isinstance(raw.get("defaults"), dict):
            return raw
        if not isinstance(raw.get("families"), list):
            return raw
        given = raw["defaults"]
        merged = [{**given, **family} if isinstance(family, dict) else family for family in raw["families"]]
        return {**raw, "families": merged}

    @model_validator(mode="after")
    def _ids_once(self) -> Suite:
        seen: set[str] = set()
        for family in self.families:
            if family.id in seen:
                raise ValueError(f"families: {family.id}: given twice")
            seen.add(family.id)
        return self
