"""A baseline as a record of the evidence log: what it expects, and what a report needs to say what it can show."""

from __future__ import annotations

from typing import Any

from detectors.records.baseline import Baseline


def baseline_record(baseline: Baseline, action: str, **more: Any) -> dict[str, Any]:
    """``action``: ``promote``, ``use``, ``import``, ``in_use`` or ``follow`` (of a fleet). ``strata``: [behaviour, stratum, model, events, trials, weight,
    odds margin] of each that is tested.
    """
    return {
        "action": action,
        "id": baseline.id,
        "collected_from_s": baseline.collected_from_s,
        "collected_to_s": baseline.collected_to_s,
        "promoted_at_s": baseline.promoted_at_s,
        "days": baseline.days,
        "ticks": baseline.ticks,
        "tick_s": baseline.tick_s,
        "models": list(baseline.models),
        "classifier": baseline.classifier,
        "strata": [[*one.series, one.events, one.trials, one.weight, one.odds_margin] for one in baseline.references],
        **more,
    }
