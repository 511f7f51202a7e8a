"""One countable fact about one exchange."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Observation:
    """``value`` in [0, 1] (0 or 1 for events) of ``feature`` in ``stratum``.

    ``conversation`` and ``user`` are keyed hashes; ``user`` is None where the request
    names nobody. ``at_s`` is the Unix time of the request's start, so that short answers
    (refusals) do not arrive in the statistics before long ones of the same moment.
    """

    feature: str
    stratum: str
    value: float
    conversation: str
    user: str | None
    at_s: float
