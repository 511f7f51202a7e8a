"""What the scripted model can say, and in which language it was asked.

A language is one file ``texts/<tag>.yaml``: harmless questions with full answers,
follow-up questions, refusals, and disclaimers (words of a refusal after which the content
is delivered all the same). The language of a prompt is found here by alphabet and common
words and not with the classifier that Kilter uses, so that the truth of a test never
rests on what it tests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

_ALPHABETS = (
    ("Kana", re.compile("[\u3041-\u30ff]")),
    ("Han", re.compile("[\u4e00-\u9fff]")),
    ("Cyrillic", re.compile("[\u0400-\u04ff]")),
    ("Arabic", re.compile("[\u0600-\u06ff]")),
)
"""In this order: Japanese is written with Han too."""
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Topic:
    """A question and its full answer."""

    ask: str
    answer: str


@dataclass(frozen=True, slots=True)
class Language:
    """``tag`` is BCP-47. ``common_words`` tell languages of one alphabet apart."""

    tag: str
    alphabet: str
    common_words: frozenset[str]
    topics: tuple[Topic, ...]
    follow_ups: tuple[Topic, ...]
    refusals: tuple[str, ...]
    disclaimers: tuple[str, ...]

    def answer_to(self, prompt: str, draw: float) -> str:
        """The answer that belongs to a known question, else one chosen by ``draw`` in [0, 1)."""
        for topic in (*self.topics, *self.follow_ups):
            if topic.ask in prompt:
                return topic.answer
        return self.topics[int(draw * len(self.topics))].answer


@cache
def languages() -> dict[str, Language]:
    """Every language that has a file, by tag."""
    files = sorted(resources.files("sidecar.demo").joinpath("texts").iterdir(), key=lambda file: file.name)
    return {file.name.removesuffix(".yaml"): _read(file.name, file.read_text("utf-8")) for file in files}


def _read(name: str, text: str) -> Language:
    raw = yaml.safe_load(text)
    return Language(
        tag=name.removesuffix(".yaml"),
        alphabet=raw["script"],
        common_words=frozenset(raw["words"].split()),
        topics=tuple(Topic(**topic) for topic in raw["topics"]),
        follow_ups=tuple(Topic(**topic) for topic in raw["follow_ups"]),
        refusals=tuple(raw["refusals"]),
        disclaimers=tuple(raw["disclaimers"]),
    )


def language_of(text: str) -> str:
    """Tag of the language, among those with texts; ``en`` where nothing speaks for another.

    >>> language_of("Wie koche ich ein Ei?"), language_of("たまごの作り方"), language_of("42")
    ('de', 'ja', 'en')
    """
    known = languages()
    for alphabet, letters in _ALPHABETS:
        if letters.search(text):
            return next(tag for tag, language in known.items() if language.alphabet == alphabet)
    words = _WORD.findall(text[:2000].lower())
    votes = {tag: sum(word in language.common_words for word in words) for tag, language in known.items()}
    best = max(votes, key=lambda tag: votes[tag])
    return best if votes[best] > votes["en"] else "en"
