"""The working part of the exact scan: strata of one block length, tested together.

The theorem stands in ``exact_scan.py``; here is how a closed block is tested. Counts are
(events or trials, due lengths, layers, strata). Three sieves, each passing on whatever the
next could still call an alarm:

1. chi-square, (sum k - sum E)^2 / sum Var over layers. It is never below the deviance of the same
   window, for one layer; for several it can be, by a factor of up to 1.5 in random tables, which
   ``LAYER_SLACK`` more than allows for. A margin only weakens evidence.
2. deviance within ``SCREEN_NATS`` of the threshold (exp(-deviance) is the tail but for
   a factor of at most some 3 nats).
3. the exact tail.

"Downwards" is "upwards" with window and reference exchanged.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors.stats.layered_tail import layered_exponent, log_upper_tail_of_sum
from detectors.stats.prefix_counts import PrefixCounts
from detectors.stats.windows import Plan

Reals = NDArray[np.float64]
Tests = tuple[NDArray[np.intp], ...]
"""Three index vectors: due length, channel, stratum."""

CHANNELS = ("G", "F")
G_SHARE = 0.7
SCREEN_NATS = 4.0
LAYER_SLACK = 0.6
CACHED = 16_384
"""Windows are sieved this many at a time, so that the arrays in between stay in the processor's cache."""


