"""What ``kilter power`` promises, the judgement keeps: drifts of three behaviours, unit rules and ticks and all.

The whole, 100 streams each with ten baselines, about two minutes on a quiet core: ``pytest -m slow tests/calibration/test_promises.py``
or, printed as a table, ``python tests/calibration/promises.py --seeds 100``.
"""

from dataclasses import replace

import pytest
from promises import CASES, kept


@pytest.mark.parametrize("case", CASES[1:], ids=lambda case: case.behaviour)  # the quicker ones
def test_a_drift_is_found_within_the_promised_time(case):
    _, times = kept(case, seeds=6, each=6)  # seeds 0 to 5, one baseline of seed 1000
    assert times >= 5


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.behaviour)
def test_in_at_least_ninety_of_a_hundred_streams(case):
    promise_s, times = kept(case, seeds=100)
    print(f"{case.behaviour}: promised within {promise_s / 86400:.1f} days, kept in {times} of 100")
    assert times >= 90


def test_without_the_drift_nothing_is_found():
    case = CASES[1]
    _, times = kept(replace(case, drifted=case.usual), seeds=6, each=6)
    assert times == 0
