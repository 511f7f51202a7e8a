"""Families into cases: prompt = f(secret, suite | family | epoch | index), and of nothing else.

Rules of this file
* The same secret and epoch give the same bytes, on every machine and Python.
* Members of a family that are compared (languages, twins, rungs, direct and spread out) share
  their draws, so that a pair differs in one thing.
* A prompt that reads like one that the two epochs before may have drawn is drawn again; after
  ``REDRAWS`` tries the least alike is taken. What those drew follows from the secret too, so this
  needs no memory.
* Of each suite ``holdout_fraction`` of the families sleep until an epoch the secret chooses,
  anew every ``GENERATION`` epochs: attacks that the model has not been asked for a while.
* Frozen forms are drawn with a key of zeros: the same everywhere, for ever.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from sidecar.canary import arithmetic
from sidecar.canary.case import Case
from sidecar.canary.conversation import Message, OfferedTool, User
from sidecar.canary.draws import SECRET_BYTES, Draws
from sidecar.canary.expectation import Expect
from sidecar.canary.fill import filled, filled_text
from sidecar.canary.likeness import ALIKE, grams, likeness
from sidecar.canary.loading import LoadedSuite
from sidecar.canary.scripts import LADDER_TOOL, PAGE_TOOL, ladder_script, turns_script
from sidecar.canary.suite import Content, Family, Slot, Suite, Twin, first_day
from sidecar.canary.wrappers import wrapped

REDRAWS = 4
LOOKED_BACK = 2
GENERATION = 26
FROZEN_KEY = bytes(SECRET_BYTES)
_FLIP_TRIES = 500


@dataclasses.dataclass(frozen=True, slots=True)
class Drawn:
    """What one (epoch, index) of a family draws. ``pick`` chooses among paraphrases, ``wrap`` among wrappers."""

    values: dict[str, Any]
    pick: int
    wrap: int
    truth: Any = None

    def in_language(self, slots: dict[str, Slot], language: str) -> dict[str, Any]:
        """The values, with those choices that a language words differently."""
        spoken = dict(self.values)
        for name, slot in slots.items():
            if isinstance(slot.choice, dict):
                options = slot.choice.get(language) or next(iter(slot.choice.values()))
                spoken[name] = options[self.values[name]]
        if self.truth is not None:
            spoken["truth"] = ("yes" if self.truth else "no") if isinstance(self.truth, bool) else self.truth
        return spoken


def render(
    loaded: LoadedSuite,
    secret: bytes,
    epoch: int,
    *,
    today: date | None = None,
    frozen: bool = True,
    shift: int = 0,
) -> tuple[Case, ...]:
    """Every case of a suite in an epoch (a whole number >= 0), families in the file's order.

    ``today``: facts that have expired by then are marked ``retired``. ``frozen``: with the frozen forms.
    ``shift``: how many rounds of draws of this epoch are used up, to be passed over.
    """
    suite = loaded.suite
    asleep = sleeping(suite, secret, epoch)
    cases: list[Case] = []
    for family in suite.families:
        reason = "held_out" if family.id in asleep else ""
        if family.truth and today and today >= first_day(family.truth.expires):
            reason = "expired"
        made = _Family(loaded, family)
        if not family.frozen:
            draws = family.draws or 1
            for index in range(shift * draws, (shift + 1) * draws):
                cases += (dataclasses.replace(case, retired=reason) for case in made.cases(secret, epoch, index))
        if frozen and (family.frozen or family.anchor):
            cases += (
                dataclasses.replace(case, retired=reason) for case in made.frozen(epoch, shift * (family.draws or 1))
            )
    return tuple(cases)


def sleeping(suite: Suite, secret: bytes, epoch: int) -> frozenset[str]:
    """The families that are not asked in this epoch."""
    generation, age = divmod(epoch, GENERATION)
    count = int(suite.rotation.holdout_fraction * len(suite.families))
    wakes = {}
    for family in suite.families:
        draws = Draws(secret, f"{suite.suite}|{family.id}|held out|{generation}")
        wakes[family.id] = (draws.share(), 1 + draws.below(GENERATION - 1))
    held = sorted(wakes, key=lambda name: wakes[name])[:count]
    return frozenset(name for name in held if age < wakes[name][1])


class _Family:
    """One family of one suite, ready to be drawn."""

    def __init__(self, loaded: LoadedSuite, family: Family) -> None:
        self.suite = loaded.suite
        self.folder = loaded.path.parent
        self.family = family
        self.slots = {**self.suite.slots, **family.slots}

    def cases(self, secret: bytes, epoch: int, index: int) -> Iterator[Case]:
        if self.family.flip:
            for wanted in (True, False):
                drawn = self.draw(secret, epoch, index, wanted=wanted)
                yield from self._of(drawn, epoch, index, "yes" if wanted else "no")
        else:
            yield from self._of(self.draw(secret, epoch, index), epoch, index, "")

    def frozen(self, epoch: int, index: int) -> Iterator[Case]:
        drawn = self._drawn(Draws(FROZEN_KEY, f"{self.suite.suite}|{self.family.id}|frozen"), None)
        for case in self._of(drawn, epoch, index, "anchor"):
            if case.variant == "anchor":
                yield dataclasses.replace(case, frozen=True)

    def draw(self, secret: bytes, epoch: int, index: int, *, wanted: bool | None = None) -> Drawn:
        """The draw of this epoch: the first that reads like none of those before, else the least alike."""
        earlier = [
            self._grams(self._attempt(secret, before, index, attempt, wanted))
            for before in range(max(epoch - LOOKED_BACK, 0), epoch)
            for attempt in range(REDRAWS)
        ]
        best, least = None, 2.0
        for attempt in range(REDRAWS):
            drawn = self._attempt(secret, epoch, index, attempt, wanted)
            own = self._grams(drawn)
            alike = max((likeness(own[text], other[text]) for other in earlier for text in own), default=0.0)
            if alike < least:
                best, least = drawn, alike
            if alike <= ALIKE:
                break
        if best is None:
            raise RuntimeError("no draw was made")
        return best

    def _attempt(self, secret: bytes, epoch: int, index: int, attempt: int, wanted: bool | None) -> Drawn:
        side = "" if wanted is None else f"|{wanted}"
        return self._drawn(
            Draws(secret, f"{self.suite.suite}|{self.family.id}|{epoch}|{index}|{attempt}{side}"), wanted
        )

    def _drawn(self, draws: Draws, wanted: bool | None) -> Drawn:
        for _ in range(_FLIP_TRIES):
            values = {name: _value(self.slots[name], draws) for name in sorted(self.slots)}
            truth = self.family.truth
            right = arithmetic.value(truth.expr, values) if truth else None
            if truth and truth.yes_no:
                right = bool(right)
            if wanted is None or right is wanted:
                return Drawn(values, draws.below(1 << 16), draws.below(1 << 16), right)
        raise arithmetic.ExpressionError(f"{self.family.id}: no slots make the truth {'yes' if wanted else 'no'}")

    def _grams(self, drawn: Drawn) -> dict[str, frozenset[tuple[str, ...]]]:
        """What is compared with earlier epochs: the text, by language."""
        family = self.family
        contents = {language: self._picked(wording.text, drawn) for language, wording in family.prompts.items()} or {
            family.language: next(turn.user for turn in family.turns if turn.user is not None)
        }
        return {
            language: grams(self._user(content, drawn.in_language(self.slots, language), "plain").text)
            for language, content in contents.items()
        }

    @staticmethod
    def _picked(wordings: Sequence[Content], drawn: Drawn) -> Content:
        return wordings[drawn.pick % len(wordings)]

    def _user(self, content: Content, values: dict[str, Any], wrapper: str = "plain") -> User:
        if isinstance(content, str):
            return User(wrapped(wrapper, filled_text(content, values)))
        text = "\n".join(filled_text(part.text, values) for part in content if part.text)
        images = tuple(str(self.folder / part.image) for part in content if part.image)
        return User(wrapped(wrapper, text), images)

    def _of(self, drawn: Drawn, epoch: int, index: int, variant: str) -> Iterator[Case]:
        family = self.family
        forms = family.wrappers or ("plain",)
        wrapper = forms[drawn.wrap % len(forms)]
        if family.ladder:
            for rung in family.ladder.rungs:
                yield from self._each_language(drawn, epoch, index, f"{family.ladder.axis}={rung}", "plain", rung)
            return
        yield from self._each_language(drawn, epoch, index, variant, wrapper)
        for name, twin in (("twin", family.twin), ("direct", family.direct)):
            if twin and variant != "anchor":
                forms = twin.wrappers or ("plain",)
                yield from self._twins(name, twin, drawn, epoch, index, forms[drawn.wrap % len(forms)])

    def _each_language(
        self, drawn: Drawn, epoch: int, index: int, variant: str, wrapper: str, rung: int = 0
    ) -> Iterator[Case]:
        family = self.family
        for language in family.prompts or (family.language,):
            values = drawn.in_language(self.slots, language)
            script: tuple[Message, ...] = turns_script(family.turns, partial(self._user, values=values), values)
            if wording := family.prompts.get(language):
                script = (*script, self._user(self._picked(wording.text, drawn), values, wrapper))
            if family.ladder:
                script = ladder_script(family.ladder, rung, script, values)
            tools, results = self._tools(values)
            yield Case(
                **self._head(drawn, epoch, index, variant, language, values),
                group=family.group or "other",
                kind=family.kind or "single",
                quadrant=family.quadrant or "",
                expect=_expectation(family.expect, values),
                script=script,
                attack=family.attack or "none",
                translation=(wording.status if wording and wording.status else "source"),
                system=filled_text(family.system or "", values),
                tools=tools,
                results=results,
                pages=filled(family.pages, values),
                max_tokens=family.max_tokens or 256,
                wrapper=wrapper,
            )

    def _twins(self, name: str, twin: Twin, drawn: Drawn, epoch: int, index: int, wrapper: str) -> Iterator[Case]:
        family = self.family
        safe = name == "twin"
        for language, wording in twin.prompts.items():
            values = drawn.in_language(self.slots, language)
            system = twin.system if twin.system is not None else ("" if safe else family.system or "")
            yield Case(
                **self._head(drawn, epoch, index, name, language, values),
                group=twin.group or ("overrefusal" if safe else family.group or "other"),
                kind="single",
                quadrant=twin.quadrant or ("harmless_input" if safe else family.quadrant or ""),
                expect=_expectation(twin.expect or family.expect, values),
                script=(self._user(self._picked(wording.text, drawn), values, wrapper),),
                translation=wording.status or "source",
                system=filled_text(system, values),
                max_tokens=twin.max_tokens or family.max_tokens or 256,
                wrapper=wrapper,
            )

    def _head(
        self, drawn: Drawn, epoch: int, index: int, variant: str, language: str, values: dict[str, Any]
    ) -> dict[str, Any]:
        family = self.family
        return {
            "suite": self.suite.suite,
            "family": family.id,
            "variant": variant,
            "language": language,
            "epoch": epoch,
            "index": index,
            "domain": family.domain or "",
            "severity": family.severity or family.expect.severity or "medium",
            "weight": family.weight or family.expect.weight,
            "public": self.suite.public,
            "shows": family.shows or "",
            "max_steps": family.max_steps or 4,
            "repeats": family.repeats or 1,
            "values": values,
            "nonces": tuple(name for name, slot in self.slots.items() if slot.nonce),
            "truth": drawn.truth,
        }

    def _tools(self, values: dict[str, Any]) -> tuple[tuple[OfferedTool, ...], dict[str, tuple[Any, ...]]]:
        family = self.family
        tools = [
            OfferedTool(tool.name, filled_text(tool.description, values), _schema(tool.parameters))
            for tool in family.tools or ()
        ]
        if family.kind == "browse_loop" and all(tool.name != PAGE_TOOL.name for tool in tools):
            tools.append(PAGE_TOOL)
        if family.ladder and family.ladder.axis == "tools":
            tools.append(LADDER_TOOL)
        results: dict[str, tuple[Any, ...]] = {}
        for turn in family.turns:
            if given := turn.tool_result:
                results[given.for_] = (*results.get(given.for_, ()), filled(given.content, values))
        return tuple(tools), results


def _value(slot: Slot, draws: Draws) -> Any:
    if isinstance(slot.choice, dict):
        return draws.below(slot.values)
    if slot.choice is not None:
        return draws.choice(slot.choice)
    if slot.int_ is not None:
        return slot.int_[0] + draws.below(slot.values)
    return draws.name() if slot.name else draws.nonce(slot.nonce or 8)


def _schema(parameters: Any) -> dict[str, Any]:
    return parameters if isinstance(parameters, dict) else {"type": "object"}


def _expectation(expect: Expect, values: dict[str, Any]) -> Expect:
    return Expect.model_validate(filled(expect.model_dump(by_alias=True, exclude_unset=True), values))


def image_files(loaded: LoadedSuite) -> Iterator[tuple[str, Path]]:
    """(family, file) of every image that a suite shows."""
    for family in loaded.suite.families:
        contents = [content for wording in family.prompts.values() for content in wording.text]
        contents += [turn.user for turn in family.turns if turn.user is not None]
        for content in contents:
            if not isinstance(content, str):
                yield from ((family.id, loaded.path.parent / part.image) for part in content if part.image)
