"""How far into its conversation an exchange stands, by human turns.

The strata double, because what wears a model down (more context, more persuasion) acts on
that scale, and because few conversations are long: equal widths would leave most empty.
"""

from __future__ import annotations

from bisect import bisect_left

from detectors.records.exchange import Exchange

UNKNOWN = "unknown"
STRATA = ("1", "2-3", "4-7", "8-15", "16+", UNKNOWN)
_LAST_TURN = (1, 3, 7, 15)


def length_stratum(exchange: Exchange) -> str:
    """One of ``STRATA``; ``unknown`` where the history, or every human turn, is out of sight."""
    if exchange.turns is None or exchange.turns < 1:
        return UNKNOWN
    return STRATA[bisect_left(_LAST_TURN, exchange.turns)]
