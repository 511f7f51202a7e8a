"""What is told of baselines: their state, what they know by name, and the document of the API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from detectors.records.baseline import Baseline
from detectors.watch.analysis import Analysis
from detectors.watch.layered import stratum_of
from detectors.watch.promotion import NEW
from sidecar.export.base import Series


def baseline_state(judging: Analysis, *, learns: bool, expected: bool) -> str:
    """One of ``export.verdicts.BASELINE_STATES``. ``learns``: the next is collected. ``expected``: the configuration wants one."""
    if judging.unusable:
        return "unusable"
    if judging.baseline is None:
        return "expected_missing" if expected else "none"
    return "learning_next" if learns else "in_use"


def series_of(baseline: Baseline) -> list[Series]:
    """What it knows, by name."""
    return [
        (one.behaviour, stratum_of(layer.stratum), one.model)
        for one in baseline.references
        for layer in one.layers
        if not layer.stratum.endswith(f">{NEW}")
    ]


def baseline_document(state: str, judging: Analysis, learner: Analysis, known: Iterable[Baseline]) -> dict[str, Any]:
    """What is used, what is learned, and what was used before. ``state`` as of ``baseline_state``.

    ``judging`` uses a baseline, ``learner`` may collect the next.
    """
    learning, wanted = learner.learning, learner.rules
    return {
        "state": state,
        "unusable_because": judging.unusable,
        "in_use": judging.baseline.id if judging.baseline else None,
        "classifier": learner.classifier,
        "learning": learning
        and {
            "ticks": learning.ticks,
            "days": learning.days,
            "days_wanted": wanted.learn_days,
            "trials": learning.most_trials,
            "trials_wanted": wanted.learn_trials,
            "ready": learner.ready,
        },
        "baselines": [
            {
                "id": one.id,
                "promoted_at_s": one.promoted_at_s,
                "days": one.days,
                "strata": len(one.references),
                "models": one.models,
                "classifier": one.classifier,
            }
            for one in known
        ],
    }
