"""Is it still the same model that answers? Told by short greedy prompts, whose answers a model does not change by itself.

Each prompt has a set of answers that it is known to get; another one is *new*. Greedy output is not bit-stable (batches,
kernels), so new answers come now and then: how often is learned, prompt by prompt, and goes on being learned. Evidence is a
Shiryaev-Roberts sum over all answers since the variant was learned,

    R <- (R + 1) f,   f = r / q where the answer is new, (1 - r) / (1 - q) where it is known,

q the prompt's learned share of new answers, r what a changed model would have; R is the mean over several r. That sees a model
most of whose answers changed. One that changed a few for good is seen prompt by prompt: from each of the last ``STARTS`` rounds on,
the product over the prompts of

    (1 - e) + e min(L, C),   L the product of f at r = ``FOR_GOOD`` over the prompt's answers since then,

e the share of prompts that such a model would answer otherwise; C is so small that it takes three prompts, since a near tie may
tip for good (R sees two, once there is next to no noise in what was learned for weeks). Each of these is at most 1 in the mean; their sum times the answers of a round, and R, are averaged.
While new answers come no more often than q, a change is declared at most once in ``DECLARED`` answers in the mean, whenever
one looks. A new answer becomes a known one once the prompt has given a known one again and the evidence has gone, or once it
has come ``TIPPED`` times in a row.

Shiryaev (1963); Roberts (1966), Technometrics 8, 411-430; Shin, Ramdas & Rinaldo (2023), "E-detectors".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import exp, log
from typing import Any, Self

LEARN = 8
"""Answers to each prompt before anything is judged."""
DECLARED = 1e5
SUSPECT = 30.0
"""From here on the rest of the round is asked at once."""
QUIET = 30.0
NOISY = 0.1
MOST_ANSWERS = 32
"""Known answers kept a prompt: one that gets more tells nothing anyway."""
STARTS = 8
FOR_GOOD = 0.9
TIPPED = 8
_RATES = (0.3, 0.6, 0.9)
_SHARE = 0.25
_MOST_LOG = 6.0
"""Of C: three prompts are enough together."""


@dataclass(slots=True)
class _Prompt:
    known: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    answers: int = 0
    new: int = 0
    since: int = 0
    """Answers since the last new one."""

    @property
    def asked(self) -> int:
        return self.answers + len(self.pending)

    def learn(self, answer: str) -> None:
        self.answers += 1
        if answer not in self.known:
            self.new += bool(self.known)
            self.known = [*self.known, answer][-MOST_ANSWERS:]


class Fingerprint:
    """Of one variant of a model. ``prompts``: their names. Answers are given as digests, in any order.

    >>> fingerprint = Fingerprint(["a", "b", "c", "d", "e", "f"])
    >>> any(fingerprint.answer(prompt, "as ever") for _ in range(20) for prompt in "abcdef")
    False
    >>> [fingerprint.answer(prompt, "another") for prompt in "abcdef"][-1]
    True
    """

    def __init__(self, prompts: Iterable[str]) -> None:
        self._prompts = {name: _Prompt() for name in prompts}
        self._sums = [0.0] * len(_RATES)
        self._starts: deque[dict[str, float]] = deque(maxlen=STARTS)
        self._judged = 0

    @property
    def learned(self) -> bool:
        """Whether every prompt was asked often enough."""
        return bool(self._prompts) and all(one.answers >= LEARN for one in self._prompts.values())

    @property
    def noisy(self) -> bool:
        """Whether it gives too many new answers by itself to tell it from another: it does not answer greedily."""
        return self.learned and self._noise() > NOISY

    @property
    def evidence(self) -> float:
        """R: at ``DECLARED`` the model is another one."""
        return (sum(self._sums) / len(_RATES) + self._sparse()) / 2

    @property
    def open(self) -> bool:
        """Whether there are new answers of which it is not yet known whose they are."""
        return any(one.pending for one in self._prompts.values())

    @property
    def suspect(self) -> bool:
        """Whether to hurry."""
        return self.learned and self.evidence >= SUSPECT

    def next(self) -> str | None:
        """The prompt to ask now: the one with the fewest answers."""
        return min(self._prompts, key=lambda name: self._prompts[name].asked, default=None)

    def answer(self, prompt: str, answer: str) -> bool:
        """One answer more. Whether the evidence now says that another model gave it. A prompt it does not know is nothing."""
        one = self._prompts.get(prompt)
        if one is None:
            return False
        if not self.learned or self.noisy:
            one.learn(answer)
            return False
        new = answer not in one.known
        share = self._share(one)
        for at, rate in enumerate(_RATES):
            if rate > share:
                factor = rate / share if new else (1 - rate) / (1 - share)
                self._sums[at] = (self._sums[at] + 1) * factor
        self._weigh(prompt, share, new=new)
        if new:
            one.pending.append(answer)
            one.since = 0
        else:
            one.answers += 1
            one.since += 1
        found = self.evidence >= DECLARED
        if not found:
            self._settle()
        return found

    def _weigh(self, prompt: str, share: float, *, new: bool) -> None:
        """Adds to what each start holds of the prompt: log L."""
        if self._judged % len(self._prompts) == 0:
            self._starts.append({})
        self._judged += 1
        if share < FOR_GOOD:
            factor = log(FOR_GOOD / share) if new else log((1 - FOR_GOOD) / (1 - share))
            for start in self._starts:
                start[prompt] = start.get(prompt, 0.0) + factor

    def _sparse(self) -> float:
        size = len(self._prompts)
        return size * sum(
            exp(sum(log(1 - _SHARE + _SHARE * exp(min(start.get(name, 0.0), _MOST_LOG))) for name in self._prompts))
            for start in self._starts
        )

    def _share(self, prompt: _Prompt) -> float:
        """Of its answers that are new, in (0, 1]: an upper guess while few are known, and no less than that of all prompts."""
        return max((prompt.new + 1) / prompt.answers, self._noise())

    def _noise(self) -> float:
        every = self._prompts.values()
        return (sum(one.new for one in every) + 1) / (sum(one.answers - 1 for one in every) + 1)

    def _settle(self) -> None:
        quiet = self.evidence < QUIET
        for one in self._prompts.values():
            if one.pending and ((quiet and one.since) or len(one.pending) >= TIPPED):
                for answer in one.pending:
                    one.learn(answer)
                one.pending.clear()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "sums": [*self._sums],
            "starts": [dict(start) for start in self._starts],
            "judged": self._judged,
            "prompts": {
                name: {
                    "known": [*one.known],
                    "pending": [*one.pending],
                    "answers": one.answers,
                    "new": one.new,
                    "since": one.since,
                }
                for name, one in self._prompts.items()
            },
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], prompts: Iterable[str]) -> Self:
        """Goes on from ``to_dict``; prompts that it did not have then are learned first."""
        made = cls(prompts)
        made._sums = [float(part) for part in raw["sums"]]
        # Of a version before this one there are none.
        for start in raw.get("starts", ()):
            made._starts.append({str(name): float(log_l) for name, log_l in start.items()})
        made._judged = int(raw.get("judged", 0))
        for name, one in raw["prompts"].items():
            if name in made._prompts:
                known, pending = [*one["known"]], [*one["pending"]]
                since = int(one.get("since", 0))
                made._prompts[name] = _Prompt(known, pending, int(one["answers"]), int(one["new"]), since)
        return made
