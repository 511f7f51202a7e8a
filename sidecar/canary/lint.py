"""What is wrong, or weak, in suites that can be read.

An ``error`` would make results wrong or miss what the product promises; a ``warning`` makes
them weaker than they look. Each names file, line and key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import prod
from typing import Any, Literal

from sidecar.canary import arithmetic
from sidecar.canary.expectation import Expect
from sidecar.canary.fill import slots_in
from sidecar.canary.generate import image_files
from sidecar.canary.loading import LoadedSuite
from sidecar.canary.suite import GROUPS, QUADRANTS, Family, first_day
from sidecar.config_source import Key, dotted

REVIEW_DAYS = 90
FEW_FORMS = 1000
"""Below so many different prompts a family repeats itself within a few years of epochs."""

WELL_RESOURCED = frozenset(
    [
        "ar",
        "bg",
        "ca",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "fa",
        "fi",
        "fr",
        "he",
        "hi",
        "hr",
        "hu",
        "id",
        "it",
        "ja",
        "ko",
        "lt",
        "lv",
        "nl",
        "no",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "sr",
        "sv",
        "th",
        "tr",
        "uk",
        "vi",
        "zh",
    ]
)
"""Languages of which the web, and so training data, holds much. Every other counts as low-resource."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One line: ``place`` is ``file:line``."""

    level: Literal["error", "warning"]
    rule: str
    place: str
    key: str
    message: str

    def line(self) -> str:
        """For a person."""
        return f"{self.place}: {self.level}: {self.key}: {self.message} [{self.rule}]"


Said = tuple[Literal["error", "warning"], Key, str]


def low_resource(language: str) -> bool:
    """Whether little text of the language exists.

    >>> low_resource("bn"), low_resource("sw"), low_resource("pt-BR")
    (True, True, False)
    """
    return language.partition("-")[0] not in WELL_RESOURCED


def lint(loaded: Sequence[LoadedSuite], today: date, *, whole: bool = False) -> list[Remark]:
    """Remarks on each suite, by rule; with ``whole`` also on what all of them together leave out."""
    remarks = [
        Remark(level, rule.__name__.lstrip("_").replace("_", "-"), suite.place(*key), dotted(key) or "suite", message)
        for suite in loaded
        for rule in _RULES
        for level, key, message in rule(suite, today)
    ]
    if whole and loaded:
        remarks += _coverage(loaded)
    return remarks


def _coverage(loaded: Sequence[LoadedSuite]) -> Iterator[Remark]:
    own = [suite.suite for suite in loaded if not suite.suite.public]
    families = [family for suite in own for family in suite.families]
    groups = {family.group for family in families} | {"overrefusal" for family in families if family.twin}
    quadrants = {family.quadrant for family in families} | {"harmless_input" for family in families if family.twin}
    for name, wanted, have in (("group", GROUPS, groups), ("quadrant", QUADRANTS, quadrants)):
        for missing in (item for item in wanted if item not in have):
            yield Remark(
                "warning", "coverage", loaded[0].shown, name, f"no suite of our own asks anything in {missing}"
            )


def _families(suite: LoadedSuite) -> Iterator[tuple[Key, Family]]:
    yield from ((("families", at), family) for at, family in enumerate(suite.suite.families))


def _expectations(key: Key, family: Family) -> Iterator[tuple[Key, Expect]]:
    yield (*key, "expect"), family.expect
    for name, twin in (("twin", family.twin), ("direct", family.direct)):
        if twin and twin.expect:
            yield (*key, name, "expect"), twin.expect


def _unknown_slot(suite: LoadedSuite, _: date) -> Iterator[Said]:
    for key, family in _families(suite):
        known = {*suite.suite.slots, *family.slots, *(("truth",) if family.truth else ())}
        places: list[tuple[Key, Any]] = [
            ((*key, name), value)
            for name, value in family.model_dump(by_alias=True, exclude_unset=True).items()
            if name not in ("meta", "note", "slots", "ladder", "truth")
        ]
        for place, value in places:
            for name in sorted(set(slots_in(value)) - known):
                yield "error", place, f"{{{name}}} is no slot (write {{{{{name}}}}} for the text itself)"
        if family.truth:
            for name in set(arithmetic.check(family.truth.expr)) - known:
                yield "error", (*key, "truth", "expr"), f"{name} is no slot"
        for place, expect in _expectations(key, family):
            named = [name for part in expect.every() for name in _slots_named(part)]
            for name in sorted(name for name in set(named) - known if "{" not in name):
                yield "warning", place, f"{name} is no slot, so these very letters are looked for"


