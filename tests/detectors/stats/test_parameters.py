"""One set of parameters says what a scan is, to the scan, to what it could find, and in JSON."""

import json

import numpy as np
import pytest

from detectors.stats.exact_scan import ExactScan
from detectors.stats.parameters import ScanParameters
from detectors.stats.spending import FAVOURING, Spending


@pytest.mark.parametrize(
    "parameters",
    [
        ScanParameters(5, 100, 50, 16.0),
        ScanParameters([5, 9], [100, 200], 50, [16.0, 2.0], [0.01, 0.02], [1.0, 1.1], FAVOURING),
        ScanParameters([[5, 9]], [[100, 200]], 50, 16.0, 0.02, 1.1, Spending(0.4, (10, 20), 0.6)),
    ],
)
def test_parameters_survive_json_and_make_the_same_scan(parameters):
    twin = ScanParameters.from_dict(json.loads(json.dumps(parameters.to_dict())))
    assert twin.to_dict() == parameters.to_dict()
    assert twin.spending == parameters.spending
    assert ExactScan.of(twin).to_json() == ExactScan.of(parameters).to_json()


def test_one_budget_is_shared_equally_and_budgets_of_their_own_are_kept():
    assert ScanParameters([1, 2], [9, 9], 50, 1.0, 0.01).budgets.tolist() == [0.005, 0.005]
    assert ScanParameters([1, 2], [9, 9], 50, 1.0, [0.01, 0.03]).budgets.tolist() == [0.01, 0.03]


def test_a_scan_keeps_what_it_was_told_whatever_becomes_of_the_callers_arrays():
    events = np.array([5, 9])
    scan = ExactScan(events, 100, 50, 16)
    events[:] = 50
    assert scan.parameters.to_dict()["reference_events"] == [5, 9]


@pytest.mark.parametrize(
    "wrong", [{"ticks_per_budget": 0}, {"odds_margin": 0.5}, {"reference_events": np.ones((2, 2, 2))}]
)
def test_parameters_that_cannot_be_are_refused(wrong):
    fine = {"reference_events": 1, "reference_trials": 5, "ticks_per_budget": 10, "trials_per_tick": 1.0}
    ScanParameters(**fine)
    with pytest.raises(ValueError, match="need"):
        ScanParameters(**(fine | wrong))
