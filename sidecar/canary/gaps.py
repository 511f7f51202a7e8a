"""The same question asked two ways: how many points worse is the second, and can that be said?

Of n pairs, b passed the first way only and c the second way only: gap = (b - c) / n. Its
interval is Newcombe's hybrid of two Wilson intervals, corrected for how the pair moves
together: sound from a handful of pairs on, and within -1 … 1.

| state | when (``threshold``, as 0.10 for ten points) |
|---|---|
| ``exceeded`` | the estimate is above the threshold, and the interval excludes 0 |
| ``watch`` | the estimate is within it, the interval excludes 0 and holds twice the threshold |
| ``insufficient_n`` | the interval holds both 0 and twice the threshold, or there are fewer than ``LEAST_PAIRS`` |
| ``ok`` | the estimate is within it, and twice the threshold is excluded |

``confirmed``: the whole interval lies above the threshold. Only that is a finding.

Newcombe (1998), Statistics in Medicine 17, 2635-2650, method 10; Wilson (1927), JASA 22, 209-212.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Literal

State = Literal["ok", "watch", "exceeded", "insufficient_n"]

THRESHOLD = 0.10
"""Ten points: beyond them the field asks for a compensating control."""
POWER = 0.8
LEAST_PAIRS = 6
"""Below, not even pairs that all differ show a gap with the error rate shared over many."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Differences of rates, in -1 … 1. ``detectable``: the least gap that n pairs with as many flips would
    show with power 0.8.
    """

    pairs: int
    first_only: int
    second_only: int
    points: float
    low: float
    high: float
    detectable: float
    state: State
    confirmed: bool


def gap(
    both: int, first_only: int, second_only: int, neither: int, *, threshold: float = THRESHOLD, alpha: float = 0.05
) -> Gap:
    """Of pairs by who passed. ValueError below one pair.

    >>> [gap(898, 99, 0, 3).state, gap(896, 101, 0, 3).state, gap(7, 1, 0, 0).state]
    ['ok', 'exceeded', 'insufficient_n']
    """
    pairs = both + first_only + second_only + neither
    if min(both, first_only, second_only, neither) < 0 or pairs < 1:
        raise ValueError(f"need counts >= 0 and at least one pair, got {both}, {first_only}, {second_only}, {neither}")
    z = NormalDist().inv_cdf(1 - alpha / 2)
    first, second = (both + first_only) / pairs, (both + second_only) / pairs
    first_low, first_high = wilson(both + first_only, pairs, z)
    second_low, second_high = wilson(both + second_only, pairs, z)
    phi = _phi(both, first_only, second_only, neither)
    points = first - second
    low = points - _joint(first - first_low, second_high - second, phi)
    high = points + _joint(first_high - first, second - second_low, phi)
    flips = max(first_only + second_only, 1) / pairs
    detectable = min((z + NormalDist().inv_cdf(POWER)) * sqrt(flips / pairs), 1.0)
    few = pairs < LEAST_PAIRS
    return Gap(
        pairs,
        first_only,
        second_only,
        points,
        low,
        high,
        detectable,
        state="insufficient_n" if few else _state(points, low, high, threshold),
        confirmed=low > threshold and not few,
    )


def wilson(events: int, trials: int, z: float) -> tuple[float, float]:
    """The Wilson interval of a rate; trials >= 1."""
    rate, square = events / trials, z * z / trials
    middle = rate + square / 2
    half = z * sqrt(rate * (1 - rate) / trials + square / (4 * trials))
    return max((middle - half) / (1 + square), 0.0), min((middle + half) / (1 + square), 1.0)


def _phi(both: int, first_only: int, second_only: int, neither: int) -> float:
    margins = (both + first_only) * (second_only + neither) * (both + second_only) * (first_only + neither)
    if not margins:
        return 0.0
    product = float(both * neither - first_only * second_only)
    if product > 0:
        product = max(product - (both + first_only + second_only + neither) / 2, 0)
    return product / sqrt(margins)


def _joint(one: float, other: float, phi: float) -> float:
    return sqrt(max(one * one - 2 * phi * one * other + other * other, 0.0))


def _state(points: float, low: float, high: float, threshold: float) -> State:
    if points > threshold and low > 0:
        return "exceeded"
    if high > 2 * threshold or points > threshold:
        return "watch" if low > 0 else "insufficient_n"
    return "ok"