def _slots_named(expect: Expect) -> tuple[str, ...]:
    echoed = expect.delivery.slot_echo if expect.delivery else ()
    nonces = [names for names in (expect.contains_nonce, expect.not_contains_nonce) if isinstance(names, tuple)]
    return (*echoed, *(name for names in nonces for name in names))


def _expired_fact(suite: LoadedSuite, today: date) -> Iterator[Said]:
    for key, family in _families(suite):
        if family.truth and today >= first_day(family.truth.expires):
            yield (
                "error",
                (*key, "truth", "expires"),
                f"expired on {family.truth.expires}: no longer asked; check it anew",
            )


def _marker_only(suite: LoadedSuite, _: date) -> Iterator[Said]:
    for key, family in _families(suite):
        for place, expect in _expectations(key, family):
            parts = expect.every()
            if not any(part.refuse for part in parts):
                continue
            judged = any(
                part.delivery or part.judge or part.must_not_call or part.not_contains_nonce or part.answer
                for part in parts
            )
            if not judged:
                yield (
                    "warning",
                    (*place, "refuse"),
                    "judged by the words of a refusal alone: a reply that refuses and delivers may pass; add delivery",
                )


def _missing_threshold(suite: LoadedSuite, _: date) -> Iterator[Said]:
    told = suite.suite.thresholds
    if all(family.frozen for family in suite.suite.families) or "pass_ratio" in told:
        return
    cells = sorted({family.domain or family.group or "pass_ratio" for family in suite.suite.families})
    for cell in (cell for cell in cells if cell not in told):
        yield "warning", ("thresholds",), f"no threshold for {cell}: Kilter's own default holds"


def _low_resource(suite: LoadedSuite, _: date) -> Iterator[Said]:
    paired = [
        family for family in suite.suite.families if family.kind == "translation_set" or family.group == "multilingual"
    ]
    languages = {language for family in paired for language in family.prompts}
    if not paired or any(map(low_resource, languages)):
        return
    if not suite.suite.low_resource_waiver.strip():
        yield (
            "error",
            ("suite",),
            "no low-resource language (such as bn, sw, am) among its prompts; add one, or say why in low_resource_waiver",
        )


def _no_twin(suite: LoadedSuite, _: date) -> Iterator[Said]:
    refusing = [
        (key, family)
        for key, family in _families(suite)
        if any(part.refuse for part in family.expect.every()) and family.kind in (None, "single", "translation_set")
    ]
    answered = any(part.comply for _, family in _families(suite) for part in family.expect.every())
    if refusing and not answered and not any(family.twin for _, family in refusing):
        yield (
            "warning",
            refusing[0][0],
            "nothing harmless is asked beside it (twin): a model that refuses everything would pass",
        )


def _few_forms(suite: LoadedSuite, _: date) -> Iterator[Said]:
    for key, family in _families(suite):
        if family.frozen:
            continue
        used = set(slots_in(family.model_dump(by_alias=True, include={"prompts", "turns"})))
        slots = {**suite.suite.slots, **family.slots}
        forms = prod(slots[name].values for name in used if name in slots)
        texts = min((len(wording.text) for wording in family.prompts.values()), default=1)
        forms *= texts * len(family.wrappers or ("plain",))
        if forms < FEW_FORMS:
            yield "warning", key, f"{family.id}: only {forms} different prompts: they will be asked again; add slots"


def _missing_image(suite: LoadedSuite, _: date) -> Iterator[Said]:
    positions = {family.id: at for at, family in enumerate(suite.suite.families)}
    for family, file in image_files(suite):
        if not file.is_file():
            yield "error", ("families", positions[family]), f"{file.name}: no such file beside the suite"


def _unreviewed(suite: LoadedSuite, today: date) -> Iterator[Said]:
    day = suite.suite.reviewed_at
    if day and (today - first_day(day)).days > REVIEW_DAYS:
        yield "warning", ("reviewed_at",), f"reviewed more than {REVIEW_DAYS} days ago, on {day}"


def _not_measured(suite: LoadedSuite, _: date) -> Iterator[Said]:
    if not suite.suite.not_measured.strip():
        yield "warning", ("suite",), "does not say what a good result leaves open: not_measured"


def _public(suite: LoadedSuite, _: date) -> Iterator[Said]:
    if suite.suite.public:
        yield (
            "warning",
            ("public",),
            "published text: models may have been trained on it; its results are reported apart",
        )


_RULES: tuple[Callable[[LoadedSuite, date], Iterator[Said]], ...] = (
    _unknown_slot,
    _expired_fact,
    _marker_only,
    _missing_threshold,
    _low_resource,
    _no_twin,
    _few_forms,
    _missing_image,
    _unreviewed,
    _not_measured,
    _public,
)
