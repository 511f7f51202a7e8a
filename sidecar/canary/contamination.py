"""Did canaries get into training data? Overlap of runs of five words.

Three kinds of text are looked for: ``skeleton``, what is the same in every prompt of a family;
``frozen``, prompts that never change; ``asked``, prompts of an epoch. A record overlaps with
one when it holds at least ``LEAST`` of its runs of words, whole and in order but anywhere.

Rules of this file
* Runs are compared as keyed hashes, so that a list of them can be given to whoever has the data
  and shows no prompt (``Exclusions``). A hash of five common words can be guessed: it is no secret.
* A text of fewer than five words is looked for as a whole text of a record and not within one; a skeleton
  of fewer than ``FEW_RUNS`` runs is not looked for, since other people's sentences have those too.
* Scripts without spaces are compared sign by sign.

n-gram overlap as a sign of contamination: Brown et al. (2020), arXiv:2005.14165, appendix C.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sidecar.canary.conversation import User
from sidecar.canary.fill import slots_in
from sidecar.canary.generate import render
from sidecar.canary.loading import LoadedSuite
from sidecar.canary.suite import Content, Family

N = 5
LEAST = 0.6
FEW_RUNS = 3
HASH = "blake2b, 8 bytes, keyed with the salt, of the words of a run joined by spaces"
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])\w)+")
_SLOT = re.compile(r"\{+[a-z_][a-z0-9_]*\}+")


@dataclass(frozen=True, slots=True)
class Trace:
    """What is looked for. ``runs`` are hashes; ``name`` is suite/family."""

    name: str
    kind: str
    runs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Overlap:
    """One record holds ``share`` (0 to 1) of a trace's runs."""

    name: str
    kind: str
    share: float


def runs(texts: Iterable[str], salt: bytes) -> frozenset[str]:
    """The hashed runs of words of each text.

    >>> len(runs(["One two three four five six."], b"")), len(runs(["Hi."], b""))
    (2, 1)
    """
    found: set[str] = set()
    for text in texts:
        words = _WORD.findall(text.casefold())
        for at in range(max(len(words) - N + 1, min(len(words), 1))):
            run = " ".join(words[at : at + N])
            found.add(hashlib.blake2b(run.encode(errors="replace"), digest_size=8, key=salt).hexdigest())
    return frozenset(found)


def texts_in(node: Any) -> Iterator[str]:
    """Every text below a JSON value."""
    left = [node]
    while left:
        part = left.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            left += part.values()
        elif isinstance(part, list):
            left += part


def texts_of_line(line: str) -> list[str]:
    """The texts of a line of JSON; the line itself where it is none."""
    try:
        return list(texts_in(json.loads(line)))
    except (ValueError, RecursionError):
        return [line]


def traces(
    loaded: LoadedSuite, secret: bytes, asked: Iterable[tuple[int, int]], salt: bytes = b""
) -> tuple[Trace, ...]:
    """What is looked for of a suite: its skeletons, its frozen forms, and the prompts of every (epoch, shift) ``asked``.

    ValueError (ExpressionError among them) where the suite cannot be rendered.
    """
    found: dict[tuple[str, frozenset[str]], Trace] = {}

    def add(family: str, kind: str, made: frozenset[str], least: int = 1) -> None:
        if len(made) >= least:
            found.setdefault((family, made), Trace(f"{loaded.suite.suite}/{family}", kind, made))

    for family in loaded.suite.families:
        for text in _skeletons(family):
            pieces = [piece for piece in _SLOT.split(text) if len(_WORD.findall(piece)) >= N]
            add(family.id, "skeleton", runs(pieces, salt), FEW_RUNS)
    for at, (epoch, shift) in enumerate([(0, 0), *asked]):
        # The first is for the frozen forms, which are the same in every epoch.
        for case in render(loaded, secret, epoch, frozen=at == 0, shift=shift):
            if case.frozen or at:
                texts = [case.prompt] if case.kind == "ladder" else _said(case.script)
                add(case.family, "frozen" if case.frozen else "asked", runs(texts, salt))
    return tuple(found.values())


def _said(script: Sequence[Any]) -> list[str]:
    return [message.text for message in script if isinstance(message, User)]


def _skeletons(family: Family) -> Iterator[str]:
    """The wordings that have slots: the others are frozen forms, or asked as they stand."""
    contents: list[Content] = [turn.user for turn in family.turns if turn.user is not None]
    for prompts in (family.prompts, *(twin.prompts for twin in (family.twin, family.direct) if twin)):
        contents += [content for wording in prompts.values() for content in wording.text]
    for content in contents:
        text = content if isinstance(content, str) else "\n".join(part.text for part in content if part.text)
        if any(slots_in(text)):
            yield text


class Scan:
    """Looks for traces in one record after another."""

    def __init__(self, wanted: Sequence[Trace], salt: bytes = b"", least: float = LEAST) -> None:
        self._wanted = wanted
        self._salt = salt
        self._least = least
        self._places: dict[str, list[int]] = defaultdict(list)
        for at, trace in enumerate(wanted):
            for run in trace.runs:
                self._places[run].append(at)

    def overlaps(self, texts: Iterable[str]) -> list[Overlap]:
        """What a record overlaps with: for each family the trace it holds most of, largest share first."""
        held = Counter(at for run in runs(texts, self._salt) for at in self._places.get(run, ()))
        best: dict[str, Overlap] = {}
        for at, count in held.items():
            trace = self._wanted[at]
            share = count / len(trace.runs)
            if share >= self._least and (trace.name not in best or share > best[trace.name].share):
                best[trace.name] = Overlap(trace.name, trace.kind, share)
        return sorted(best.values(), key=lambda overlap: (-overlap.share, overlap.name))


class ExclusionsError(Exception):
    """A file is no list of exclusions: ``str()`` says where and why."""


def exclusions(wanted: Sequence[Trace], salt: bytes) -> Iterator[str]:
    """The traces, made with ``salt``, as JSON lines: a head, then one a line, without any name."""
    yield json.dumps({"exclusions": 1, "salt": salt.hex(), "n": N, "least": LEAST, "hash": HASH})
    for made in sorted({tuple(sorted(trace.runs)) for trace in wanted}):
        yield json.dumps({"runs": made})


def read_exclusions(lines: Sequence[str]) -> tuple[tuple[Trace, ...], bytes]:
    """The traces and the salt of such a list. ExclusionsError names the line."""
    at = 1
    try:
        head = json.loads(lines[0])
        if head["exclusions"] != 1 or head["n"] != N:
            raise ExclusionsError("1: made by another version of Kilter")
        salt = bytes.fromhex(head["salt"])
        found = []
        for at, line in enumerate(lines[1:], 2):
            made = frozenset(map(str, json.loads(line)["runs"]))
            if not made:
                raise ExclusionsError(f"{at}: need runs")
            found.append(Trace(f"line {at}", "excluded", made))
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ExclusionsError(f"{at}: no list of exclusions") from None
    return tuple(found), salt
