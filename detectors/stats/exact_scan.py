"""The exact scan: has a rate moved from its reference, or within what has been seen of it?

Every window of the last w blocks (``windows.py``) is compared by Fisher's exact test with what
came before it, and the false-alarm budget is divided over all the tests that one period holds.
Two channels, upwards and downwards in each:

* G: reference = the baseline and all live data before the window. "It changed recently."
* F: reference = the baseline alone. "It is no longer like the baseline": a shift that was there
  at the start, or a creep so slow that G absorbs it.

A window of k events in n trials alarms when its one-sided p-value is at most
``budget of the stratum * share of the channel / (2 * lengths * tests of this length a period)``.
(``spending.py``: uneven shares, chosen beforehand, may stand in the place of 1 / lengths and of .7 and .3.)

Theorem. Given the traffic (every number of trials) and independent outcomes within a stratum: if
no live rate exceeds the reference rate, layer by layer (F upwards), respectively no rate in a
window exceeds any earlier one (G upwards), and mirrored downwards, then the probability of any
alarm of a stratum within the ``ticks_per_budget`` ticks after the start is at most its budget,
hence over all strata at most ``false_alarm_budget``, however the strata depend on one another.
Proof. At equal rates k given all events is hypergeometric, free of the rate, so each p-value is
super-uniform; at unequal rates inside the null k is stochastically smaller and the reference's
events larger, and the p-value is monotone in both. A union bound over lengths, tests, directions,
channels and strata does the rest. A later stretch of the same length can hold one test more of a
length, which adds at most 2.3 % to the budget (from 1,000 blocks up); there is no end of a
month at which anything starts afresh.

Assumes: one trial is one independent outcome; trials do not depend on outcomes; 0 or 1 a trial.
Breaks: several turns of one conversation counted, few users making most of the traffic, day-to-
day noise. Count a conversation once, cap users, and put the noise that remains into
``odds_margin``, which tests "more than this odds ratio away" instead of "different".

Speed: a window goes to the exact test only when its deviance comes within 4 nats of its
threshold; the deviance is computed only where the cheaper chi-square, which is never smaller, does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.stats.panel import Panel
from detectors.stats.parameters import ScanParameters, as_table
from detectors.stats.spending import EVEN, Spending
from detectors.stats.windows import LENGTHS_PER_OCTAVE, LENGTHS_PER_OCTAVE_LAYERED, plan, ticks_per_block


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of each stratum, the window nearest to an alarm at its last closed block; arrays (strata,).

    ``log_p_over_threshold`` <= 0 is an alarm; it is inf before the first block. ``direction`` is 1
    (rate up), -1 or 0 (nothing seen); ``channel`` "G", "F" or "". ``changed_at`` is the change
    estimate: the ticks seen before the window. ``p_value`` is one-sided, of that window alone.
    """

    log_p_over_threshold: NDArray[np.float64]
    log_p: NDArray[np.float64]
    window_blocks: NDArray[np.int64]
    direction: NDArray[np.int64]
    channel: NDArray[np.str_]
    changed_at: NDArray[np.int64]
    events: NDArray[np.int64]
    trials: NDArray[np.int64]


