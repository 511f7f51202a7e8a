"""Sampling parameters as users send them, so that a canary's are none that only canaries have.

Rules of this file
* Numbers of a closed list of parameters, rounded to three digits, and how many requests had them together: no text, no name,
  nothing by which one request, user or conversation could be known.
* What fewer than ``LEAST_ALIKE`` requests had together is never sent: a rare combination may be one user's own.
* Bounded: at most ``MOST`` combinations; beyond it the rarest one gives way. After ``REMEMBERED`` requests all counts are halved, so the
  mirror follows traffic and forgets it.
* Not mirrored: ``seed``, which is one request's own; the most tokens, which a suite and the budget set; tools and system
  prompts, which are a tenant's text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import Any

PARAMETERS = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
)
LEAST = 50
"""Requests, before which nothing is drawn."""
LEAST_ALIKE = 10
MOST = 64
REMEMBERED = 2000
_LARGEST = 1e6

Sampling = tuple[tuple[str, float], ...]
"""(name, value) in the order of ``PARAMETERS``; empty where a request leaves all of them to the server."""


class Mirror:
    """``within``: the key of the request's document under which the parameters stand; empty: they stand in it."""

    def __init__(self, rng: Random, within: str = "") -> None:
        self._rng = rng
        self._within = within
        self._seen: dict[Sampling, float] = {}

    def see(self, document: Mapping[str, Any]) -> None:
        """A user's request that was answered."""
        found = document.get(self._within, {}) if self._within else document
        sampling = _sampling(found if isinstance(found, Mapping) else {})
        if sampling not in self._seen and len(self._seen) >= MOST:
            del self._seen[min(self._seen, key=lambda known: self._seen[known])]
        self._seen[sampling] = self._seen.get(sampling, 0.0) + 1
        if sum(self._seen.values()) >= REMEMBERED:
            self._seen = {
                known: count / 2 for known, count in self._seen.items() if count >= 2
            }  # half a request is none

    def drawn(self) -> Sampling | None:
        """One combination, as often as users send it; None while too little was seen."""
        usual = {known: count for known, count in self._seen.items() if count >= LEAST_ALIKE}
        if sum(self._seen.values()) < LEAST or not usual:
            return None
        return self._rng.choices(list(usual), list(usual.values()))[0]


def _sampling(document: Mapping[str, Any]) -> Sampling:
    sent = ((name, document.get(name)) for name in PARAMETERS)
    return tuple(
        (name, float(f"{value:.3g}"))
        for name, value in sent
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and abs(value) < _LARGEST
    )
