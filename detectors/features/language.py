"""Which language a text is in, as a BCP-47 base tag; ``und`` where there is none to tell.

Rules of this file
* Code, URLs, e-mail addresses, JSON, emoji and a single word have no language: most
  identifiers would give them an arbitrary one, and a stratum would fill with noise.
* CLD2 reads first (12 µs) and knows the most languages. langid knows half of them, tells those
  better on short text, and costs more (150 µs, and some 80 MB, so it is loaded when first needed).
  So it is asked only where the text is short or CLD2 unsure, and only of languages that both know.
  Where they disagree, langid's likelihoods decide, with a bonus for CLD2's word and one for languages
  that are common in traffic.
* CLD2 rejects control characters and lone surrogates, which are cut before, and noncharacters
  (U+FDD0), which leave the text to langid.
* langid unpacks its model through a temporary file. Where none can be made CLD2's word is the last one, as
  ``second_opinion`` says.
* What the human wrote counts, not what was pasted by a tool: only human turns are read,
  the last first, until there is enough text to be sure.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from functools import cache
from typing import Any

import pycld2

from detectors.features.folding import readable
from detectors.features.languages import tags
from detectors.records.exchange import Message

UNDETERMINED = "und"
ENOUGH = 200
"""Characters of human text after which no earlier turn is read."""

_READ = 500
_SHORT = 80
_LEAST_OPENING = 16
_OPENING_END = re.compile("[\n\u3002\uff01\uff1f]|[.!?](?=\\s)")
_NO_LANGUAGE = (
    ("`", re.compile(r"```[^`]{0,4000}(?:```|$)|`[^`\n]{1,200}`")),
    ("://", re.compile(r"https?://\S{1,2000}")),
    ("www.", re.compile(r"www\.\S{1,2000}")),
    ("/", re.compile(r"\b[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}(?::\d{1,5})?/\S{0,2000}")),
    ("@", re.compile(r"\S{1,64}@\S{1,64}")),
    ("<", re.compile(r"</?[a-zA-Z][^<>]{0,200}>")),
)
_CODE_LINE = re.compile(
    r"""^[ \t]{0,40}(?:
        (?:import\ [\w.]+|from\ [\w.]+\ import\ |\#(?:include|define|ifn?def|endif)\b|using\ [\w.]+;|package\ [\w.]+;?$)[^\n]*
      | (?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|FROM|JOIN|LEFT|INNER|WHERE|ORDER|GROUP|HAVING|VALUES|RETURNS|LANGUAGE|BEGIN|END)\b[^\na-z]{0,9}(?:\ [^\n]*)?
      | (?:\$\ )?(?:sudo|npm|npx|yarn|pip3?|git|docker|kubectl|curl|wget|apt-get|brew|cargo|echo|export)\ [a-z"$-][^\n]*
      | (?:if|elif|else|for|while|def|class|try|except|with|switch|case|async|fn|func|function)\b(?:[^\n]*[()<>=]|\ \w+)?:
      | (?:return|raise|throw)\ (?:[\w.]+;?|[^\n]*[()=+*\[\]][^\n]*)
      | [\w.\[\]]+\ [+*/-]?=\ [^\n]*
      | [\w.]{1,80}\([^\n]*\)
      | @\w[\w.]*(?:\([^\n]*)?
      | (?://|/\*|\*/|\#!|<!)[^\n]*
      | [\[{](?:[ \t]*["'\d\[\]{}-][^\n]*|[ \t]*[\w$]{1,40}[ \t]*:[^\n]*)? | \[[\w.-]+\] | "[\w-]+":[^\n]* | (?=[^\n]*+(?<=[{};,)\ \t]))[^\n]*(?:[{}][;,)]*|[()=][^\n]*;)
      | (?:-\ )?[a-z][\w.-]{0,40}:(?:[ \t]+\S{1,60})?
      | Traceback\ \(most[^\n]* | File\ "[^\n]* | \w{0,40}(?:Error|Exception):[^\n]*
    )[ \t]*$""",
    re.MULTILINE | re.VERBOSE,
)
"""A line of a program, a query, a shell or a configuration file: its words are nobody's language.

The look-ahead spares most lines a search for the bracket or semicolon that they do not end with.
"""
_SPOKEN_LINE = re.compile(
    r"^(?:\d{1,2}[.)][ ]|[-*•][ ]|[¿¡“„«(*]{1,2})?(?:(?:[^\W\d_]\S{0,40}[ \t]{1,3}){3}\S|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]{4})[^\n]*$",
    re.MULTILINE,
)
"""A line of four words or more, not indented: among lines of code, only that is somebody's words."""
_SYMBOL = re.compile(r"[{}\[\]()=;<>_/\\|#$&*+^~@]|::|->")
_TWO_WORDS = re.compile(r"[^\W\d_]\W{0,20}?[\s,;:!?،、፡་]\W{0,20}?[^\W\d_]")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]{6}|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]{9}")
"""More letters in a row than a word has, where words are not set apart."""
_LETTERS = re.compile(r"[^\W\d_]+")
_SYMBOLS_OF_CODE = 0.12
_RENAMED = {
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "jw": "jv",
    "mo": "ro",
    "sh": "sr",
    "fil": "tl",
    "yue": "zh",
    "wuu": "zh",
    "nb": "no",
    "nn": "no",
    "zxx": UNDETERMINED,
}
_UNSURE = {"ms"}
"""What CLD2 is never sure of, whatever it says: it takes Indonesian for Malay."""
_COMMON_TOO = {"el", "fa", "he", "sv"}
"""Languages that are likely in traffic, beside those with a lexicon."""
_CANDIDATES = 6
_OPINION = 0.25
"""What CLD2's word weighs, and that a language is common: nats a byte, as langid weighs its own."""
_READ_AS = {"ms": "id", "be": "ru", "gl": "pt", "lb": "de", "af": "nl"}
_SCRIPTS = (
    (re.compile("[\u3040-\u30ff]"), ("ja",)),
    (re.compile("[\u3400-\u9fff]"), ("zh",)),
    (re.compile("[\uac00-\ud7af]"), ("ko",)),
    (re.compile("[\u0400-\u04ff]"), ("ru", "kk")),
    (re.compile("[\u0600-\u06ff]"), ("ar",)),
    (re.compile("[\u0e00-\u0e7f]"), ("th",)),
    (re.compile("[\u0900-\u097f]"), ("hi",)),
    (re.compile("[\u0980-\u09ff]"), ("bn",)),
)


def identify(text: str) -> str:
    """The language of ``text``'s first 500 characters; any ``str`` is fine.

    >>> identify("Wie kann ich mein Passwort zurücksetzen?")
    'de'
    >>> identify("https://example.org/?q=1")
    'und'
    """
    return identify_all(text)[0]


def identify_all(text: str) -> tuple[str, ...]:
    """The language of ``text``, then others that parts of it may be in; at least one tag."""
    prose = readable(text[:_READ])
    for sign, pattern in _NO_LANGUAGE:
        if sign in prose:
            prose = pattern.sub(" ", prose)
    prose, lines_of_code = _CODE_LINE.subn(" ", prose)
    if lines_of_code:
        prose = "\n".join(_SPOKEN_LINE.findall(prose))
    if not _is_prose(prose):
        return (UNDETERMINED,)
    reliable, found = _cld2(prose)
    if not found:
        langid = _langid()
        return (_told(langid.classify(prose)) if langid else UNDETERMINED,)
    first = found[0]
    sure = reliable and len(prose) >= _SHORT and first not in _UNSURE
    if not sure and first in _known_to_langid():
        first = _likeliest(prose, first)
    return tuple(dict.fromkeys((first, *found)))


def lexicons_for(languages: Sequence[str], text: str, known: Container[str] | None = None) -> tuple[str, ...]:
    """The lexicons, at most two of ``known`` ones, with which to read ``text`` that is in ``languages``.

    The first sentence may be in another language than the rest: models decline in English, or in that
    of the question, whatever follows. English where none fits: models fall back to it. A one-word
    answer has no language to tell, so there its script decides; that of a few words is easily taken
    for a neighbour's, so those are read with the first lexicon of their script too.
    """
    known = tags() if known is None else known
    first, *others = languages
    chosen = [_READ_AS.get(tag, tag) for tag in (first, *_opening_language(text), *others)]
    chosen = [tag for tag in dict.fromkeys(chosen) if tag in known][:2]
    if not chosen or len(text) < _SHORT:
        chosen = list(dict.fromkeys((*chosen, *(tag for tag in _lexicons_of_script(text) if tag in known))))[:2]
    return tuple(chosen) or ("en",)


def asked_in(messages: Sequence[Message]) -> str:
    """The language of the human turns, the last ones until ``ENOUGH`` characters."""
    turns: list[str] = []
    length = 0
    for message in reversed(messages):
        if message.role == "user" and message.text:
            turns.append(message.text[:_READ])
            length += len(turns[-1])
            if length >= ENOUGH:
                break
    return identify("\n".join(turns))


def _is_prose(text: str) -> bool:
    symbols = len(_SYMBOL.findall(text))
    if symbols and symbols > _SYMBOLS_OF_CODE * sum(map(len, _LETTERS.findall(text))):
        return False
    return _TWO_WORDS.search(text) is not None or _UNSPACED.search(text) is not None


def _cld2(text: str) -> tuple[bool, tuple[str, ...]]:
    try:
        reliable, _, details = pycld2.detect(text.encode("utf-8", "ignore"), isPlainText=True, bestEffort=True)
    except pycld2.error:
        return False, ()
    found = tuple(_RENAMED.get(tag, tag) for tag in (detail[1].split("-")[0] for detail in details) if tag != "un")
    return reliable and bool(found), found


def _opening_language(text: str) -> tuple[str, ...]:
    """CLD2's tag of the first sentence or line, where more follows and CLD2 is sure."""
    begun = text[:_READ].lstrip()
    end = _OPENING_END.search(begun, _LEAST_OPENING)
    if end is None or end.end() >= len(begun):
        return ()
    reliable, found = _cld2(readable(begun[: min(end.end(), _SHORT)]))
    return found[:1] if reliable else ()


def _likeliest(text: str, first: str) -> str:
    """What langid makes of ``text``, when CLD2 says ``first``: of the tags that both know."""
    langid = _langid()
    if langid is None or _told(langid.classify(text)) == first:
        return first
    ranked: list[tuple[str, float]] = [(_told(told), told[1]) for told in langid.rank(text)[:_CANDIDATES]]
    likelihoods = {first: ranked[-1][1]} | {tag: score for tag, score in reversed(ranked) if tag in _known_to_cld2()}
    size = len(text.encode("utf-8", "ignore"))

    def weight(tag: str) -> float:
        return likelihoods[tag] / size + _OPINION * (tag == first) + _OPINION * (tag in _common())

    return max(likelihoods, key=weight)


def _told(by_langid: tuple[str, float]) -> str:
    return _RENAMED.get(by_langid[0], by_langid[0])


@cache
def _common() -> frozenset[str]:
    return tags() | _COMMON_TOO


def _lexicons_of_script(text: str) -> tuple[str, ...]:
    return next((found for script, found in _SCRIPTS if script.search(text[:_READ])), ())


def second_opinion() -> bool:
    """Whether langid can be asked about short and doubtful text. Loads it: half a second, some 80 MB."""
    return _langid() is not None


@cache
def _langid() -> Any | None:
    import py3langid  # noqa: PLC0415 - 80 MB, wanted only for short or doubtful text

    try:
        py3langid.rank("a")  # the model is read here
    except (OSError, MemoryError):
        return None
    return py3langid


@cache
def _known_to_langid() -> frozenset[str]:
    langid = _langid()
    return frozenset(_RENAMED.get(tag, tag) for tag, _ in langid.rank("a")) if langid else frozenset()


@cache
def _known_to_cld2() -> frozenset[str]:
    return frozenset(_RENAMED.get(tag, tag) for tag in (tag.split("-")[0] for _, tag in pycld2.LANGUAGES))
