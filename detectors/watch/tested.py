"""Strata that are tested together: their scan, and from its alarms to the state of each.

The rules stand in ``watch.py``. Counts are (strata, layers, 2), events and trials; a stratum of one layer is
compared with itself, one of several at the live mix of its layers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.records.baseline import Baseline, Reference
from detectors.records.verdict import State, Verdict
from detectors.stats.confidence_sequence import confidence_sequence, difference_from_reference
from detectors.stats.episode import Episode
from detectors.stats.exact_scan import ExactScan
from detectors.stats.localise import localise
from detectors.stats.multiplicity import e_value_of
from detectors.stats.power import undetectable
from detectors.stats.spending import FAVOURING
from detectors.stats.standardise import decompose
from detectors.watch.explanation import explained
from detectors.watch.open_tick import Series, TickCounts
from detectors.watch.places import Places
from detectors.watch.ring import Counts, TickRing
from detectors.watch.rules import Rules
from detectors.watch.track import Track

ALPHA = 0.05
"""Of every interval that is shown."""
WATCH_FACTOR = 20.0
WARM_TRIALS = 50
RECOVERED_S = 86400.0
DAY_S = 86400.0


class Tested:
    """``shared`` are references, all of one layer or all of several, with their parts of the budget; ``row`` as in ``Places``."""

    def __init__(
        self,
        shared: list[tuple[Reference, float]],
        baseline: Baseline,
        rules: Rules,
        row: Callable[[str, str], str],
    ) -> None:
        self.references = [reference for reference, _ in shared]
        self._baseline = baseline
        self._baseline_id = baseline.id
        self._rules = rules
        self._ticks = 0
        layers = max(len(reference.layers) for reference in self.references)
        self._reference = np.zeros((len(self.references), layers, 2), np.int64)
        for at, reference in enumerate(self.references):
            for layer, part in enumerate(reference.layers):
                self._reference[at, layer] = part.events, part.trials
        self.places = Places(self.references, row)
        planned = [one.trials / baseline.ticks * rules.tick_s / baseline.tick_s for one in self.references]
        self._scan = ExactScan(
            self._reference[..., 0],
            self._reference[..., 1],
            rules.ticks_per_period,
            planned,
            np.array([share for _, share in shared]),
            np.array([reference.odds_margin for reference in self.references]),
            FAVOURING,
        )
        self.tracks = [Track(Episode(one.events, one.trials, self._margin(one), ALPHA)) for one in self.references]
        self._ring = TickRing(len(self.references), layers)
        self._near: NDArray[np.bool_] = np.zeros(len(self.references), bool)
        self._weighed = True  # whether what follows is the latest evidence
        self._nearness: NDArray[np.float64] = np.full(len(self.references), np.inf)
        self._log_p: NDArray[np.float64] = np.zeros(len(self.references))

    def _margin(self, reference: Reference) -> float:
        """Within it a rate is back: the floor, or what this reference can tell at all."""
        rate = (reference.events + 0.5) / (reference.trials + 1)
        return min(0.99, max(self._rules.floor_at(rate), 4 * float(np.sqrt(rate * (1 - rate) / reference.trials))))

    def track_of(self, series: Series) -> Track | None:
        """The track of a tested stratum."""
        return next((t for t, one in zip(self.tracks, self.references, strict=True) if one.series == series), None)

    def update(self, index: int, counts: TickCounts) -> int:
        """One tick; how many alarms were not raised for want of users."""
        tick: Counts = np.zeros_like(self._reference)
        for row, trials in counts.trials.items():
            for at, layer in self.places.of_row(row):
                tick[at, layer, 1] += trials
                for user in counts.users[row]:
                    self.tracks[at].users.add(user)
        for series, events in counts.events.items():
            for at, layer in self.places.of_event(series):
                tick[at, layer, 0] += events
        self._show(counts)
        self._ring.append(index, tick)
        self._ticks += 1
        if self._ticks % max(1, round(DAY_S / self._rules.tick_s)) == 0:
            for track in self.tracks:
                track.users.fade()
        alarms = np.atleast_1d(self._scan.update(tick[..., 0], tick[..., 1]))
        if alarms.any() or self._ticks % self._rules.evidence_ticks == 0:
            self._near = self._scan.near(WATCH_FACTOR)
            self._weighed = False
        suppressed = 0
        for at, track in enumerate(self.tracks):
            track.trials += int(tick[at, :, 1].sum())
            if track.episode.state == "out_of_control":
                self._go_on(at, track, tick[at], index)
            elif alarms[at]:
                if track.users.effective >= self._rules.least_users:
                    self._begin(at, track)
                else:
                    suppressed += 1
            track.state = self._state_of(at, track, index)
        return suppressed

    def _show(self, counts: TickCounts) -> None:
        for series, examples in counts.happened.items():
            for at, _ in self.places.of_event(series):
                self.tracks[at].events.extend(examples)
        for row, examples in counts.others.items():
            for at, _ in self.places.of_row(row):
                self.tracks[at].others.extend(examples)

    def _begin(self, at: int, track: Track) -> None:
        recent = self._ring.of(at)
        summed = recent.sum(axis=1)
        change = localise(summed[:, 0], summed[:, 1], *self._pooled(at, recent.sum(axis=0)))
        start = change.at if change else 0
        track.changed_at = int(self._ring.indices()[start])
        track.since = recent[start:].sum(axis=0).tolist()
        track.episode.alarm(track.changed_at)
        track.confirmed = self._exceeds_floor(at, track)
        self._scan.hold(np.arange(len(self.tracks)) == at)

    def _go_on(self, at: int, track: Track, tick: Counts, index: int) -> None:
        since = np.array(track.since) + tick
        track.since = since.tolist()
        if not tick[:, 1].any():
            return
        track.confirmed = track.confirmed or self._exceeds_floor(at, track)
        track.episode.reference_events = round(self._pooled(at, since)[0])
        track.episode.update(int(tick[:, 0].sum()), int(tick[:, 1].sum()))
        if track.episode.state == "recovered":
            # A scan that went on would find the way back as a change of its own, and the bad stretch in every long window.
            self._scan.rebase(at, self._reference[at, :, 0], self._reference[at, :, 1])
            self._ring.forget(at)
            track.confirmed, track.recovered_at = False, index

    def _pooled(self, at: int, live: Counts) -> tuple[float, int]:
        """(events, trials) of the reference at the mix of ``live`` (layers, 2)."""
        events, trials = self._reference[at, :, 0], self._reference[at, :, 1]
        total, n = int(trials.sum()), live[:, 1].sum()
        if len(trials) == 1 or n == 0:
            return float(events.sum()), total
        rates = events / np.maximum(trials, 1)
        return float(total * (live[:, 1] @ rates) / n), total

    def _difference(self, at: int, live: Counts) -> tuple[float, float]:
        """The interval of live minus reference rate."""
        reference_events, reference_trials = self._pooled(at, live)
        k, n = live.sum(axis=0)
        low, high = difference_from_reference(k, n, round(reference_events), reference_trials, ALPHA)
        return float(low), float(high)

    def _exceeds_floor(self, at: int, track: Track) -> bool:
        live = np.array(track.since)
        low, high = self._difference(at, live)
        floor = self._rules.floor_at(self._pooled(at, live)[0] / self.references[at].trials)
        return low > floor or high < -floor

    def _state_of(self, at: int, track: Track, index: int) -> State:
        reference = self.references[at]
        if track.episode.state == "out_of_control":
            return "out_of_control" if track.confirmed else "watch"
        if undetectable(reference.events, reference.trials, self._rules.floor_at(reference.rate)):
            return "undetectable"
        if track.trials < WARM_TRIALS:
            return "warming_up"
        if track.users.effective < self._rules.least_users:
            return "too_few_users"
        if self._near[at]:
            return "watch"
        if track.recovered_at is not None and (index - track.recovered_at) * self._rules.tick_s < RECOVERED_S:
            return "recovered"
        return "in_control"

    def verdicts(self, chosen: list[int], hypotheses: int) -> list[Verdict]:
        """Of the strata ``chosen``, as they are now."""
        if not chosen:
            return []
        if not self._weighed:
            self._weigh()
        recent = self._ring.total()
        indices = self._ring.indices()
        at_s = (int(indices[-1]) + 1) * self._rules.tick_s if len(indices) else self._baseline.promoted_at_s
        lives = [self._live(at, recent[at]) for at in chosen]
        intervals = self._intervals(chosen, lives)
        return [
            self._verdict(at, live, at_s, hypotheses, *its)
            for at, live, its in zip(chosen, lives, intervals, strict=True)
        ]

    def _live(self, at: int, recent: Counts) -> Counts:
        """What a verdict rests on: the time since the change where there is one, else the recent past."""
        track = self.tracks[at]
        return np.array(track.since) if track.episode.state == "out_of_control" else recent

    def _intervals(
        self, chosen: list[int], lives: list[Counts]
    ) -> list[tuple[tuple[float, float], tuple[float, float]]]:
        """Of each: the interval of the difference, and that of the live rate. Bisections, so all of them at once."""
        k, n = np.array([live.sum(axis=0) for live in lives]).T
        pooled = [self._pooled(at, live) for at, live in zip(chosen, lives, strict=True)]
        low, high = difference_from_reference(
            k, n, [round(events) for events, _ in pooled], [of for _, of in pooled], ALPHA
        )
        own_low, own_high = confidence_sequence(k, n, ALPHA)
        return [((float(low[i]), float(high[i])), (float(own_low[i]), float(own_high[i]))) for i in range(len(chosen))]

    def _verdict(
        self,
        at: int,
        live: Counts,
        at_s: float,
        hypotheses: int,
        difference: tuple[float, float],
        own: tuple[float, float],
    ) -> Verdict:
        track, reference = self.tracks[at], self.references[at]
        in_episode = track.episode.state == "out_of_control"
        low, high = difference
        k, n = (int(count) for count in live.sum(axis=0))
        expected = self._pooled(at, live)[0] / reference.trials
        estimate = k / n if n else float("nan")
        mix = None
        if n and len(reference.layers) > 1:
            whole = decompose(live[:, 0], live[:, 1], self._reference[at, :, 0], self._reference[at, :, 1])
            # The interval is that at the live mix; it is moved to the rate at the baseline's.
            moved = whole.behaviour - (estimate - expected)
            low, high, estimate, expected = low + moved, high + moved, whole.standardised, whole.crude_reference
            mix = whole.mix
        changed_at_s = track.changed_at * self._rules.tick_s if in_episode and track.changed_at is not None else None
        log_p, over = float(self._log_p[at]), float(self._nearness[at])
        known = np.isfinite(over)
        verdict = Verdict(
            behaviour=reference.behaviour,
            stratum=reference.stratum,
            model=reference.model,
            state=track.state,
            at_s=at_s,
            explanation="",
            e_value=float(e_value_of(log_p)) if known else float("nan"),
            decision_interval=float(e_value_of(log_p - over)) if known else float("nan"),
            estimate=estimate,
            reference=expected,
            difference=estimate - expected,
            interval_low=low,
            interval_high=high,
            n_reference=reference.trials,
            n_current=n,
            users=track.users.effective,
            changed_at_s=changed_at_s,
            baseline_id=self._baseline_id,
        )
        text = explained(verdict, self._rules, hypotheses, own, mix)
        return dataclasses.replace(verdict, explanation=text)

    def state(self) -> dict[str, Any]:
        """JSON-able; see ``restore``."""
        return {
            "scan": self._scan.to_json(),
            "ring": self._ring.state(),
            "tracks": [track.to_dict() for track in self.tracks],
            "ticks": self._ticks,
            "near": self._near.tolist(),
            "weighed": self._weighed,
            "nearness": self._nearness.tolist(),
            "log_p": self._log_p.tolist(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        self._scan = ExactScan.from_json(state["scan"])
        self._ring.restore(state["ring"])
        self.tracks = [Track.from_dict(raw) for raw in state["tracks"]]
        self._ticks = state["ticks"]
        self._near, self._weighed = np.array(state["near"], bool), state["weighed"]
        self._nearness, self._log_p = (np.array(state[name], float) for name in ("nearness", "log_p"))

    def _weigh(self) -> None:
        evidence = self._scan.evidence
        self._weighed = True
        self._nearness, self._log_p = evidence.log_p_over_threshold, evidence.log_p
