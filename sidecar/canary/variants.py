"""Which model answers, and whether that has changed: as the server declares it, and as its short greedy answers tell.

Rules of this file
* A variant is (model, fingerprint, generation): the name and ``system_fingerprint`` that replies carry, and how often the
  answers changed under them without a word.
* Another name is a change. Another fingerprint is one unless it has answered within a day: replicas of two builds stand side
  by side, and both are current. A server that gives every reply a fingerprint of its own gives none.
* What an operator or the server's listing says of the weights (``declare``) is a change where it says something else of the
  same name than before. Nothing said is no change, and neither is the first word.
* One change shows itself in several ways, each at its own time: in replies, in a listing that is read every ten minutes, in the
  operator's word, in answers. What comes within ``TOGETHER_S`` of it by a way of its own is a further sign of the same change.
* No clock: ``at_s`` is Unix time. Nothing here holds a word of what was said: answers are digests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from sidecar.canary.fingerprint import Fingerprint
from sidecar.canary.schedule import DAY_S

Kind = Literal["declared", "silent"]
KINDS: tuple[Kind, ...] = get_args(Kind)
State = Literal["same", "declared_change", "silent_change", "unknown"]
STATES: tuple[State, ...] = get_args(State)

Sign = Literal["reply", "listing", "operator", "answers"]
"""By which a change shows itself: a name or fingerprint in a reply, a digest as listed or as the operator says, what is answered."""

TOGETHER_S = 3600.0
BESIDE_S = DAY_S
SHOWN_S = DAY_S
"""A change is the state for so long."""
MOST_BUILDS = 8
MOST_KNOWN = 16


@dataclass(frozen=True, slots=True)
class Variant:
    """``fingerprint`` is empty where the server says none; ``generation`` counts from 0 the changes under these names."""

    model: str
    fingerprint: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """From ``before`` to ``after``. ``since_s``: the first answer that can be the new variant's. ``signs``: by which it was seen."""

    kind: Kind
    before: Variant
    after: Variant
    at_s: float
    since_s: float
    signs: tuple[Sign, ...] = ()

    def another(self, sign: Sign, at_s: float) -> bool:
        """Whether a sign that comes now is of this change."""
        return sign not in self.signs and 0 <= at_s - self.at_s <= TOGETHER_S


