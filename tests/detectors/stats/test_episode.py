"""An alarm stays until data or a person end it."""

import numpy as np
import pytest

from detectors.stats.confidence_sequence import difference_from_reference
from detectors.stats.episode import Episode, promotable_from


def opened(**changes):
    episode = Episode(500, 10_000, margin=0.03, **changes)
    episode.alarm(40)
    return episode


def test_an_alarm_latches_however_quiet_it_becomes():
    episode = opened()
    assert all(episode.update(0, 0) == "out_of_control" for _ in range(100))
    episode.alarm(90)
    assert episode.changed_at == 40


def test_it_recovers_when_the_rate_is_back_even_after_a_long_time_out():
    episode = opened()
    assert all(episode.update(80, 500) == "out_of_control" for _ in range(500))
    back = next(tick for tick in range(100) if episode.update(25, 500) == "recovered")
    assert back < 25
    assert -0.03 < episode.low < 0 < episode.high < 0.03


def test_a_rate_just_outside_the_margin_is_hardly_ever_called_recovered():
    """Reference exactly 5 %, live 8.5 % with a margin of 3 points, level .05, 60 seeded streams of 50,000."""
    rng = np.random.default_rng(31)
    recovered = 0
    for _ in range(60):
        episode = Episode(500_000, 10_000_000, margin=0.03)
        episode.alarm(0)
        recovered += any(episode.update(rng.binomial(2000, 0.085), 2000) == "recovered" for _ in range(25))
    assert recovered <= 6


def test_its_interval_is_that_of_the_difference_from_the_reference():
    episode = opened()
    for events, trials in ((3, 40), (0, 7), (5, 100)):
        episode.update(events, trials)
        low, high = difference_from_reference(episode.events, episode.trials, 500, 10_000, 0.05 / 2)
        assert (episode.low, episode.high) == pytest.approx((float(low), float(high)), abs=1e-12)


def test_before_an_alarm_and_after_recovery_counts_change_nothing():
    episode = Episode(500, 10_000, margin=0.03)
    assert episode.update(50, 50) == "in_control"
    episode.alarm(1)
    assert episode.update(500, 10_000) == "recovered"
    assert episode.update(50, 50) == "recovered"
    episode.alarm(7)
    assert (episode.state, episode.changed_at, episode.trials) == ("out_of_control", 7, 0)


def test_a_promoted_baseline_closes_the_episode():
    episode = opened()
    episode.update(8, 50)
    episode.promote(80, 500)
    assert (episode.state, episode.reference_events, episode.changed_at, episode.trials) == ("in_control", 80, None, 0)


def test_json_brings_it_back_whole():
    episode = opened()
    episode.update(8, 50)
    assert Episode.from_json(episode.to_json()) == episode


def test_a_new_baseline_is_taken_from_the_second_half_since_the_change():
    assert promotable_from(100, 200) == 150
    assert promotable_from(100, 101) == 101


def test_a_margin_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="need 0 < margin < 1"):
        Episode(1, 2, margin=0)
