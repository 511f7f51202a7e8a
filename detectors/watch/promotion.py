"""From what was learned to a baseline: which strata are tested, with what margin and what part of the budget.

* A stratum needs some 50 p (1 - p) / floor^2 trials to show a change of ``Rules.floor`` as soon as
  possible. One that has less than a tenth of that is folded into the rest of its behaviour, where the small ones
  are layers of one test; so are those past the number of strata allowed, which are shared out over
  behaviours in turn, largest strata first.
* A behaviour of two or more strata is also tested as a whole, all its strata as layers.
* A stratum of a behaviour that counts by language is tested as a whole, its languages as layers, so that their mix may move.
* Of the outcomes of a choice (tool after tool) all that were never seen are one stratum, of 0 events.
* The margin is the larger of ``Rules.margin`` at the reference rate and two standard deviations
  of the rate between days, which with less than a dozen days is taken at its upper bound. With less than
  five days that bound says nothing and the estimate is used: such a baseline does not know how days differ.
* Weights are equal, depend on no outcome, and stay as they are until the next promotion.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

from detectors.records.baseline import OVERALL, REST, Baseline, Layer, Reference, Threshold
from detectors.records.behaviour import Behaviour
from detectors.stats.over_dispersion import OverDispersion, over_dispersion
from detectors.stats.power import reference_needed
from detectors.watch.layered import stratum_of
from detectors.watch.learning import Counted, Learning
from detectors.watch.open_tick import Series
from detectors.watch.rules import COUNTING, Rules

NEW = "new"
"""Outcome of a row that the baseline does not know: ``search>new``."""
ENOUGH_DAYS = 12
FEW_DAYS = 5
_WORTH = 0.1
_LEAST_REST = 100
"""Trials of all small strata together from which they are tested: a large change shows even against so few."""
_LEAST_RATE = 0.01
"""Rates are taken to be at least this when it is asked how many trials they need."""


def promoted(
    learning: Learning,
    behaviours: Iterable[Behaviour],
    thresholds: Iterable[Threshold],
    rules: Rules,
    classifier: str,
    now_s: float,
) -> Baseline:
    """The baseline. ValueError, with the numbers, where no stratum has a tenth of the trials it needs."""
    models = sorted({model for _, _, model in learning.trials})
    groups = [
        _Group(learning, behaviour, model, rules)
        for behaviour in behaviours
        if not behaviour.context
        for model in models
    ]
    _share_out(groups, rules.most_strata)
    references = [reference for group in groups for reference in group.references()]
    if not references:
        raise ValueError(
            f"no stratum has a tenth of the trials it needs: the largest has {learning.most_trials}, in "
            f"{learning.ticks} ticks on {learning.days} days"
        )
    first, last = learning.first or 0, learning.last or 0
    return Baseline(
        references=tuple(dataclasses.replace(one, weight=1 / len(references)) for one in references),
        thresholds=tuple(thresholds),
        tick_s=learning.tick_s,
        ticks=last - first + 1,
        days=learning.days,
        collected_from_s=first * learning.tick_s,
        collected_to_s=(last + 1) * learning.tick_s,
        promoted_at_s=now_s,
        classifier=classifier,
        counting=COUNTING,
    )


def practical_margin(events: int, trials: int, margin: float) -> float:
    """The odds ratio of a rate ``margin`` higher than the reference's (lower, above one half).

    >>> round(practical_margin(50, 1000, 0.005), 3)
    1.105
    """
    rate = (events + 0.5) / (trials + 1)
    rate = min(rate, 1 - rate)
    moved = rate + margin
    return moved / (1 - moved) * (1 - rate) / rate


def _share_out(groups: list[_Group], most: int) -> None:
    """Lets groups choose in turn until ``most`` strata are chosen or none is left."""
    left = most
    while left > 0 and any(group.waiting for group in groups):
        for group in groups:
            if group.waiting and left > 0:
                group.chosen.append(group.waiting.pop(0))
                left -= 1


@dataclasses.dataclass(slots=True)
class _Stratum:
    """``layers`` make it up; ``trials`` and ``events`` are those of all of them."""

    series: Series
    trials: Counted
    events: Counted
    users: float
    layers: tuple[Layer, ...]

    def too_small(self, rules: Rules) -> bool:
        """Whether it has less than a tenth of what it needs."""
        return _too_small(self.events.total, self.trials.total, rules)


class _Group:
    """The strata of one behaviour and model: ``waiting`` to be chosen, largest first, ``chosen``, or too small."""

    def __init__(self, learning: Learning, behaviour: Behaviour, model: str, rules: Rules) -> None:
        self._rules = rules
        self._behaviour = behaviour
        found = sorted(_strata(learning, behaviour, model), key=lambda one: (-one.trials.total, one.series))
        self.waiting = [one for one in found if not one.too_small(rules)]
        self.chosen: list[_Stratum] = []
        self._small = [one for one in found if one.too_small(rules)]

    def references(self) -> list[Reference]:
        """Of what was chosen, the rest, and the whole; each with a weight still to be shared."""
        found = [self._reference(one.series[1], [one]) for one in self.chosen]
        if self._behaviour.row or self._behaviour.measure or not self._behaviour.exclusive:
            return found
        rest = [*self._small, *self.waiting]
        if sum(stratum.trials.total for stratum in rest) >= _LEAST_REST:
            found.append(self._reference(REST, rest))
        if len(found) > 1:
            found.append(self._reference(OVERALL, [*self.chosen, *(rest if found[-1].stratum == REST else [])]))
        return found

    def _reference(self, name: str, parts: list[_Stratum]) -> Reference:
        behaviour, _, model = parts[0].series
        layers = tuple(layer for part in parts for layer in part.layers)
        noises = [(over_dispersion(*_by_days(part)), part) for part in parts]
        trials = sum(layer.trials for layer in layers)
        log_margin = sum(math.log(self._margin(days, part)) * part.trials.total for days, part in noises) / trials
        return Reference(
            behaviour=behaviour,
            stratum=name,
            model=model,
            layers=layers,
            users=sum(part.users for part in parts),
            weight=1.0,
            odds_margin=math.exp(log_margin),
            over_dispersion=over_dispersion(*_by_periods(parts[0])).ratio if len(parts) == 1 else float("nan"),
            between_day_sd=_sd(noises[0][0], parts[0]) if len(parts) == 1 else float("nan"),
        )

    def _margin(self, days: OverDispersion, part: _Stratum) -> float:
        between_days = days.odds_margin_upper if _at_upper_bound(part) else days.odds_margin
        return max(practical_margin(part.events.total, part.trials.total, self._rules.margin), between_days)


def _strata(learning: Learning, behaviour: Behaviour, model: str) -> list[_Stratum]:
    found = []
    by_stratum: dict[str, list[Series]] = {}
    for row, trials in learning.trials.items():
        if (row[0], row[2]) == (behaviour.name, model):
            if behaviour.by_language:
                by_stratum.setdefault(stratum_of(row[1]), []).append(row)
                continue
            events = {row: learning.events.get(row, Counted())}
            if behaviour.row:
                outcomes = [s for s in learning.events if s[0] == row[0] and s[2] == model]
                events = {s: learning.events[s] for s in outcomes if behaviour.row(s[1]) == row[1]}
                events[row[0], f"{row[1]}>{NEW}", model] = Counted()
            for series, counted in events.items():
                layers = (Layer(series[1], counted.total, trials.total),)
                found.append(_Stratum(series, trials, counted, learning.users[row].effective, layers))
    return found + [_of_layers(learning, behaviour.name, stratum, rows) for stratum, rows in by_stratum.items()]


def _of_layers(learning: Learning, behaviour: str, stratum: str, rows: list[Series]) -> _Stratum:
    """A stratum that was counted language by language."""
    trials = [learning.trials[row] for row in rows]
    events = [learning.events.get(row, Counted()) for row in rows]
    layers = sorted(
        (Layer(row[1], k.total, n.total) for row, k, n in zip(rows, events, trials, strict=True)),
        key=lambda layer: (-layer.trials, layer.stratum),
    )
    users = sum(learning.users[row].effective for row in rows)
    return _Stratum((behaviour, stratum, rows[0][2]), _sum(trials), _sum(events), users, tuple(layers))


def _sum(counted: list[Counted]) -> Counted:
    total = Counted()
    for one in counted:
        for kept, more in ((total.periods, one.periods), (total.days, one.days)):
            for key, count in more.items():
                kept[key] = kept.get(key, 0) + count
    return total


def _too_small(events: int, trials: int, rules: Rules) -> bool:
    rate = (events + 0.5) / (trials + 1)
    rate = min(max(rate, _LEAST_RATE), 1 - _LEAST_RATE)
    return trials < _WORTH * reference_needed(rate, rules.floor)


def _by_days(part: _Stratum) -> tuple[list[int], list[int]]:
    return [part.events.days.get(day, 0) for day in part.trials.days], list(part.trials.days.values())


def _by_periods(part: _Stratum) -> tuple[list[int], list[int]]:
    return [part.events.periods.get(period, 0) for period in part.trials.periods], list(part.trials.periods.values())


def _sd(days: OverDispersion, part: _Stratum) -> float:
    return days.sd_upper if _at_upper_bound(part) else days.sd


def _at_upper_bound(part: _Stratum) -> bool:
    return FEW_DAYS <= len(part.trials.days) < ENOUGH_DAYS
