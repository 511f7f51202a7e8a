"""The working part of the exact scan: strata of one block length, tested together.

The theorem stands in ``exact_scan.py``; here is how a closed block is tested. Every array of
windows is (due lengths, channels, layers, strata). Three sieves, each passing on whatever the
next could still call an alarm:

1. chi-square, stratified by layer: (sum k - sum E)^2 / sum Var >= the deviance of the same
   window, and a margin only weakens evidence.
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
Tests = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]

CHANNELS = ("G", "F")
G_SHARE = 0.7
SCREEN_NATS = 4.0


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
        odds_margin: float,
        g_share: float,
    ) -> None:
        self.plan = plan
        self.strata, self.layers = reference_events.shape
        self._odds = odds_margin
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
        window, reference = self._compared(due)
        needed = self._log_parts[due][:, :, None] - self._log_budgets
        tests, excess = self._within_reach(window, reference, needed)
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
                log_p, _ = self._exact(window, reference, part)
                alarms[part[2][log_p <= -needed[part]]] = True
        return alarms

    def _compared(self, due: list[int]) -> tuple[Reals, Reals]:
        """Counts of the windows (2, due, 1, layers, strata) and of their references (2, due, channels, ...)."""
        counts = self._counts.windows(due).astype(float).swapaxes(0, 1)
        references = []
        for channel in self._channels:
            if channel == "F":
                references.append(np.broadcast_to(self._baseline[:, None], counts.shape))
                continue
            before = self._counts.total[:, None] - counts
            if (self._held[1] >= 0).any():
                held = self._held[:, None]
                earlier = (held[1].sum(axis=1) >= 0) & (held[1].sum(axis=1) < before[1].sum(axis=1))
                before = np.where(earlier[None, :, None], held, before)
            references.append(self._baseline[:, None] + before)
        return counts[:, :, None], np.stack(references, axis=2)

    def _within_reach(self, window: Reals, reference: Reals, needed: Reals) -> tuple[Tests, Reals]:
        """The tests that sieves 1 and 2 let pass, and by how many nats their deviance exceeds ``needed``."""
        difference, variance = _chi_square_parts(window, reference)
        tests = np.nonzero(difference * difference > (needed - SCREEN_NATS) * variance)
        k, n, big_k, big_n, _ = self._upwards(window, reference, tests)
        excess = layered_exponent(k, n, big_k, big_n, self._odds) - needed[tests]
        near = excess >= -SCREEN_NATS
        d, c, s = (index[near] for index in tests)
        return (d, c, s), excess[near]

    def _upwards(
        self, window: Reals, reference: Reals, tests: Tests
    ) -> tuple[Reals, Reals, Reals, Reals, NDArray[Any]]:
        """k, n, K, N as (tests, layers), exchanged where the rate went down; and the direction, 1 or -1."""
        d, c, s = tests
        k, n = window[:, d, 0, :, s].swapaxes(0, 1)
        big_k, big_n = reference[:, d, c, :, s].swapaxes(0, 1)
        expected = n * (k + big_k) / np.maximum(n + big_n, 1)
        up = k.sum(axis=1) >= expected.sum(axis=1)
        u = up[:, None]
        exchanged = [np.where(u, a, b) for a, b in ((k, big_k), (n, big_n), (big_k, k), (big_n, n))]
        return exchanged[0], exchanged[1], exchanged[2], exchanged[3], np.where(up, 1, -1)

    def _exact(self, window: Reals, reference: Reals, tests: Tests) -> tuple[Reals, NDArray[Any]]:
        k, n, big_k, big_n, direction = self._upwards(window, reference, tests)
        return log_upper_tail_of_sum(k, n, big_k, big_n, self._odds), direction

    def evidence(self) -> dict[str, NDArray[Any]]:
        """The window nearest to an alarm at the last closed block, named as in ``exact_scan.Evidence``."""
        found: dict[str, NDArray[Any]] = {name: np.zeros(self.strata, kind) for name, kind in self.EVIDENCE.items()}
        found["log_p_over_threshold"][:] = np.inf
        due = self._counts.due()
        if not due:
            return found
        window, reference = self._compared(due)
        needed = self._log_parts[due][:, :, None] - self._log_budgets
        shape = needed.shape
        tests: Any = tuple(index.ravel() for index in np.indices(shape))
        k, n, big_k, big_n, _ = self._upwards(window, reference, tests)
        excess = (layered_exponent(k, n, big_k, big_n, self._odds) - needed[tests]).reshape(shape)
        # The exact minimum is among those whose deviance is within the sieve's error of the best.
        tests = np.nonzero(excess >= excess.max(axis=(0, 1)) - SCREEN_NATS)
        log_p, direction = self._exact(window, reference, tests)
        log_ratio = log_p + needed[tests]
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
            "events": window[0, d, 0, :, s].sum(axis=1),
            "trials": window[1, d, 0, :, s].sum(axis=1),
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

    def state(self) -> dict[str, Any]:
        """JSON-able; see ``restore``."""
        return {
            "kept": self._counts.kept.tolist(),
            "total": self._counts.total.tolist(),
            "blocks": self._counts.blocks,
            "open": self._open.tolist(),
            "ticks_open": self._ticks_open,
            "held": self._held.tolist(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        self._counts.kept[:] = state["kept"]
        self._counts.total[:] = state["total"]
        self._counts.blocks = state["blocks"]
        self._open[:] = state["open"]
        self._ticks_open = state["ticks_open"]
        self._held[:] = state["held"]


def _chi_square_parts(window: Reals, reference: Reals) -> tuple[Reals, Reals]:
    """Observed minus expected events and their variance, summed over layers: (due, channels, strata)."""
    k, n = window
    big_k, big_n = reference
    inverse = 1 / np.maximum(n + big_n, 1)
    share = (k + big_k) * inverse
    expected = n * share
    variance = expected * (1 - share) * (big_n * inverse)
    return _over_layers(k - expected), _over_layers(variance)


def _over_layers(values: Reals) -> Reals:
    return values[:, :, 0] if values.shape[2] == 1 else np.asarray(values.sum(axis=2))
