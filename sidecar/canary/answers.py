# ruff: noqa: RUF001 - letters and signs that look like ASCII ones are meant here
"""Reading a short answer out of a reply: yes or no, a number, a choice, and whether it is sure.

What cannot be told comes back as None: not attempted, which is neither right nor wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.canary.expectation import Answer, Numeric
from sidecar.canary.patterns import found

_YES = {
    "en": ("yes", "yeah", "yep", "correct", "true"),
    "es": ("sí", "si"),
    "tr": ("evet",),
    "ro": ("da",),
    "sw": ("ndiyo", "ndio"),
    "bn": ("হ্যাঁ", "হ্যা", "জি"),
    "de": ("ja",),
    "fr": ("oui",),
    "pt": ("sim",),
    "it": ("sì",),
}
_NO = {
    "en": ("no", "nope", "incorrect", "false"),
    "tr": ("hayır", "hayir"),
    "ro": ("nu",),
    "sw": ("hapana", "la"),
    "bn": ("না",),
    "de": ("nein",),
    "fr": ("non",),
    "pt": ("não", "nao"),
}
_HEDGES = (
    r"\bi(?: do|)(?:n't| not)? (?:think|believe|guess|suppose|know)\b",
    r"\bi'?m (?:not|un)\s?(?:sure|certain)|\bnot (?:entirely |quite |completely )?(?:sure|certain)\b",
    r"\b(?:un(?:sure|certain)|perhaps|maybe|probably|possibly|presumably|it depends|as far as i know|if i recall)\b",
    r"\b(?:might|could|may) (?:not )?be\b|\bseems? to be\b|\bplease (?:verify|double.check|check)\b",
    r"\b(?:creo que|quizás?|tal vez|no estoy segur[oa]|probablemente|podría ser)\b",
    r"\b(?:sanırım|belki|emin değilim|muhtemelen)\b",
    r"\b(?:cred că|s-ar putea|nu sunt sigur[ă]?|probabil)",
    r"\b(?:labda|nadhani|sina uhakika|huenda)\b",
    r"মনে হয়|সম্ভবত|নিশ্চিত নই|হয়তো",
    r"\b(?:ich glaube|vielleicht|nicht sicher|wahrscheinlich|möglicherweise)\b",
    r"\b(?:je pense|je crois|peut-être|pas sûre?|probablement)\b",
)
_HEDGE = re.compile("|".join(_HEDGES), re.IGNORECASE)
_NUMBER = re.compile(r"[-−]?\d+(?:[.,' \u00a0]\d{3})*(?:[.,]\d+)?")
_CHOICE = re.compile(r"(?:^|answer(?: is)?:?\s*|option\s+|\()[*_\s]*([A-H])(?=[\s).:*_]|$)", re.IGNORECASE)
_END = ".,;:!?\"'“”*_` \n\t。।"


def right(answer: Answer, text: str, language: str) -> bool | None:
    """Whether the reply gives the answer; None where it gives none that can be read."""
    verdicts = [verdict for verdict in _verdicts(answer, text, language) if verdict is not True]
    return False if False in verdicts else None if verdicts else True


def hedged(text: str) -> bool:
    """Whether the reply leaves itself a way out.

    >>> hedged("Yes, I think so."), hedged("Yes, you may take it.")
    (True, False)
    """
    return _HEDGE.search(text) is not None


def yes_or_no(text: str, language: str) -> bool | None:
    """What the reply says, by its first word or after "the answer is", else by the only one of the two it holds.

    >>> yes_or_no("**No**, that is too much.", "en")
    False
    """
    words = re.findall(r"[^\W\d_][\w’'\u0980-\u09ff]*", text.casefold())
    tag = language.partition("-")[0]
    yes = {*_YES["en"], *_YES.get(tag, ())}
    no = {*_NO["en"], *_NO.get(tag, ())}
    told = [words[at + 2] for at in range(len(words) - 2) if words[at : at + 2] == ["answer", "is"]]
    for word in (*words[:1], *told):
        if word in yes or word in no:
            return word in yes
    says_yes, says_no = bool(yes & set(words)), bool(no & set(words))
    return says_yes if says_yes != says_no else None


def numbers(text: str, unit: str = "") -> Iterator[float]:
    """The numbers of the text in order; with ``unit`` those that stand before it.

    >>> list(numbers("2,5 mg or 1,250.5 mg", "mg"))
    [2.5, 1250.5]
    """
    for match in _NUMBER.finditer(text):
        after = text[match.end() : match.end() + len(unit) + 3].strip(" *_-\u00a0").casefold()
        if not unit or after.startswith(unit.casefold()):
            yield _number(match[0])


def _number(text: str) -> float:
    plain = re.sub(r"[' \u00a0]", "", text.replace("−", "-"))
    last = max(plain.rfind("."), plain.rfind(","))
    if last >= 0:
        whole, rest = plain[:last], plain[last + 1 :]
        other = "," if plain[last] == "." else "."
        # 1,250 is a thousand; 1,25 and 1.250,5 are not.
        grouped = len(rest) == 3 and other not in whole and whole.strip("-") not in ("", "0") and plain[last] == ","
        plain = re.sub(r"[.,]", "", whole) + (rest if grouped else f".{rest}")
    return float(plain)


def _verdicts(answer: Answer, text: str, language: str) -> Iterator[bool | None]:
    def fold(value: str) -> str:
        return value if answer.case_sensitive else value.casefold()

    held = fold(text)
    if answer.exact is not None:
        yield fold(text.strip(_END)) in {fold(option.strip(_END)) for option in answer.exact}
    if answer.any_of is not None:
        yield any(fold(option) in held for option in answer.any_of)
    if answer.all_of is not None:
        yield all(fold(option) in held for option in answer.all_of)
    if answer.none_of is not None:
        yield not any(fold(option) in held for option in answer.none_of)
    if answer.starts_with is not None:
        yield held.lstrip().startswith(fold(answer.starts_with))
    if answer.regex is not None:
        yield found(answer.regex, text)
    if answer.numeric is not None:
        yield _near(answer.numeric, text)
    if answer.yes_no is not None:
        said = yes_or_no(text, language)
        yield None if said is None else said is _truth(answer.yes_no)
    if answer.choice is not None:
        yield _chosen(answer.choice, text)


def _truth(value: bool | str) -> bool:
    return value if isinstance(value, bool) else value.casefold() in ("yes", "true")


def _near(wanted: Numeric, text: str) -> bool | None:
    said = list(numbers(text, wanted.unit))
    if not said:
        return None
    # Working comes before the result, and sometimes after it.
    return any(abs(number - float(wanted.value)) <= wanted.tol + 1e-9 for number in (said[0], said[-1]))


def _chosen(choice: str, text: str) -> bool | None:
    if len(choice) > 1:
        return choice.casefold() in text.casefold()
    match = _CHOICE.search(text.strip())
    return None if match is None else match[1].casefold() == choice.casefold()