class Panel:
    """Strata that share ``plan``. Counts come and go as (strata, layers)."""

    EVIDENCE: ClassVar[dict[str, type | str]] = {
        "log_p_over_threshold": float,
        "log_p": float,
        "window_blocks": np.int64,
        "direction": np.int64,
        "channel": "U1",
        "changed_at": np.int64,
        "events": np.int64,
        "trials": np.int64,
    }

    def __init__(
        self,
        plan: Plan,
        reference_events: NDArray[Any],
        reference_trials: NDArray[Any],
        budgets: Reals,
        odds_margins: Reals,
        g_share: float,
    ) -> None:
        self.plan = plan
        self.strata, self.layers = reference_events.shape
        self._odds = odds_margins
        self._baseline = np.stack([reference_events.T, reference_trials.T]).astype(np.int64)
        self._log_budgets = np.log(budgets)
        shares = {"G": g_share, "F": 1 - g_share}
        self._channels = [channel for channel in CHANNELS if shares[channel] > 0]
        # -log of the part of a stratum's budget that one test of length i in channel c may spend.
        self._log_parts = np.array(
            [
                [np.log(2 * len(plan.lengths) * tests / shares[channel]) for channel in self._channels]
                for tests in plan.tests
            ]
        )
        shape = (2, self.layers, self.strata)
        self._counts = PrefixCounts(plan, shape)
        self._open = np.zeros(shape, np.int64)
        self._ticks_open = 0
        # Live counts before the change of a held stratum; -1 where G's reference is free.
        self._held = np.full(shape, -1, np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes of everything that grows with the strata."""
        arrays = (self._counts.kept, self._counts.total, self._baseline, self._open, self._held, self._log_budgets)
        return sum(array.nbytes for array in arrays)

    def update(self, events: NDArray[Any], trials: NDArray[Any]) -> NDArray[np.bool_]:
        """One tick; True where the block that it closes, if any, alarms."""
        self._open[0] += events.T.astype(np.int64)
        self._open[1] += trials.T.astype(np.int64)
        self._ticks_open += 1
        if self._ticks_open < self.plan.ticks_per_block:
            return np.zeros(self.strata, bool)
        self._counts.append(self._open)
        self._open[:], self._ticks_open = 0, 0
        return self._test()

    def _test(self) -> NDArray[np.bool_]:
        alarms = np.zeros(self.strata, bool)
        due = self._counts.due()
        if not due:
            return alarms
        window, before = self._split(due)
        tests, excess = self._within_reach(window, before, due)
        if not excess.size:
            return alarms
        # The most extreme test of a stratum usually decides; the others are computed where it does not.
        order = np.lexsort((-excess, tests[2]))
        first = order[np.unique(tests[2][order], return_index=True)[1]]
        rest = np.setdiff1d(order, first)
        for chosen in (first, rest):
            part = tuple(index[chosen] for index in tests)
            part = tuple(index[~alarms[part[2]]] for index in part)
            if part[2].size:
                log_p, _ = self._exact(window, before, part)
                alarms[part[2][log_p <= -self._needed(due, part)]] = True
        return alarms

    def _split(self, due: list[int]) -> tuple[Reals, Reals]:
        """Live counts within the windows that fall due, and those that G counts before them."""
        window = self._counts.windows(due).astype(float).swapaxes(0, 1)
        before = self._counts.total[:, None] - window
        if (self._held[1] >= 0).any():
            held = self._held[:, None]
            earlier = (held[1].sum(axis=1) >= 0) & (held[1].sum(axis=1) < before[1].sum(axis=1))
            before = np.where(earlier[None, :, None], held, before)
        return window, before

    def _needed(self, due: list[int], tests: Tests) -> Reals:
        """-log of the threshold of each test."""
        d, c, s = tests
        return np.asarray(self._log_parts[due][d, c] - self._log_budgets[s])

    def _within_reach(self, window: Reals, before: Reals, due: list[int]) -> tuple[Tests, Reals]:
        """The tests that sieves 1 and 2 let pass, and by how many nats their deviance exceeds what is needed."""
        passed = []
        slack = 1.0 if self.layers == 1 else LAYER_SLACK
        step = max(1, CACHED // (self.layers * self.strata))
        for c, channel in enumerate(self._channels):
            for start in range(0, len(due), step):
                part = slice(start, start + step)
                live = before[:, part] if channel == "G" else 0.0
                reference = np.asarray(self._baseline[:, None] + live, float)
                needed = self._log_parts[due[part], c][:, None] - self._log_budgets
                d, s = np.nonzero(_chi_square_reaches(window[:, part], reference, slack * (needed - SCREEN_NATS)))
                passed.append((d + start, np.full(d.shape, c), s))
        tests: Tests = tuple(np.concatenate(indices) for indices in zip(*passed, strict=True))
        k, n, big_k, big_n, _ = self._upwards(window, before, tests)
        excess = layered_exponent(k, n, big_k, big_n, self._odds[tests[2]]) - self._needed(due, tests)
        near = excess >= -SCREEN_NATS
        return tuple(index[near] for index in tests), excess[near]

    def _upwards(self, window: Reals, before: Reals, tests: Tests) -> tuple[Reals, Reals, Reals, Reals, NDArray[Any]]:
        """k, n, K, N as (tests, layers), exchanged where the rate went down; and the direction, 1 or -1."""
        d, c, s = tests
        in_g = (np.array(self._channels) == "G")[c]
        k, n = window[:, d, :, s].swapaxes(0, 1)
        live_k, live_n = before[:, d, :, s].swapaxes(0, 1) * in_g[:, None]
        big_k, big_n = self._baseline[0, :, s] + live_k, self._baseline[1, :, s] + live_n
        expected = n * (k + big_k) / np.maximum(n + big_n, 1)
        up = k.sum(axis=1) >= expected.sum(axis=1)
        u = up[:, None]
        exchanged = [np.where(u, a, b) for a, b in ((k, big_k), (n, big_n), (big_k, k), (big_n, n))]
        return exchanged[0], exchanged[1], exchanged[2], exchanged[3], np.where(up, 1, -1)

    def _exact(self, window: Reals, before: Reals, tests: Tests) -> tuple[Reals, NDArray[Any]]:
        k, n, big_k, big_n, direction = self._upwards(window, before, tests)
        return log_upper_tail_of_sum(k, n, big_k, big_n, self._odds[tests[2]]), direction

    def evidence(self) -> dict[str, NDArray[Any]]:
        """The window nearest to an alarm at the last closed block, named as in ``exact_scan.Evidence``."""
        found: dict[str, NDArray[Any]] = {name: np.zeros(self.strata, kind) for name, kind in self.EVIDENCE.items()}
        found["log_p_over_threshold"][:] = np.inf
        due = self._counts.due()
        if not due:
            return found
        window, before = self._split(due)
        shape = (len(due), len(self._channels), self.strata)
        tests: Tests = tuple(index.ravel() for index in np.indices(shape))
        k, n, big_k, big_n, _ = self._upwards(window, before, tests)
        excess = layered_exponent(k, n, big_k, big_n, self._odds[tests[2]]) - self._needed(due, tests)
        excess = excess.reshape(shape)
        # The exact minimum is among those whose deviance is within the sieve's error of the best.
        tests = np.nonzero(excess >= excess.max(axis=(0, 1)) - SCREEN_NATS)
        log_p, direction = self._exact(window, before, tests)
        log_ratio = log_p + self._needed(due, tests)
        order = np.lexsort((log_ratio, tests[2]))
        best = order[np.unique(tests[2][order], return_index=True)[1]]
        d, c, s = (index[best] for index in tests)
        blocks = np.array([self.plan.lengths[i] for i in due])[d]
        values = {
            "log_p_over_threshold": log_ratio[best],
            "log_p": log_p[best],
            "window_blocks": blocks,
            "direction": direction[best],
            "channel": np.array(self._channels)[c],
            "changed_at": (self._counts.blocks - blocks) * self.plan.ticks_per_block,
            "events": window[0, d, :, s].sum(axis=1),
            "trials": window[1, d, :, s].sum(axis=1),
        }
        for name, value in values.items():
            found[name][s] = value
        return found

    def hold(self, strata: NDArray[np.bool_]) -> None:
        """Freezes G's live reference of ``strata`` at the start of their evidence's window."""
        blocks = self.evidence()["window_blocks"]
        due = self._counts.due()
        windows = self._counts.windows(due).astype(np.int64)
        for s in np.flatnonzero(strata & (blocks > 0)):
            i = [self.plan.lengths[i] for i in due].index(blocks[s])
            self._held[:, :, s] = self._counts.total[:, :, s] - windows[i, :, :, s]

    def release(self, strata: NDArray[np.bool_]) -> None:
        """Undoes ``hold``."""
        self._held[:, :, strata] = -1

    def rebase(self, stratum: int, reference_events: NDArray[Any], reference_trials: NDArray[Any]) -> None:
        """A new baseline (layers,) for one stratum, whose live counts start from nothing.

        Windows that would reach back further hold what there is since: shorter windows, tested as often.
        """
        self._baseline[:, :, stratum] = reference_events, reference_trials
        self._counts.kept[..., stratum] = 0
        self._counts.total[..., stratum] = 0
        self._open[..., stratum] = 0
        self._held[..., stratum] = -1

    def state(self) -> dict[str, Any]:
        """JSON-able; see ``restore``."""
        return {
            "baseline": self._baseline.tolist(),
            "kept": self._counts.kept.tolist(),
            "total": self._counts.total.tolist(),
            "blocks": self._counts.blocks,
            "open": self._open.tolist(),
            "ticks_open": self._ticks_open,
            "held": self._held.tolist(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        self._baseline[:] = state["baseline"]
        self._counts.kept[:] = state["kept"]
        self._counts.total[:] = state["total"]
        self._counts.blocks = state["blocks"]
        self._open[:] = state["open"]
        self._ticks_open = state["ticks_open"]
        self._held[:] = state["held"]


def _chi_square_reaches(window: Reals, reference: Reals, needed: Reals) -> NDArray[np.bool_]:
    """Whether (sum k - sum E)^2 > needed * sum Var over layers; arrays (due, layers, strata), result (due, strata)."""
    k, n = window
    big_k, big_n = reference
    inverse = 1 / np.maximum(n + big_n, 1)
    share = (k + big_k) * inverse
    expected = n * share
    difference = k - expected
    share -= 1
    expected *= share
    inverse *= big_n
    expected *= inverse  # minus the variance
    squares = np.square(_over_layers(difference))
    return np.asarray(squares > -needed * _over_layers(expected))


def _over_layers(values: Reals) -> Reals:
    return values[:, 0] if values.shape[1] == 1 else np.asarray(values.sum(axis=1))
