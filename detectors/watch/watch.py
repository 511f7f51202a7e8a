"""Phase II: closed ticks against a baseline, and what is said of each tested stratum.

Rules of this file
* The exact scan raises the alarm; nothing else spends the budget. An alarm opens an episode, and the scan's
  reference of that stratum stops growing where the change began.
* A verdict is ``out_of_control`` once the interval of the difference, counted from the estimated change on, excludes
  the floor (``Rules.floor_at``); until then, and where evidence is within a factor of 20 of an alarm, ``watch``.
* It stays ``out_of_control`` until an interval shows that the rate is back, or a person promotes a
  baseline. Then the stratum starts afresh against the same reference.
* Fewer than ``Rules.least_users`` equal users open no episode.
* A stratum of several layers (``OVERALL``, ``REST``) is compared at the live mix: its reference is what the baseline's
  rates would give there, so a mix that moves alone moves nothing.
* A model that the baseline does not know is judged by the baseline's only model, if it has only one: a new
  version must answer to the old one's behaviour until a person promotes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from detectors.records.baseline import Baseline
from detectors.records.verdict import Alarm, Verdict
from detectors.stats.multiplicity import budget_shares
from detectors.watch.open_tick import Series, TickCounts
from detectors.watch.rules import Rules
from detectors.watch.tested import Tested


class Watch:
    """``row(behaviour, stratum)`` is the row that a stratum's trials are counted in."""

    def __init__(self, baseline: Baseline, rules: Rules, row: Callable[[str, str], str]) -> None:
        self.baseline = baseline
        self.rules = rules
        self.suppressed = 0
        shares = budget_shares(rules.false_alarm_budget, [one.weight for one in baseline.references])
        shared = list(zip(baseline.references, shares.tolist(), strict=True))
        # A panel is as wide as its widest stratum: those of like widths go together.
        widths = sorted({(len(reference.layers) - 1).bit_length() for reference in baseline.references})
        kinds = ([pair for pair in shared if (len(pair[0].layers) - 1).bit_length() == width] for width in widths)
        self._panels = [Tested(pairs, baseline, rules, row) for pairs in kinds]

    @property
    def hypotheses(self) -> int:
        """How many strata share the budget."""
        return len(self.baseline.references)

    def judged_as(self, model: str) -> str | None:
        """The baseline's model that ``model`` is compared with; None where there is none."""
        models = self.baseline.models
        return model if model in models else models[0] if len(models) == 1 else None

    def tests(self, series: Series) -> bool:
        """Whether what is counted in this stratum is compared with anything."""
        behaviour, stratum, model = series
        judged = self.judged_as(model)
        if judged is None:
            return False
        return any(panel.places.knows((behaviour, stratum, judged)) for panel in self._panels)

    def update(self, index: int, counts: TickCounts) -> list[Verdict]:
        """One closed tick, in order; the verdicts whose state changed with it."""
        judged = self._as_judged(counts)
        changed = []
        for panel in self._panels:
            before = [track.state for track in panel.tracks]
            self.suppressed += panel.update(index, judged)
            moved = [at for at, state in enumerate(before) if panel.tracks[at].state != state]
            changed += panel.verdicts(moved, self.hypotheses)
        return changed

    def verdicts(self) -> list[Verdict]:
        """Of every tested stratum."""
        return [
            verdict
            for panel in self._panels
            for verdict in panel.verdicts(list(range(len(panel.tracks))), self.hypotheses)
        ]

    def alarm(self, verdict: Verdict) -> Alarm:
        """The alarm that a verdict is, with its exchanges: those in which the event happened where it became more frequent."""
        track = next(track for panel in self._panels for track in [panel.track_of(verdict.series)] if track)
        examples = track.events if verdict.difference >= 0 else track.others
        name = f"{verdict.baseline_id} {verdict.series} {track.changed_at}"
        return Alarm(hashlib.sha256(name.encode()).hexdigest()[:12], verdict, tuple(examples))

    def state(self) -> dict[str, Any]:
        """JSON-able; see ``restore``."""
        return {"panels": [panel.state() for panel in self._panels], "suppressed": self.suppressed}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``, of a watch with the same baseline and rules."""
        self.suppressed = state["suppressed"]
        for panel, saved in zip(self._panels, state["panels"], strict=True):
            panel.restore(saved)

    def _as_judged(self, counts: TickCounts) -> TickCounts:
        found = TickCounts()
        for row, trials in counts.trials.items():
            judged = self.judged_as(row[2])
            if judged is not None:
                as_row = (row[0], row[1], judged)
                found.trials[as_row] = found.trials.get(as_row, 0) + trials
                found.users.setdefault(as_row, []).extend(counts.users[row])
        for series, events in counts.events.items():
            judged = self.judged_as(series[2])
            if judged is not None:
                as_series = (series[0], series[1], judged)
                found.events[as_series] = found.events.get(as_series, 0) + events
        for kept, shown in ((found.happened, counts.happened), (found.others, counts.others)):
            for series, examples in shown.items():
                judged = self.judged_as(series[2])
                if judged is not None:
                    kept.setdefault((series[0], series[1], judged), []).extend(examples)
        return found
