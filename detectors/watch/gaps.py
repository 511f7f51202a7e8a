"""How far the strata of a behaviour are from one of them, languages from English, and how that has moved since the baseline."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from detectors.records.baseline import OVERALL, Baseline
from detectors.records.behaviour import Behaviour
from detectors.records.calibration import Calibration
from detectors.stats.rate_gap import Counted, RateGap, gap_drift, rate_gap
from detectors.watch.layered import stratum_of
from detectors.watch.totals import Totals

ALPHA = 0.05

_gap_of = lru_cache(maxsize=512)(rate_gap)
"""Bisections: between two ticks nothing of them changes, and a baseline's part of them never does."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A gap minus that of the baseline, as a difference of rates in [-2, 2], with its 95 % interval; nan where the baseline
    does not know both strata.
    """

    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan


NO_DRIFT = Drift()


@dataclass(frozen=True, slots=True)
class Gap:
    """``rate_gap`` of one stratum to its anchor, of what has counted since the last promotion; ``drift`` is to the baseline's."""

    behaviour: str
    stratum: str
    model: str
    anchor: str
    trials: int
    gap: RateGap
    drift: Drift = NO_DRIFT


def gaps(
    behaviours: Iterable[Behaviour],
    totals: Totals,
    calibrations: Mapping[str, Calibration],
    baseline: Baseline | None = None,
) -> list[Gap]:
    """Of every behaviour that compares; none for a model of which the anchor has not been seen."""
    found = []
    for behaviour in behaviours:
        compares = behaviour.compares
        if compares is None:
            continue
        counted = {
            (stratum, model): Counted(events, trials, calibrations.get(stratum))
            for (name, stratum, model), events, trials in totals
            if name == compares.behaviour
        }
        usual = _of_baseline(baseline, compares.behaviour, calibrations) if baseline else {}
        for (stratum, model), counts in counted.items():
            anchor = counted.get((compares.anchor, model))
            if anchor is not None and stratum != compares.anchor:
                gap = _gap_of(counts, anchor, compares.limit)
                judged_as = model if baseline is None else _judged_as(baseline, model)
                before = usual.get((stratum, judged_as)), usual.get((compares.anchor, judged_as))
                drift = _drift((counts, anchor), before, compares.limit)
                found.append(Gap(behaviour.name, stratum, model, compares.anchor, counts.trials, gap, drift))
    return found


def _of_baseline(
    baseline: Baseline, behaviour: str, calibrations: Mapping[str, Calibration]
) -> dict[tuple[str, str], Counted]:
    """By (stratum, model), those that were too small to be tested alone among them."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for reference in baseline.references:
        if reference.behaviour == behaviour and reference.stratum != OVERALL:
            for layer in reference.layers:
                key = stratum_of(layer.stratum), reference.model
                events, trials = sums.get(key, (0, 0))
                sums[key] = events + layer.events, trials + layer.trials
    return {key: Counted(*counts, calibrations.get(key[0])) for key, counts in sums.items()}


def _judged_as(baseline: Baseline, model: str) -> str:
    """As ``Watch.judged_as``: a model that the baseline does not know answers to its only one."""
    models = baseline.models
    return models[0] if model not in models and len(models) == 1 else model


def _drift(live: tuple[Counted, Counted], before: tuple[Counted | None, Counted | None], limit: float) -> Drift:
    stratum, anchor = before
    if stratum is None or anchor is None or not all(one.trials for one in (*live, stratum, anchor)):
        return NO_DRIFT
    return Drift(*gap_drift(_gap_of(*live, limit, ALPHA / 2), _gap_of(stratum, anchor, limit, ALPHA / 2)))
