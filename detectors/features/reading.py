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
from collections.abc import Sequence
from dataclasses import dataclass

from detectors.features.folding import fold
from detectors.features.languages import lexicon
from detectors.features.lexicon import SPOKEN_ROLES, Role

HEAD = 480
BODY = 6000
"""Characters of an answer that are looked at in all; the rest cannot change a judgement."""

_BEFORE_CUTS = 3 * HEAD
_FENCE = re.compile(r"```[^`]{0,4000}(?:```|$)")
_QUOTED_LINE = re.compile(r"^[ \t]{0,3}>.*$", re.MULTILINE)
_QUOTED_SPEECH = re.compile(r'(?<=[^\s"])[\s(,:*-]{1,3}"[^"\n]{1,400}"')
_SENTENCE_END = re.compile(r"[.!?](?=[\s\"')*_]|$)|[。！？।\n]|(?<=[\u0e00-\u0e7f]) (?=[\u0e00-\u0e7f])")
_PERSONA = re.compile(
    r"^[^\w\n]{0,3}(?!Note|Disclaimer|Warning|Important|Tip|Source|Reference|Example)"
    r"(?:[\[(][^\w\])\n]{0,3}[A-Za-z][^\])\n]{2,36}[\])]|[A-Z][A-Za-z0-9]{1,14}(?=:))",
    re.MULTILINE,
)
_PERSONA_SPEAKS = 40
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, folded, and the roles its words play."""

    text: str
    roles: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True)
class Reading:
    """``sentences``: those of the head, in order; none where no word of the head can belong
    to a refusal. ``text``: the answer as read, unfolded, at most ``BODY`` characters.
    ``tags``: the lexicons it was read with.
    """

    sentences: tuple[Sentence, ...]
    text: str
    tags: tuple[str, ...]

    def within(self, role: Role, count: int) -> bool:
        """Whether ``role`` occurs in the first ``count`` sentences."""
        return any(role in sentence.roles for sentence in self.sentences[:count])


def read(text: str, tags: Sequence[str]) -> Reading:
    """Read the opening of ``text`` with the lexicons of ``tags`` (``KeyError`` where there is none).

    Most answers hold no word of a refusal; they cost one search.
    """
    spoken = _last_persona(text[:BODY])
    head = _own_words(spoken)
    heard = any(lexicon(tag).gate.search(head) for tag in tags)
    return Reading(_with_roles(head, tags) if heard else (), spoken, tuple(tags))


def read_on(reading: Reading) -> tuple[Sentence, ...]:
    """Every sentence of the whole answer with its roles; nothing is cut."""
    return _with_roles(fold(reading.text), reading.tags)


def _with_roles(text: str, tags: Sequence[str]) -> tuple[Sentence, ...]:
    starts, sentences = _split(text)
    roles: list[set[Role]] = [set() for _ in sentences]
    for tag in tags:
        idiom = lexicon(tag).pattern("idiom")
        heard = idiom.sub(lambda match: " " * len(match[0]), text) if idiom else text
        for role in SPOKEN_ROLES:
            pattern = lexicon(tag).pattern(role)
            if pattern:
                for match in pattern.finditer(heard):
                    roles[bisect_right(starts, match.start()) - 1].add(role)
    return tuple(map(Sentence, sentences, map(frozenset, roles)))


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
    starts, sentences, begin = [0], [], 0
    for end in _SENTENCE_END.finditer(text):
        piece = text[begin : end.end()]
        if _LETTER.search(piece):
            sentences.append(piece)
            starts.append(end.end())
            begin = end.end()
    rest = text[begin:]
    if _LETTER.search(rest) or not sentences:
        sentences.append(rest)
    else:
        sentences[-1] += rest
        starts.pop()
    return starts, sentences