class Variants:
    """``prompts``: names of the short greedy ones; without any a silent change cannot be seen."""

    def __init__(self, prompts: Iterable[str] = ()) -> None:
        self._prompts = tuple(prompts)
        self._known: dict[tuple[str, str], tuple[int, Fingerprint]] = {}
        self._builds: dict[str, float] = {}
        self._current: set[str] = set()
        self._declared: dict[str, tuple[str, str]] = {}
        self._suspected_s: float | None = None
        self.last: Variant | None = None
        self.changed: Change | None = None

    def answered(self, model: str, fingerprint: str, at_s: float) -> Change | None:
        """A reply came that says so about its sender; the change that this declares."""
        last = self.last
        if last is None or last.model != model:
            self._builds, self._current = {}, set()
        many = len(self._builds) > MOST_BUILDS
        fingerprint = self._build(fingerprint)
        before_s = self._builds.get(fingerprint)
        self._builds = {build: seen_s for build, seen_s in self._builds.items() if seen_s > at_s - BESIDE_S or many}
        self._builds[fingerprint] = at_s
        self._current &= set(self._builds)
        beside = before_s is not None and before_s > at_s - BESIDE_S
        if beside or many:
            self._current.add(fingerprint)
        elif fingerprint not in self._current or len(self._current) > 1:
            self._current = {fingerprint}
        self.last = Variant(model, fingerprint, self.generation(model, fingerprint))
        if last is None or last == self.last or beside or (many and last.model == model):
            return None
        return self._changed("declared", last, self.last, at_s, at_s, "reply")

    def declare(
        self, by: Literal["listing", "operator"], model: str, digest: str, at_s: float, since_s: float
    ) -> Change | None:
        """``by`` says that ``digest`` stands behind the name ``model`` now, and has not said otherwise before ``since_s``."""
        if not digest:
            return None
        before = self._declared.get(by)
        self._declared[by] = (model, digest)
        if before is None or before == (model, digest) or before[0] != model or self.last is None:
            return None
        if self.changed and self.changed.another(by, at_s):
            # What answers has a name of its own already.
            self.changed = replace(self.changed, kind="declared", signs=(*self.changed.signs, by))
            return self.changed
        last = self.last
        for build in {*self._builds, last.fingerprint}:  # replicas of several builds were all replaced
            key = (last.model, build)
            self._known[key] = (self._known.pop(key, (0, None))[0] + 1, Fingerprint(self._prompts))
        while len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._suspected_s = None
        self.last = Variant(last.model, last.fingerprint, self.generation(last.model, last.fingerprint))
        return self._changed("declared", last, self.last, at_s, since_s, by)

    def fingerprinted(self, prompt: str, answer: str, at_s: float) -> Change | None:
        """The variant that answered last gave ``answer``, a digest, to a short greedy prompt; the silent change that this shows."""
        if self.last is None:
            return None
        key = (self.last.model, self.last.fingerprint)
        fingerprint = self._fingerprint(key)
        found = fingerprint.answer(prompt, answer)
        if not fingerprint.open:
            self._suspected_s = None
        elif self._suspected_s is None:
            self._suspected_s = at_s
        if not found:
            return None
        before, generation = self.last, self.last.generation + 1
        self._known[key] = (generation, Fingerprint(self._prompts))
        self.last = Variant(*key, generation)
        since_s = at_s if self._suspected_s is None else self._suspected_s
        self._suspected_s = None
        return self._changed("silent", before, self.last, at_s, since_s, "answers")

    def generation(self, model: str, fingerprint: str) -> int:
        """Of what answers under these now."""
        return self._known.get((model, self._build(fingerprint)), (0, None))[0]

    def current(self, variant: Variant) -> bool:
        """Whether what it said still stands."""
        last = self.last
        if last is None or variant.model != last.model or variant.generation != self.generation(*_key(variant)):
            return False
        return self._build(variant.fingerprint) in self._current

    @property
    def prompt(self) -> str | None:
        """The short greedy prompt to ask next; None where there is none, or nobody has answered yet."""
        return self._fingerprint(_key(self.last)).next() if self.last else None

    @property
    def hurry(self) -> bool:
        """Whether the next one is to be asked soon: while the variant is being learned, or is suspected."""
        if self.last is None or not self._prompts:
            return False
        fingerprint = self._fingerprint(_key(self.last))
        return fingerprint.suspect or not fingerprint.learned

    @property
    def evidence(self) -> float:
        """That the model has changed silently; a change at ``fingerprint.DECLARED``."""
        known = self._known.get(_key(self.last)) if self.last else None
        return known[1].evidence if known else 0.0

    def state(self, now_s: float) -> State:
        """What is known of it. ``unknown`` while its answers are learned, or cannot tell."""
        change = self.changed
        if change and 0 <= now_s - change.at_s < SHOWN_S:
            return "silent_change" if change.kind == "silent" else "declared_change"
        known = self._known.get(_key(self.last)) if self.last else None
        return "same" if known and known[1].learned and not known[1].noisy else "unknown"

    def _build(self, fingerprint: str) -> str:
        return "" if len(self._builds) > MOST_BUILDS else fingerprint

    def _fingerprint(self, key: tuple[str, str]) -> Fingerprint:
        if key not in self._known:
            self._known[key] = (0, Fingerprint(self._prompts))
        generation, fingerprint = self._known.pop(key)  # the last one used stands last
        self._known[key] = (generation, fingerprint)
        while len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return fingerprint

    def _changed(self, kind: Kind, before: Variant, after: Variant, at_s: float, since_s: float, sign: Sign) -> Change:
        signs: tuple[Sign, ...] = (sign,)
        if self.changed and self.changed.another(sign, at_s):
            kind = "declared"  # by one of its signs, whichever came first
            before, signs = self.changed.before, (*self.changed.signs, sign)
        self.changed = Change(kind, before, after, at_s, since_s, signs)
        return self.changed

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        change = self.changed
        return {
            "known": [[*key, generation, one.to_dict()] for key, (generation, one) in self._known.items()],
            "builds": self._builds,
            "current": sorted(self._current),
            "declared": {by: list(said) for by, said in self._declared.items()},
            "last": _listed(self.last) if self.last else None,
            "changed": change
            and [change.kind, _listed(change.before), _listed(change.after), change.at_s, change.since_s, change.signs],
        }

    def restore(self, raw: Mapping[str, Any]) -> None:
        """Goes on from ``to_dict``. KeyError, TypeError or ValueError where it is none."""
        known = {
            (str(model), str(build)): (int(generation), Fingerprint.from_dict(one, self._prompts))
            for model, build, generation, one in raw["known"]
        }
        changed = raw["changed"] and _change(*raw["changed"])
        last = Variant(*raw["last"]) if raw["last"] else None
        self._builds = {str(build): float(seen_s) for build, seen_s in raw["builds"].items()}
        self._current, self._known = set(raw["current"]), known
        # A state file of a release before this one has none.
        self._declared = {str(by): (str(name), str(said)) for by, (name, said) in raw.get("declared", {}).items()}
        self.last, self.changed = last, changed


def _key(variant: Variant) -> tuple[str, str]:
    return variant.model, variant.fingerprint


def _change(
    kind: Kind, before: list[Any], after: list[Any], at_s: float, since_s: float, signs: Iterable[Sign] = ()
) -> Change:
    # A state file of a release before this one has no signs.
    return Change(kind, Variant(*before), Variant(*after), at_s, since_s, tuple(signs))


def _listed(variant: Variant) -> list[Any]:
    return [variant.model, variant.fingerprint, variant.generation]
