from detectors.features.exceedances import exceedances
from detectors.records.measurement import Measurement
from detectors.records.observation import Observation
from detectors.stats.quantile_exceedance import QUANTILES, exceedance

SLOW = Measurement("duration", "stream", 2.5, "c", "u", 7.0)


def test_the_observations_are_the_measurements_own():
    (seen,) = exceedances(SLOW, {0.9: 2.0})
    assert seen == Observation("duration", "stream:q90", 1.0, "c", "u", 7.0)


def test_a_value_at_the_threshold_is_not_above_it():
    assert [seen.value for seen in exceedances(SLOW, {0.5: 2.5, 0.99: 2.499})] == [0.0, 1.0]


def test_the_thresholds_are_those_that_the_statistics_take_from_a_baseline():
    baseline = exceedance([1.0, 2.0, 3.0, 4.0])
    seen = list(exceedances(SLOW, dict(zip(baseline.quantiles, baseline.thresholds, strict=True))))
    assert [one.stratum for one in seen] == [f"stream:q{round(100 * quantile)}" for quantile in QUANTILES]


def test_without_a_baseline_there_is_nothing_to_exceed():
    assert list(exceedances(SLOW, {})) == []
