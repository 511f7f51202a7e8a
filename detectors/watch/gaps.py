"""How far the strata of a behaviour are from one of them: languages from English."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from detectors.records.behaviour import Behaviour
from detectors.records.calibration import Calibration
from detectors.stats.rate_gap import Counted, RateGap, rate_gap
from detectors.watch.totals import Totals


@dataclass(frozen=True, slots=True)
class Gap:
    """``rate_gap`` of one stratum to its anchor, of what has counted since the last promotion."""

    behaviour: str
    stratum: str
    model: str
    anchor: str
    trials: int
    gap: RateGap


def gaps(behaviours: Iterable[Behaviour], totals: Totals, calibrations: Mapping[str, Calibration]) -> list[Gap]:
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
        for (stratum, model), counts in counted.items():
            anchor = counted.get((compares.anchor, model))
            if anchor is not None and stratum != compares.anchor:
                gap = rate_gap(counts, anchor, compares.limit)
                found.append(Gap(behaviour.name, stratum, model, compares.anchor, counts.trials, gap))
    return found
