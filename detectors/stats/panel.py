"""The working part of the exact scan: strata of one block length, tested together.

The theorem stands in ``exact_scan.py``; here is how a closed block is tested. Counts are
(events or trials, due lengths, layers, strata). Three sieves, each passing on whatever the
next could still call an alarm:

1. chi-square, (sum k - sum E)^2 / sum Var over layers. It is never below the deviance of the same
   window, for one layer; for several it can be, by a factor of up to 1.5 in random tables, which
   ``LAYER_SLACK`` more than allows for. A margin only weakens evidence.
2. deviance within ``SCREEN_NATS`` of the threshold (exp(-deviance) is the tail but for
   a factor of at most some 3 nats); with layers, a bound on it.
3. the exact tail; with layers, a bound on it where that is past the threshold already.

"Downwards" is "upwards" with window and reference exchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors.stats.chi_square import chi_square
from detectors.stats.layered_tail import layered_exponent, layered_exponent_bound, log_upper_tail_of_sum
from detectors.stats.prefix_counts import PrefixCounts
from detectors.stats.windows import Plan

Reals = NDArray[np.float64]
Tests = tuple[NDArray[np.intp], ...]
"""Three index vectors: due length, channel, stratum."""

FourCounts = tuple[Reals, Reals, Reals, Reals]

CHANNELS = ("G", "F")
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
        length_shares: Reals,
    ) -> None:
        self.plan = plan
        self.strata, self.layers = reference_events.shape
        self._odds = odds_margins
        self._baseline = np.stack([reference_events.T, reference_trials.T]).astype(np.int64)
        self._log_budgets = np.log(budgets)
        shares = {"G": g_share, "F": 1 - g_share}
        self._channels = [channel for channel in CHANNELS if shares[channel] > 0]
        # -log of the part of its length's share that one test of length i in channel c may spend.
        self._log_parts = np.array(
            [[np.log(2 * tests / shares[channel]) for channel in self._channels] for tests in plan.tests]
        )
        # (lengths, strata); takes no room where it is the same for all strata.
        self._log_shares = np.broadcast_to(np.log(length_shares), (len(plan.lengths), self.strata))
        shape = (2, self.layers, self.strata)
        self._counts = PrefixCounts(plan, shape)
        self._open = np.zeros(shape, np.int64)
        self._ticks_open = 0
        # Live counts before the change of a held stratum; -1 where G's reference is free.
        self._held = np.full(shape, -1, np.int64)
        self._evidence: dict[str, NDArray[Any]] | None = None  # as long as it holds

    @property
    def nbytes(self) -> int:
        """Bytes of everything that grows with the strata."""
        arrays = (self._counts.kept, self._counts.total, self._baseline, self._open, self._held, self._log_budgets)
        own_shares = 0 if self._log_shares.strides[1] == 0 else self._log_shares.nbytes
        return sum(array.nbytes for array in arrays) + own_shares

    def update(self, events: NDArray[Any], trials: NDArray[Any]) -> NDArray[np.bool_]:
        """One tick; True where the block that it closes, if any, alarms."""
        self._open[0] += events.T.astype(np.int64)
        self._open[1] += trials.T.astype(np.int64)
        self._ticks_open += 1
        if self._ticks_open < self.plan.ticks_per_block:
            return np.zeros(self.strata, bool)
        self._counts.append(self._open)
        self._open[:], self._ticks_open = 0, 0
        self._evidence = None
        return self._test()

    def _test(self) -> NDArray[np.bool_]:
        alarms = np.zeros(self.strata, bool)
        due = self._counts.due()
        if not due:
            return alarms
        window, before = self._split(due)
        tests, excess = self._sieved(window, before, due)
        free = ~self._is_held[tests[2]]
        tests, excess = _part(tests, free), excess[free]
        # The most extreme test of a stratum usually decides; the others are looked at where it does not.
        order = np.lexsort((-excess, tests[2]))
        extreme = np.zeros(order.size, bool)
        extreme[order[np.unique(tests[2][order], return_index=True)[1]]] = True
        for chosen in (extreme, ~extreme):
            undecided = chosen & ~alarms[tests[2]]
            part = _part(tests, undecided)
            needed, odds = self._needed(due, part), self._odds[part[2]]
            (k, n, big_k, big_n), _ = self._upwards(window, before, part)
            near = self._exponent_at_most(k, n, big_k, big_n, odds) >= needed - SCREEN_NATS
            if near.any():
                log_p = log_upper_tail_of_sum(k[near], n[near], big_k[near], big_n[near], odds[near], -needed[near])
                alarms[part[2][near][log_p <= -needed[near]]] = True
        return alarms

    @property
    def _is_held(self) -> NDArray[np.bool_]:
        return np.asarray(self._held[1, 0] >= 0)

    @property
    def _exponent_at_most(self) -> Callable[[Reals, Reals, Reals, Reals, Reals], Reals]:
        """With layers the exponent itself costs as much as the exact tail."""
        return layered_exponent if self.layers == 1 else layered_exponent_bound

    def _split(self, due: list[int]) -> tuple[Reals, Reals]:
        """Live counts within the windows that fall due, and those that G counts before them."""
        window = self._counts.windows(due).astype(float).swapaxes(0, 1)
        before = self._counts.total[:, None] - window
        if self._is_held.any():
            held = self._held[:, None]
            earlier = (held[1].sum(axis=1) >= 0) & (held[1].sum(axis=1) < before[1].sum(axis=1))
            before = np.where(earlier[None, :, None], held, before)
        return window, before

    def _needed(self, due: list[int], tests: Tests) -> Reals:
        """-log of the threshold of each test."""
        d, c, s = tests
        lengths = np.array(due)[d]
        return np.asarray(self._log_parts[lengths, c] - self._log_shares[lengths, s] - self._log_budgets[s])

    def _sieved(self, window: Reals, before: Reals, due: list[int], within: float = 0.0) -> tuple[Tests, Reals]:
        """The tests that sieve 1 lets pass, ``within`` nats of their thresholds, and by how much their chi-square exceeds it."""
        passed = []
        slack = 1.0 if self.layers == 1 else LAYER_SLACK
        step = max(1, CACHED // (self.layers * self.strata))
        for c, channel in enumerate(self._channels):
            for start in range(0, len(due), step):
                part = slice(start, start + step)
                live = before[:, part] if channel == "G" else 0.0
                reference = np.asarray(self._baseline[:, None] + live, float)
                needed = self._log_parts[due[part], c][:, None] - self._log_shares[due[part]] - self._log_budgets
                excess = chi_square(window[:, part], reference) - slack * (needed - within - SCREEN_NATS)
                d, s = np.nonzero(excess > 0)
                passed.append((d + start, np.full(d.shape, c), s, excess[d, s]))
        d, c_of, s, excess = (np.concatenate(indices) for indices in zip(*passed, strict=True))
        return (d, c_of, s), excess

    def _upwards(self, window: Reals, before: Reals, tests: Tests) -> tuple[FourCounts, NDArray[Any]]:
        """(k, n, K, N), each (tests, layers), exchanged where the rate went down; and the direction, 1 or -1."""
        d, c, s = tests
        in_g = (np.array(self._channels) == "G")[c]
        k, n = window[:, d, :, s].swapaxes(0, 1)
        live_k, live_n = before[:, d, :, s].swapaxes(0, 1) * in_g[:, None]
        big_k, big_n = self._baseline[0, :, s] + live_k, self._baseline[1, :, s] + live_n
        expected = n * (k + big_k) / np.maximum(n + big_n, 1)
        up = k.sum(axis=1) >= expected.sum(axis=1)
        u = up[:, None]
        exchanged = (np.where(u, k, big_k), np.where(u, n, big_n), np.where(u, big_k, k), np.where(u, big_n, n))
        return exchanged, np.where(up, 1, -1)

    def evidence(self) -> dict[str, NDArray[Any]]:
        """The window nearest to an alarm at the last closed block, named as in ``exact_scan.Evidence``. Not to be changed."""
        if self._evidence is None:
            self._evidence = self._weighed(np.arange(self.strata))
        return self._evidence

    def near(self, within: float) -> NDArray[np.bool_]:
        """Whether ``log_p_over_threshold`` is at most ``within`` (nats, >= 0). Costs little where no stratum's is."""
        if self._evidence is None:
            due = self._counts.due()
            if not due:
                return np.zeros(self.strata, bool)
            tests, _ = self._sieved(*self._split(due), due, within)
            strata = np.unique(tests[2])
            if not strata.size:
                return np.zeros(self.strata, bool)
            return np.asarray(self._weighed(strata)["log_p_over_threshold"] <= within)
        return np.asarray(self._evidence["log_p_over_threshold"] <= within)

    def _weighed(self, strata: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        found: dict[str, NDArray[Any]] = {name: np.zeros(self.strata, kind) for name, kind in self.EVIDENCE.items()}
        found["log_p_over_threshold"][:] = np.inf
        due = self._counts.due()
        if not due:
            return found
        window, before = self._split(due)
        tests, excess = self._all_tests(window, before, due, strata)
        likeliest = _part(tests, excess.argmax(axis=0) * strata.size + np.arange(strata.size))
        # What the likeliest test of a stratum comes to in truth is what the others have to come near to.
        best = excess.max(axis=0)
        if self.layers > 1:
            counts, _ = self._upwards(window, before, likeliest)
            best = layered_exponent(*counts, self._odds[strata]) - self._needed(due, likeliest)
        # The exact minimum is among those whose deviance is within the sieve's error of the best.
        tests = _part(tests, np.flatnonzero(excess >= best - SCREEN_NATS))
        counts, direction = self._upwards(window, before, tests)
        log_p = log_upper_tail_of_sum(*counts, self._odds[tests[2]])
        log_ratio = log_p + self._needed(due, tests)
        order = np.lexsort((log_ratio, tests[2]))
        nearest = order[np.unique(tests[2][order], return_index=True)[1]]
        d, c, s = _part(tests, nearest)
        blocks = np.array([self.plan.lengths[i] for i in due])[d]
        values = {
            "log_p_over_threshold": log_ratio[nearest],
            "log_p": log_p[nearest],
            "window_blocks": blocks,
            "direction": direction[nearest],
            "channel": np.array(self._channels)[c],
            "changed_at": (self._counts.blocks - blocks) * self.plan.ticks_per_block,
            "events": window[0, d, :, s].sum(axis=1),
            "trials": window[1, d, :, s].sum(axis=1),
        }
        for name, value in values.items():
            found[name][s] = value
        return found

    def _all_tests(self, window: Reals, before: Reals, due: list[int], strata: NDArray[np.intp]) -> tuple[Tests, Reals]:
        """Every test of ``strata``, and by how much its exponent, or a bound on it, exceeds what is needed, (tests, strata)."""
        d, c, s = (index.ravel() for index in np.indices((len(due), len(self._channels), strata.size)))
        tests: Tests = (d, c, strata[s])
        counts, _ = self._upwards(window, before, tests)
        excess = self._exponent_at_most(*counts, self._odds[tests[2]]) - self._needed(due, tests)
        return tests, excess.reshape(-1, strata.size)

    def hold(self, strata: NDArray[np.bool_]) -> None:
        """Freezes G's live reference of ``strata`` at the start of their likeliest window, and tests them no more."""
        due, chosen = self._counts.due(), np.flatnonzero(strata)
        if not due or not chosen.size:
            return
        self._evidence = None
        window, before = self._split(due)
        tests, excess = self._all_tests(window, before, due, chosen)
        nearest = tests[0].reshape(excess.shape)[excess.argmax(axis=0), np.arange(chosen.size)]
        live = window[:, nearest, :, chosen].astype(np.int64)
        self._held[:, :, chosen] = self._counts.total[:, :, chosen] - live.transpose(1, 2, 0)

    def release(self, strata: NDArray[np.bool_]) -> None:
        """Undoes ``hold``."""
        self._evidence = None
        self._held[:, :, strata] = -1

    def rebase(self, stratum: int, reference_events: NDArray[Any], reference_trials: NDArray[Any]) -> None:
        """A new baseline (layers,) for one stratum, whose live counts start from nothing.

        Windows that would reach back further hold what there is since: shorter windows, tested as often.
        """
        self._evidence = None
        self._baseline[:, :, stratum] = reference_events, reference_trials
        self._counts.forget(stratum)
        self._open[..., stratum] = 0
        self._held[..., stratum] = -1

    def state(self) -> dict[str, Any]:
        """JSON-able; see ``restore``."""
        return {
            "baseline": self._baseline.tolist(),
            "counts": self._counts.state(),
            "open": self._open.tolist(),
            "ticks_open": self._ticks_open,
            "held": self._held.tolist(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        self._evidence = None
        self._baseline[:] = state["baseline"]
        self._counts.restore(state["counts"])
        self._open[:] = state["open"]
        self._ticks_open = state["ticks_open"]
        self._held[:] = state["held"]


def _part(tests: Tests, chosen: NDArray[Any]) -> Tests:
    return tuple(index[chosen] for index in tests)
