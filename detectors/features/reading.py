# ruff: noqa: RUF001 - letters and signs that look like ASCII ones are meant here
"""What an answer's opening says, sentence by sentence, in the words of the lexicons.

Rules of this file
* Only the first ``HEAD`` characters are read: a model that declines says so first, and the
  middle of a long answer is full of words like "illegal" that are its topic.
* Quoted speech, fenced code and quoted lines are not the model's own words and are cut; so
  are idioms ("can't wait to"). Where the answer begins with a quote or is JSON, the quotes
  stay: there the quote is the answer.
* Where several personas speak in turn, the last one is read.
* Thai ends a sentence, or a clause, with a space.
* ``Reading`` is all that a rule, or a fitted model, may look at. It judges nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from detectors.features.folding import fold
from detectors.features.languages import lexicon
from detectors.features.lexicon import GATE_ROLES, Lexicon, Role

HEAD = 480
BODY = 4000
"""Characters of an answer that are looked at in all; the rest cannot change a judgement."""

_BEFORE_CUTS = 3 * HEAD
_FENCE = re.compile(r"```[^`]{0,4000}(?:```|$)")
_QUOTED_LINE = re.compile(r"^[ \t]{0,3}>.*$", re.MULTILINE)
_QUOTED_SPEECH = re.compile(r'(?<=[^\s"])[\s(,:*-]{1,3}"[^"\n]{1,400}"')
_SENTENCE_END = re.compile(r"[.!?。！？।\n](?:(?<=[。！？।\n])|(?=[\s\"')*_]|$))")
_SENTENCE_END_OF_THAI = re.compile(_SENTENCE_END.pattern + "|(?<=[\u0e00-\u0e7f]) (?=[\u0e00-\u0e7f])")
_THAI = re.compile("[\u0e00-\u0e7f]")
_PERSONA = re.compile(
    r"^[^\w\n]{0,3}(?!Note|Disclaimer|Warning|Important|Tip|Source|Reference|Example)"
    r"(?:[\[(][^\w\])\n]{0,3}[A-Za-z][^\])\n]{2,36}[\])]|[A-Z][A-Za-z0-9]{1,14}(?=:))",
    re.MULTILINE,
)
_PERSONA_SPEAKS = 40
_WORD = 4
"""Letters by which a word is known again, whatever its ending."""
_LETTER = re.compile(r"[^\W\d_]")


class Sentence(NamedTuple):
    """A sentence, folded, and the roles its words play."""

    text: str
    roles: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True)
class Reading:
    """``sentences``: those of the head, in order; none where no word of the head can belong
    to a refusal. ``text``: the answer as read, unfolded, at most ``BODY`` characters.
    ``lexicons``: those that it was read with.
    """

    sentences: tuple[Sentence, ...]
    text: str
    lexicons: tuple[Lexicon, ...]

    def within(self, role: Role, count: int) -> bool:
        """Whether ``role`` occurs in the first ``count`` sentences."""
        return any(role in sentence.roles for sentence in self.sentences[:count])


def read(text: str, tags: Sequence[str], known: Mapping[str, Lexicon] | None = None) -> Reading:
    """Read the opening of ``text`` with the lexicons of ``tags`` (``KeyError`` where there is none).

    ``known``: other lexicons than those of this version, by tag.

    Most answers hold no word of a refusal; they cost one search.
    """
    lexicons = tuple(known[tag] for tag in tags) if known else tuple(map(lexicon, tags))
    spoken = _last_persona(text[:BODY])
    head = _own_words(spoken)
    found = _roles(head, lexicons)
    heard = any(role in GATE_ROLES for _, role in found)
    return Reading(_sentences(head, found) if heard else (), spoken, lexicons)


def read_on(reading: Reading) -> tuple[Sentence, ...]:
    """Every sentence of the whole answer with its roles; nothing is cut.

    Where nothing was cut from the head, its sentences are not read again; the last may go on.
    A word of counsel that comes again is the answer's topic, and counsels nobody.
    """
    text = fold(reading.text)
    known = reading.sentences[:-1]
    done = "".join(sentence.text for sentence in known)
    if not text.startswith(done):
        known, done = (), ""
    rest = text[len(done) :]
    return (*known, *_sentences(rest, list(_without_topic(rest, _roles(rest, reading.lexicons)))))


def _roles(text: str, lexicons: Sequence[Lexicon]) -> list[tuple[int, Role]]:
    return [place for entry in lexicons for place in _roles_in(text, entry)]


def _without_topic(text: str, found: Iterable[tuple[int, Role]]) -> Iterator[tuple[int, Role]]:
    said: set[str] = set()
    for position, role in found:
        if role == "counsel":
            word = text[position : position + _WORD]
            if word in said:
                continue
            said.add(word)
        yield position, role


def _sentences(text: str, found: Sequence[tuple[int, Role]]) -> tuple[Sentence, ...]:
    starts, sentences = _split(text)
    roles: list[set[Role]] = [set() for _ in sentences]
    for position, role in found:
        roles[bisect_right(starts, position) - 1].add(role)
    return tuple(map(Sentence, sentences, map(frozenset, roles)))


def _roles_in(text: str, entry: Lexicon) -> list[tuple[int, Role]]:
    found = list(entry.phrasebook.find(text))
    if any(role == "idiom" for _, role in found):
        without = entry.idioms.sub(lambda match: " " * len(match[0]), text)
        found = [place for place in entry.phrasebook.find(without) if place[1] != "idiom"]
    return found


def _last_persona(text: str) -> str:
    if _PERSONA.match(text) is None:
        return text
    *_, tag = _PERSONA.finditer(text)
    last = text[tag.end() :]
    return last if len(last) >= _PERSONA_SPEAKS else text


def _own_words(text: str) -> str:
    opening = text[:_BEFORE_CUTS]
    if "```" in opening:
        opening = _FENCE.sub(" ", opening)
    folded = fold(opening)
    if ">" in folded:
        folded = _QUOTED_LINE.sub("", folded)
    if '"' in folded and not folded.lstrip().startswith(("{", '["', "[{")):
        folded = _QUOTED_SPEECH.sub(" ", folded)
    return folded[:HEAD]


def _split(text: str) -> tuple[list[int], list[str]]:
    """Where each sentence starts, and its text; a piece without a word joins its neighbour."""
    starts, sentences, begin, read = [0], [], 0, 0
    ends = _SENTENCE_END_OF_THAI if not text.isascii() and _THAI.search(text) else _SENTENCE_END
    for end in ends.finditer(text):
        # What stands before ``read`` has been searched: a row of full stops is not searched over and over.
        if _LETTER.search(text, read, end.end()):
            sentences.append(text[begin : end.end()])
            starts.append(end.end())
            begin = end.end()
        read = end.end()
    rest = text[begin:]
    if _LETTER.search(rest) or not sentences:
        sentences.append(rest)
    else:
        sentences[-1] += rest
        starts.pop()
    return starts, sentences
