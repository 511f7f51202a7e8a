"""What is said is worked out once for each state of the analysis, and never goes stale."""

from detectors.catalog import behaviours
from detectors.features.calibration import classifier_digest
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.watch.analysis import Analysis
from detectors.watch.rules import Rules
from sidecar.monitor.standing import Standings


def count(analysis, from_s, number=600, *, user=True):
    for index in range(number):
        at_s, name = from_s + index, f"{from_s}-{index}"
        sighting = Sighting(name, "m", at_s, 1, f"u{index % 200}" if user else None)
        analysis.observe(sighting, [Observation("refusal_by_length", "1", float(index % 10 == 0), name, None, at_s)])


def fresh(standing, analysis):
    return [one.to_dict() for one in standing.verdicts] == [one.to_dict() for one in analysis.verdicts()]


def test_the_same_objects_come_until_a_tick_closes_a_baseline_is_used_or_users_are_no_longer_named():
    analysis = Analysis(behaviours(), Rules(learn_days=1, learn_trials=100), classifier_digest())
    standings = Standings()
    count(analysis, 0)
    nothing_closed = standings.of(analysis)
    assert standings.of(analysis) is nothing_closed
    analysis.close(600, 600)
    closed = standings.of(analysis)
    assert closed is not nothing_closed
    assert fresh(closed, analysis)
    count(analysis, 600, 30)  # an open tick says nothing yet
    assert standings.of(analysis) is closed

    baseline = analysis.promote(640)
    promoted = standings.of(analysis)
    assert (promoted.baseline_id, promoted is closed) == (baseline.id, False)
    assert fresh(promoted, analysis)

    count(analysis, 600 + 2 * 86400, 1, user=False)
    unnamed = standings.of(analysis)
    assert unnamed is not promoted
    assert fresh(unnamed, analysis)

    elsewhere = standings.of(analysis, elsewhere=True)
    assert (elsewhere.verdicts, elsewhere.gaps, elsewhere.baseline_id) == ([], [], baseline.id)
    assert fresh(standings.of(analysis), analysis)


def test_another_analysis_is_another_state():
    standings = Standings()
    one, other = (Analysis(behaviours(), Rules(), classifier_digest()) for _ in range(2))
    count(one, 0)
    one.close(600, 600)
    assert standings.of(one).verdicts
    assert not standings.of(other).verdicts
