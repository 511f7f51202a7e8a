"""What a promotion freezes: which strata, with what margin, at what part of the budget."""

import math
import random

import pytest

from detectors.records.baseline import OVERALL, REST, Baseline
from detectors.records.behaviour import Behaviour
from detectors.watch.learning import MOST_PERIODS, Learning
from detectors.watch.open_tick import TickCounts
from detectors.watch.promotion import practical_margin, promoted
from detectors.watch.rules import Rules

RULES = Rules(tick_s=3600, floor=0.05, floor_relative=1.0)
ONE = Behaviour("refusal", "?", "", "", "")


def learned(rates, days=3, per_tick=20, noise=0.0, seed=1):
    """``rates`` by stratum; ``noise`` is a spread of each day's rates, in points."""
    rng, learning = random.Random(seed), Learning(3600.0)
    for tick in range(24 * days):
        counts = TickCounts()
        daily = noise * (1 if (tick // 24) % 2 else -1)
        for stratum, (rate, share) in rates.items():
            row, trials = ("refusal", stratum, "m"), round(per_tick * share)
            if trials:
                counts.trials[row], counts.users[row] = trials, [f"u{rng.randrange(200)}" for _ in range(trials)]
                counts.events[row] = sum(rng.random() < rate + daily for _ in range(trials))
        learning.update(tick + 24 * 19_000, counts)
    return learning


def promote(learning, rules=RULES, behaviours=(ONE,)):
    return promoted(learning, behaviours, [], rules, "digest", 0.0)


def test_strata_with_less_than_a_tenth_of_what_they_need_are_layers_of_the_rest():
    """At 10 % and a floor of 5 points 1,800 trials are needed: 180 are a tenth."""
    shares = {"en": (0.1, 1), "tr": (0.1, 0.5), "sw": (0.1, 0.05), "yo": (0.1, 0.05), "vi": (0.1, 0.05)}
    references = {reference.stratum: reference for reference in promote(learned(shares)).references}
    assert set(references) == {"en", "tr", REST, OVERALL}
    assert {layer.stratum for layer in references[REST].layers} == {"sw", "vi", "yo"}
    assert {layer.stratum for layer in references[OVERALL].layers} == set(shares)
    assert references[OVERALL].trials == sum(references[name].trials for name in ("en", "tr", REST))


def test_weights_are_equal_and_sum_to_one_and_no_more_strata_are_taken_than_allowed():
    many = {f"l{number:02d}": (0.1, 1 + number // 8) for number in range(12)}
    baseline = promote(learned(many), Rules(tick_s=3600, floor=0.05, floor_relative=1.0, most_strata=4))
    names = [reference.stratum for reference in baseline.references]
    assert names == ["l08", "l09", "l10", "l11", REST, OVERALL]
    assert sum(reference.weight for reference in baseline.references) == pytest.approx(1)
    assert len({reference.weight for reference in baseline.references}) == 1


def test_days_that_differ_ask_for_a_wider_margin():
    quiet = promote(learned({"en": (0.1, 10)}, days=14)).references[0]
    noisy = promote(learned({"en": (0.1, 10)}, days=14, noise=0.04)).references[0]
    assert quiet.odds_margin < 1.2
    assert noisy.odds_margin > math.exp(2 * 0.03 / 0.09)
    assert noisy.between_day_sd == pytest.approx(0.04, abs=0.01)
    assert noisy.over_dispersion > 3 > quiet.over_dispersion


def test_within_one_day_the_margin_is_the_practical_one():
    reference = promote(learned({"en": (0.1, 10)}, days=1)).references[0]
    assert reference.odds_margin == pytest.approx(practical_margin(reference.events, reference.trials, RULES.margin))
    assert math.isnan(reference.between_day_sd)


def test_too_little_is_refused_with_the_numbers():
    with pytest.raises(ValueError, match=r"the largest has 24, in 24 ticks on 1 days"):
        promote(learned({"en": (0.1, 0.05)}, days=1))


def test_context_is_never_part_of_a_baseline_and_strata_that_overlap_have_no_whole():
    shares = {"en": (0.1, 5), "tr": (0.1, 5)}
    with pytest.raises(ValueError, match="no stratum"):
        promote(learned(shares), behaviours=(Behaviour("refusal", "?", "", "", "", context=True),))
    overlapping = promote(learned(shares), behaviours=(Behaviour("refusal", "?", "", "", "", exclusive=False),))
    assert {reference.stratum for reference in overlapping.references} == {"en", "tr"}


def test_a_baseline_survives_json_with_its_id():
    baseline = promote(learned({"en": (0.1, 5), "tr": (0.2, 5)}))
    again = Baseline.from_json(baseline.to_json())
    assert again.id == baseline.id
    assert again.to_json() == baseline.to_json()
    with pytest.raises(ValueError, match="need a baseline"):
        Baseline.from_json('{"references": [{}]}')


def test_however_long_it_learns_there_are_no_more_periods_than_allowed():
    learning = learned({"en": (0.1, 0.2)}, days=30)
    periods = learning.trials["refusal", "en", "m"].periods
    assert MOST_PERIODS / 2 <= len(periods) <= MOST_PERIODS
    assert sum(periods.values()) == learning.most_trials == 30 * 24 * 4
