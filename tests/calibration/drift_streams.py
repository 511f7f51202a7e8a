"""Streams to judge drift detectors by. All runs of an experiment go side by side, as columns.

Every function yields ticks as (events, trials), arrays (runs,), from a generator given by the caller.
"""

import numpy as np


def logistic(x):
    return 1 / (1 + np.exp(-x))


def logit(p):
    return np.log(p / (1 - p))


def steady(rng, rate, runs, ticks, per_tick=50):
    """``rate``: scalar or (runs,)."""
    trials = np.full(runs, per_tick)
    for _ in range(ticks):
        yield rng.binomial(per_tick, rate, runs), trials


def step(rng, before, after, runs, ticks_before, ticks_after, per_tick=50):
    yield from steady(rng, before, runs, ticks_before, per_tick)
    yield from steady(rng, after, runs, ticks_after, per_tick)


def clustered(rng, rate, icc, runs, ticks, per_tick=50, turns=8, once=True):
    """Conversations of ``turns`` turns whose refusal rate is their own, Beta with correlation ``icc``.

    ``once``: one count a conversation, at one turn; else every turn counts.
    """
    spread = (1 - icc) / icc
    for _ in range(ticks):
        conversations = per_tick if once else max(1, per_tick // turns)
        own = rng.beta(rate * spread, (1 - rate) * spread, (runs, conversations))
        trials = conversations * (1 if once else turns)
        yield rng.binomial(1 if once else turns, own).sum(axis=1), np.full(runs, trials)


def users(rng, rate, icc, runs, ticks, count=200, app_at=None, capped=True):
    """Zipf users, each with a rate of its own, who come and go; optionally one app that is launched.

    A tick is ten minutes. A user is on or off for two days on average. ``capped``: at most one count a
    user and tick, and ticks of fewer than ten users count nothing, so that nobody has over 10 %.
    """
    spread = (1 - icc) / icc
    own = rng.beta(rate * spread, (1 - rate) * spread, (runs, count))
    volume = 12.0 / np.arange(1, count + 1)
    here = rng.random((runs, count)) < 0.5
    if app_at is not None:
        here[:, 0] = False
        volume[0] = 40.0
    for tick in range(ticks):
        here ^= rng.random((runs, count)) < 1 / 288
        if app_at is not None:
            here[:, 0] = tick >= app_at
        if capped:
            asks = here & (rng.random((runs, count)) < -np.expm1(-volume))
            events, trials = (asks & (rng.random((runs, count)) < own)).sum(axis=1), asks.sum(axis=1)
            enough = trials >= 10
            yield events * enough, trials * enough
        else:
            asks = rng.poisson(volume * here)
            yield rng.binomial(asks, own).sum(axis=1), asks.sum(axis=1)


RATES = {".02 to .2": (0.02, 0.05, 0.10, 0.20), ".01 to .15": np.geomspace(0.01, 0.15, 60)}
"""Rates of the strata of a house."""


def strata_of_a_house(rng, months, strata=60, rates=RATES[".02 to .2"]):
    """``strata`` strata side by side for each month: (rates, trials a minute, reference trials), (months * strata,)."""
    rates = np.resize(rates, strata)
    per_tick = np.repeat([0.25, 1.0, 2.0, 4.0, 8.0, 20.0], -(-strata // 6))[:strata]
    reference = np.clip(per_tick * 7 * 1440, 2000, 20_000).astype(int)
    order = rng.permutation(strata)
    return np.tile(rates[order], months), np.tile(per_tick, months), np.tile(reference, months)
