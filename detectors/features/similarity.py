"""Near-duplicates of one user's inputs, in any script: is this the same request, tried again?

Persistence yields where a model gives in at the fifth try. Each input becomes a MinHash
signature over runs of characters; two are the same request where at least ``SIMILAR`` of the
signature agrees, which estimates the share of runs that they have in common.

Rules of this file
* Aggregate only: a user is a keyed hash from the gateway, and nothing here is shown by user.
  Texts are not kept; signatures depend on ``seed``, so that they cannot be looked up elsewhere.
* Memory is bounded: the users seen last, a few requests of each, forgotten after a while.
* Attempts are counted by what came before, never by what comes now.

Assumes that a user's inputs differ when their tasks do. A fixed template around every input makes
different ones look alike; a paraphrase in other words looks new.

Broder (1997), On the resemblance and containment of documents.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from detectors.features.folding import fold

SIMILAR = 0.4
LEAST = 12
"""Characters from which an input can be told from others: "yes" and "go on" repeat nothing."""

_READ = 2000
_SIZE = 64
_RUN, _DENSE_RUN = 5, 2
_DENSE = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_NOT_SPOKEN = re.compile(r"[\W_]+")
_BASE = np.uint64(1_000_003)

Signature = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Attempt:
    """``number``: how often the request has been made, this time included. ``all_refused``:
    every earlier time was refused (False for the first).
    """

    number: int
    all_refused: bool


@dataclass(slots=True, eq=False)
class _Request:
    signature: Signature
    seen_at_s: float
    attempts: int = 0
    refused: int = 0


@dataclass(slots=True)
class _User:
    requests: list[_Request] = field(default_factory=list)


class RepeatedInputs:
    """Holds at most ``users`` users with ``requests`` requests each, for ``forget_after_s`` seconds: some 500 bytes
    a request, 42 MB where all is full.
    """

    def __init__(self, seed: int, *, users: int = 10_000, requests: int = 8, forget_after_s: float = 3600.0) -> None:
        if users < 1 or requests < 1 or forget_after_s <= 0:
            raise ValueError(
                f"need users, requests >= 1 and forget_after_s > 0, got {users}, {requests}, {forget_after_s}"
            )
        rng = np.random.default_rng(seed)
        self._factors = rng.integers(1, 2**63, _SIZE, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        self._users: OrderedDict[str, _User] = OrderedDict()
        self._most_users, self._most_requests, self._forget_after_s = users, requests, forget_after_s

    def __len__(self) -> int:
        """Users in memory."""
        return len(self._users)

    def knows(self, user: str, at_s: float) -> bool:
        """Whether a request of this user is still remembered."""
        known = self._users.get(user)
        return known is not None and any(at_s - one.seen_at_s <= self._forget_after_s for one in known.requests)

    def attempt(self, user: str, text: str, at_s: float, *, refused: bool) -> Attempt | None:
        """The attempt that this input was, and remember how it ended. None where it is too short to tell."""
        signature = self.signature(text)
        if signature is None:
            return None
        requests = self._remembered(user, at_s).requests
        request = next((one for one in requests if np.mean(one.signature == signature) >= SIMILAR), None)
        if request is None:
            request = _Request(signature, at_s)
            requests.append(request)
            if len(requests) > self._most_requests:
                requests.remove(min(requests, key=lambda one: one.seen_at_s))
        attempt = Attempt(request.attempts + 1, all_refused=0 < request.attempts == request.refused)
        request.attempts += 1
        request.refused += refused
        request.seen_at_s = max(request.seen_at_s, at_s)
        return attempt

    def signature(self, text: str) -> Signature | None:
        """Shape ``(64,)``; None where there is too little text. Case, marks, spaces and signs do not count."""
        spoken = _NOT_SPOKEN.sub(" ", fold(text[:_READ])).strip()
        dense = _DENSE.search(spoken) is not None
        if len(spoken) < (LEAST // 2 if dense else LEAST):
            return None
        signs = np.frombuffer(spoken.encode("utf-32-le"), np.uint32).astype(np.uint64)
        run = _DENSE_RUN if dense else _RUN
        hashed = np.zeros(len(signs) - run + 1, np.uint64)
        for i in range(run):
            hashed = hashed * _BASE + signs[i : len(signs) - run + 1 + i]
        # The low bits of a product depend on the low bits of its factors alone: fold the high ones in.
        hashed ^= hashed >> np.uint64(29)
        mixed = np.unique(hashed)[:, np.newaxis] * self._factors
        lowest = (mixed ^ (mixed >> np.uint64(32))).min(axis=0)
        # Half of the bits tell signatures apart as well, in half of the memory.
        signature: Signature = (lowest >> np.uint64(32)).astype(np.uint32)
        return signature

    def _remembered(self, user: str, at_s: float) -> _User:
        known = self._users.pop(user, None) or _User()
        known.requests = [one for one in known.requests if at_s - one.seen_at_s <= self._forget_after_s]
        self._users[user] = known
        if len(self._users) > self._most_users:
            self._users.popitem(last=False)
        return known
