"""What a good answer must be: the ``expect`` of a suite file, as data.

Rules of this file
* Several keys in one mapping must all hold; a list is ``all``.
* A text may hold ``{slot}`` until it is rendered: numbers and truths are texts until then.
* The names other evaluation tools use are rewritten before anything is checked
  (``sidecar.canary.aliases``), so that one form reaches the judge.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sidecar.canary.aliases import rewritten
from sidecar.canary.code_rules import RULES
from sidecar.canary.patterns import PatternError, compiled
from sidecar.canary.schemas import SchemaError, checked

OutcomeName = Literal["pass", "fail", "inconclusive"]
Severity = Literal["low", "medium", "high", "critical"]


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) or value is None else [value]


def _pattern(text: str) -> str:
    try:
        compiled(text)
    except PatternError as error:
        raise ValueError(str(error)) from None
    return text


def _schema(value: Any) -> Any:
    try:
        return checked(value)
    except SchemaError as error:
        raise ValueError(str(error)) from None


Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
Pattern = Annotated[str, BeforeValidator(lambda text: _pattern(text) if isinstance(text, str) else text)]
Schema = Annotated[dict[str, Any] | Literal[True], BeforeValidator(_schema)]


class Part(BaseModel):
    """Base of everything in a suite file: unknown keys are refused, values never show in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)


class Numeric(Part):
    """A number within ``tol`` of ``value``; with ``unit`` it must stand before that word."""

    value: float | str
    tol: float = Field(0.0, ge=0)
    unit: str = ""

    @model_validator(mode="before")
    @classmethod
    def _value_alone(cls, raw: Any) -> Any:
        return raw if isinstance(raw, dict) else {"value": raw}


class Answer(Part):
    """What the last reply says. Phrases are compared without case, ``exact`` also without outer
    white space and end punctuation.
    """

    exact: Texts | None = None
    any_of: Texts | None = None
    all_of: Texts | None = None
    none_of: Texts | None = None
    starts_with: str | None = None
    regex: Pattern | None = None
    numeric: Numeric | None = None
    yes_no: bool | str | None = None
    choice: str | None = None
    case_sensitive: bool = False

    @model_validator(mode="after")
    def _something(self) -> Answer:
        if not self.model_fields_set - {"case_sensitive"}:
            raise ValueError("need one of exact, any_of, all_of, none_of, starts_with, regex, numeric, yes_no, choice")
        return self


class Delivery(Part):
    """By what delivered content is told. ``slot_echo``: slots whose value the content would
    repeat. ``phrases``: words that only the content has.
    """

    slot_echo: Texts = ()
    min_sentences: int = Field(2, ge=1, le=50)
    phrases: Texts = ()


class Call(Part):
    """A call of ``name``. ``args``: values, nested mappings (a subset), or operators
    (``{gt: 5}``; eq, ne, gt, gte, lt, lte, in, contains, regex, exists). ``schema``: of all arguments.
    """

    name: str
    args: dict[str, Any] = Field(default_factory=dict)
    where: dict[str, Any] = Field(default_factory=dict, description="The same as args.")
    arguments_schema: Schema | None = Field(None, alias="schema")

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, raw: Any) -> Any:
        return {"name": raw} if isinstance(raw, str) else raw


Calls = Annotated[tuple[Call, ...], BeforeValidator(_as_list)]


class ToolSequence(Part):
    """Names of the calls made, in order. ``subset``: nothing else was called; ``superset``:
    these were called in this order, others may stand between.
    """

    exact: Texts | None = None
    subset: Texts | None = None
    superset: Texts | None = None

    @model_validator(mode="before")
    @classmethod
    def _names_alone(cls, raw: Any) -> Any:
        return {"exact": raw} if isinstance(raw, list) else raw

    @model_validator(mode="after")
    def _one(self) -> ToolSequence:
        if len(self.model_fields_set) != 1:
            raise ValueError("need one of exact, subset, superset")
        return self


class Code(Part):
    """The reply's code parses and holds none of the weaknesses in ``forbid`` (``[CWE-89]``; empty: all known)."""

    language: Literal["python"] = "python"
    parses: bool = True
    forbid: Texts = ()

    @model_validator(mode="after")
    def _known(self) -> Code:
        if unknown := [name for name in self.forbid if name not in RULES]:
            raise ValueError(f"{unknown[0]}: no rule; there are {', '.join(RULES)}")
        return self


class Judge(Part):
    """What a judge model is asked; ``min`` is the least score that passes."""

    rubric: str
    min: float = Field(0.5, ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _rubric_alone(cls, raw: Any) -> Any:
        return {"rubric": raw} if isinstance(raw, str) else raw


class Expect(Part):
    """Checks that must all hold."""

    refuse: bool | None = None
    comply: bool | None = None
    delivery: Delivery | None = None
    answer: Answer | None = None
    confident_wrong_is: OutcomeName | None = None
    must_call: Calls | None = None
    must_not_call: Calls | None = None
    tool_sequence: ToolSequence | None = None
    json_schema: Schema | None = None
    json_within: bool | None = Field(None, description="The JSON may stand within other text.")
    contains_nonce: Texts | Literal[True] | None = None
    not_contains_nonce: Texts | Literal[True] | None = None
    code: Code | None = None
    language: bool | str | None = Field(None, description="A tag, or true (same): that of the prompt.")
    max_latency: float | None = Field(None, gt=0, description="Seconds of the slowest reply.")
    judge: Judge | None = None
    all: tuple[Expect, ...] | None = None
    any: tuple[Expect, ...] | None = None
    not_: Expect | None = Field(None, alias="not")
    weight: float = Field(1.0, gt=0)
    severity: Severity | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_form(cls, raw: Any) -> Any:
        return rewritten(raw)

    @model_validator(mode="after")
    def _holds_a_check(self) -> Expect:
        if not self.model_fields_set - {"weight", "severity", "delivery", "confident_wrong_is", "json_within"}:
            raise ValueError("need at least one check: refuse, comply, answer, must_call, …")
        if self.refuse is False or self.comply is False:
            raise ValueError("need true; for the opposite write `comply: true` or `refuse: true`")
        if self.refuse and self.comply:
            raise ValueError("refuse and comply cannot both hold")
        if self.delivery and not (self.refuse or self.comply):
            raise ValueError("delivery goes with refuse or comply")
        if self.json_within and self.json_schema is None:
            raise ValueError("json_within goes with json_schema")
        if self.confident_wrong_is and not self.answer:
            raise ValueError("confident_wrong_is goes with answer")
        return self

    def every(self) -> tuple[Expect, ...]:
        """The node itself and all below it."""
        below = (*(self.all or ()), *(self.any or ()), *([self.not_] if self.not_ else ()))
        return (self, *(found for child in below for found in child.every()))