class ExactScan:
    """A drift alarm with a false-alarm budget, tick by tick, for ever.

    ``reference_events`` of ``reference_trials`` is the promoted baseline: scalars (one stratum), arrays
    (strata,), or (strata, layers), where a window is compared layer by layer (hours of the day,
    children of a parent; pad with 0 of 0). ``ticks_per_budget`` ticks may cost ``false_alarm_budget``,
    shared equally over the strata; an array (strata,) gives each its own. ``trials_per_tick``, planned,
    scalar or (strata,), fixes the block length only. ``odds_margin`` >= 1, scalar or (strata,), is the practical margin: a
    rate within this odds ratio of its reference is no drift. ``spending`` divides the budget over channels and
    window lengths: evenly, or with ``spending.FAVOURING``, which finds shifts of 2 to 10 points some 5 to 10 % sooner.

    State: about 8 bytes * 133 a stratum, or 8 * 57 a layer, whose window lengths are powers of 2. An update
    costs under 1 µs a stratum in wide arrays.

    >>> scan = ExactScan(25, 500, ticks_per_budget=2000, trials_per_tick=50)
    >>> [scan.update(events, 50) for events in (2, 5, 9, 16)]
    [False, False, False, True]
    >>> int(scan.evidence.changed_at[0]), int(scan.evidence.direction[0])
    (2, 1)
    """

    def __init__(
        self,
        reference_events: ArrayLike,
        reference_trials: ArrayLike,
        ticks_per_budget: int,
        trials_per_tick: ArrayLike,
        false_alarm_budget: ArrayLike = 0.01,
        odds_margin: ArrayLike = 1.0,
        spending: Spending = EVEN,
    ) -> None:
        # Copies: a caller may go on to use its arrays.
        self.parameters = ScanParameters(
            np.array(reference_events),
            np.array(reference_trials),
            int(ticks_per_budget),
            np.array(trials_per_tick),
            np.array(false_alarm_budget),
            np.array(odds_margin),
            spending,
        )
        self._scalar = self.parameters.is_scalar
        self.ticks = 0
        self.strata = self.parameters.strata
        self._panels = _panels(self.parameters)

    @classmethod
    def of(cls, parameters: ScanParameters) -> Self:
        """The scan that has ``parameters``."""
        return cls(*(getattr(parameters, name) for name in ScanParameters.__slots__))

    def update(self, events: ArrayLike, trials: ArrayLike) -> bool | NDArray[np.bool_]:
        """One tick: 0 <= events <= trials, whole numbers, in the reference's shape (or a scalar).

        True where a window that falls due now is past its threshold: bool for a scalar reference,
        else (strata,). After an alarm it goes on: the caller latches (``episode.py``).
        """
        shape = self._table_shape
        k = np.broadcast_to(as_table(np.asarray(events)), shape)
        n = np.broadcast_to(as_table(np.asarray(trials)), shape)
        self.ticks += 1
        alarms = np.zeros(self.strata, bool)
        for rows, panel in self._panels:
            alarms[rows] = panel.update(k[rows], n[rows])
        return bool(alarms[0]) if self._scalar else alarms

    @property
    def evidence(self) -> Evidence:
        """How near each stratum is to an alarm. Computed when asked for, exact."""
        found = {name: np.zeros(self.strata, kind) for name, kind in Panel.EVIDENCE.items()}
        for rows, panel in self._panels:
            for name, values in panel.evidence().items():
                found[name][rows] = values
        return Evidence(**found)

    def near(self, factor: float) -> NDArray[np.bool_]:
        """Whether a stratum's evidence is within ``factor`` (>= 1) of an alarm, (strata,): ``evidence`` says the same, and
        costs more.
        """
        if not factor >= 1:
            raise ValueError(f"need factor >= 1, got {factor}")
        found = np.zeros(self.strata, bool)
        for rows, panel in self._panels:
            found[rows] = panel.near(float(np.log(factor)))
        return found

    def hold(self, strata: ArrayLike) -> None:
        """Stops G's reference of ``strata`` (bool, (strata,)) where their likeliest window begins; they alarm no more.

        After an alarm, so that the changed data do not become what later data are compared with. That they are in
        alarm is known, so nothing is spent on testing them again; ``evidence`` goes on to say how far out they are.
        """
        chosen = np.broadcast_to(np.asarray(strata, bool), (self.strata,))
        for rows, panel in self._panels:
            if chosen[rows].any():
                panel.hold(chosen[rows])

    def release(self, strata: ArrayLike) -> None:
        """Lets G's reference of ``strata`` (bool, (strata,)) grow again, and tests them again."""
        chosen = np.broadcast_to(np.asarray(strata, bool), (self.strata,))
        for rows, panel in self._panels:
            panel.release(chosen[rows])

    def rebase(self, stratum: int, reference_events: ArrayLike, reference_trials: ArrayLike) -> None:
        """Gives one stratum a new baseline, scalars or (layers,), and forgets its live counts.

        The other strata go on. The block that is open stays in step with them.
        """
        events, trials = np.broadcast_arrays(*(np.atleast_1d(v) for v in (reference_events, reference_trials)))
        if np.any((events < 0) | (events > trials)) or trials.sum() < 1:
            raise ValueError(f"need 0 <= reference_events <= reference_trials, trials >= 1, got {events} of {trials}")
        for rows, panel in self._panels:
            for row in np.flatnonzero(rows == stratum):
                panel.rebase(int(row), events, trials)

    @property
    def bytes_per_stratum(self) -> float:
        """Of the state, all layers together."""
        return sum(panel.nbytes for _, panel in self._panels) / self.strata

    def to_json(self) -> str:
        """Parameters and state; ``from_json`` goes on as if nothing had happened."""
        panels = [panel.state() for _, panel in self._panels]
        return json.dumps({"parameters": self.parameters.to_dict(), "ticks": self.ticks, "panels": panels})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of ``to_json``."""
        saved = json.loads(text)
        scan = cls.of(ScanParameters.from_dict(saved["parameters"]))
        scan.ticks = saved["ticks"]
        for (_, panel), state in zip(scan._panels, saved["panels"], strict=True):  # noqa: SLF001 - its own
            panel.restore(state)
        return scan

    @property
    def _table_shape(self) -> tuple[int, int]:
        return (self.strata, self._panels[0][1].layers)


def _panels(parameters: ScanParameters) -> list[tuple[NDArray[np.intp], Panel]]:
    """Strata of one block length have their windows fall due together, and make up a panel; with their indices."""
    (events, trials), planned = parameters.reference, parameters.planned
    spending = parameters.spending
    per_octave = LENGTHS_PER_OCTAVE if events.shape[1] == 1 else LENGTHS_PER_OCTAVE_LAYERED
    blocks = np.array([ticks_per_block(rate, parameters.ticks_per_budget) for rate in planned])
    panels = []
    for block in np.unique(blocks):
        rows = np.flatnonzero(blocks == block)
        setup = plan(int(block), parameters.ticks_per_budget, per_octave)
        rates = planned[rows] if spending.favoured_trials else planned[rows[:1]]
        shares = np.stack([spending.of_lengths(setup, rate) for rate in rates], axis=1)
        budgets, margins = parameters.budgets[rows], parameters.margins[rows]
        panels.append((rows, Panel(setup, events[rows], trials[rows], budgets, margins, spending.g_share, shares)))
    return panels
