"""The same variant over time: a drop is confirmed, and neither chance nor another mix of prompts is one."""

import json
import math

import numpy as np
import pytest

from sidecar.canary.case import Case
from sidecar.canary.conversation import User
from sidecar.canary.evidence import SHARE, weighed
from sidecar.canary.expect import Verdict
from sidecar.canary.expectation import Expect
from sidecar.canary.over_time import MOST_UNITS, OverTime
from sidecar.canary.prober import Probe
from sidecar.canary.results import Results
from sidecar.canary.variants import Change, Variant
from sidecar.monitor.canary_findings import CanaryFindings

ALPHA = SHARE * 0.007
EXPECT = Expect.model_validate({"comply": True})
WEEK_S = 7 * 86400.0
FAMILIES = 20


def probe(family, week, passes, *, at=0.0, variant="", language="en", group="adversarial", index=0, repeat=0, **more):
    case = Case("s", family, variant, language, week, index, group, "single", EXPECT, (User("Do it."),), **more)
    return Probe(case, repeat, Verdict("pass" if passes else "fail", "x"), week * WEEK_S + at + 1.0)


def weeks(rng, rates, first, count, share=1.0):
    """A draw a family and week; each passes at ``share`` of its rate"""
    return [
        probe(f"f{at}", week, rng.random() < rate * share, at=float(at))
        for week in range(first, first + count)
        for at, rate in enumerate(rates)
    ]


def state(over_time, cell="time:adversarial", others=29):
    """Of the cell, beside so many that say nothing"""
    quiet = {f"q{at}": (1, 1) for at in range(others)}
    return {one.cell: one.state for one in weighed(quiet, ALPHA, over_time.trends())}[cell]


def rates(rng):
    return rng.choice([0.9, 0.97, 1.0], FAMILIES)


@pytest.mark.parametrize(("share", "within"), [(0.5, 4), (0.2, 2)])
def test_a_variant_that_passes_less_than_it_used_to_is_confirmed_in_nineteen_of_twenty(share, within):
    found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        own, over_time = rates(rng), OverTime()
        over_time.take(weeks(rng, own, 0, 12))
        assert state(over_time) == "none"
        over_time.take(weeks(rng, own, 12, within, share))
        found += state(over_time) == "confirmed"
    assert found >= 19


def ever(seeds, length):
    """Of how many sound variants the e-value was ever at 20, looked at after every result"""
    over = 0
    for seed in range(seeds):
        rng, over_time = np.random.default_rng([7, seed]), OverTime()
        most = -math.inf
        for one in weeks(rng, rng.choice([0.5, 0.9, 0.97, 1.0], FAMILIES), 0, length):
            over_time.take([one])
            most = max([most, *(trend.log_e for trend in over_time.trends())])
        over += most >= math.log(20)
    return over


def test_a_sound_variant_is_hardly_ever_a_watch_however_often_one_looks():
    assert ever(40, 26) <= 5  # 2 in the mean at most


@pytest.mark.slow
def test_of_a_thousand_sound_variants_in_half_a_year_at_most_one_of_twenty_is_ever_a_watch():
    assert ever(1000, 26) <= 70  # 50 in the mean at most, and three times its deviation


def test_the_e_value_is_that_of_the_formula():
    over_time = OverTime()
    over_time.take([probe("f", 0, passes=True), probe("f", 1, passes=True), probe("f", 2, passes=False)])
    (trend,) = over_time.trends()
    # q = 1/2, then 1/3; one start of weight 1/2, and 1/2 for those to come.
    wanted = 0.5 + 0.5 * sum((1 - drop) * (1 + 2 * drop) for drop in (0.15, 0.3, 0.6)) / 3
    assert (trend.counted, trend.failed) == (2, 1)
    assert math.exp(trend.log_e) == pytest.approx(wanted)


def test_a_draw_counts_once_and_what_cannot_tell_counts_nowhere():
    over_time = OverTime()
    over_time.take([probe("f", 0, passes=True), probe("f", 0, passes=True, at=1.0, repeat=1)])
    over_time.take([probe("f", 0, passes=True, at=2.0, variant="direct")])  # shares the draw
    over_time.take([probe("f", 0, passes=True)])  # the same one, seen again
    assert over_time.counted == 1
    over_time.take([probe("f", 1, passes=True, public=True), probe("f", 1, passes=True, group="fingerprint")])
    assert over_time.counted == 1
    over_time.take(
        [probe("f", 1, passes=True, at=1.0), probe("f", 1, passes=True, at=2.0, frozen=True, variant="anchor")]
    )
    over_time.take([probe("f", 1, passes=True, at=3.0, frozen=True, variant="anchor", repeat=1)])  # a trial of its own
    over_time.take([probe("g", 1, passes=True, at=4.0 + at, variant=side) for at, side in enumerate(("yes", "no"))])
    assert over_time.counted == 6
    over_time.take([probe("l", 1, passes=True, at=9.0 + rung, variant=f"depth={rung}") for rung in (0, 16)])
    over_time.take([probe("l", 2, passes=True, at=9.0 + rung, variant=f"depth={rung}") for rung in (0, 16)])
    assert [trend.cell for trend in over_time.trends() if "depth" in trend.cell] == ["time:depth:0", "time:depth:16"]


def test_users_who_speak_another_language_now_are_no_drop():
    rng, over_time = np.random.default_rng(3), OverTime()
    for week in range(24):
        # First nearly all in English, which passes; then in Swahili, which mostly fails, as ever.
        for at in range(FAMILIES):
            language = "sw" if rng.random() < (0.1 if week < 12 else 0.9) else "en"
            passes = rng.random() < (0.2 if language == "sw" else 0.98)
            over_time.take([probe(f"f{at}", week, passes, at=float(at), language=language, group="multilingual")])
    assert {one.cell for one in over_time.trends()} == {"time:multilingual", "time:multilingual:sw"}
    assert {state(over_time, one.cell) for one in over_time.trends()} == {"none"}


def test_it_goes_on_after_a_restart_and_nonsense_is_refused():
    rng, over_time, again = np.random.default_rng(5), OverTime(), OverTime()
    seen = weeks(rng, rates(rng), 0, 6, 0.7)
    over_time.take(seen[:70])
    again.restore(json.loads(json.dumps(over_time.to_dict())))
    for one in (over_time, again):
        one.take(seen)
    assert again.trends() == over_time.trends()
    assert again.counted == len(seen)
    for nonsense in (
        {},
        {**over_time.to_dict(), "cells": {"a": [1, 1, [0.0]]}},
        {**over_time.to_dict(), "seen": [[1]]},
    ):
        with pytest.raises((KeyError, TypeError, ValueError)):
            again.restore(nonsense)
    assert again.trends() == over_time.trends()


def test_what_is_remembered_is_bounded():
    over_time = OverTime()
    over_time.take(probe("f", week, passes=True) for week in range(MOST_UNITS + 100))
    assert len(over_time.to_dict()["seen"]) == MOST_UNITS
    assert over_time.counted == MOST_UNITS + 100


def test_a_drop_is_exported_kept_and_forgotten_with_the_variant(tmp_path):
    def cells(findings):
        return {one.cell: one.state for one in findings._weighed([])}

    rng = np.random.default_rng(1)
    own = rates(rng)
    seen = [*weeks(rng, own, 0, 10), *weeks(rng, own, 10, 6, 0.3)]
    with Results(tmp_path / "canary.db") as results:
        for _ in range(2):
            findings = CanaryFindings(lambda *_: None, 0.007, lambda: 0.0)
            findings.recall(results)
            findings.take(seen, {}, results)
            assert cells(findings) == {"time:adversarial": "confirmed"}
        findings.changed(Change("silent", Variant("m"), Variant("m", "", 1), 0.0, 0.0))
        findings.take([], {}, results)
        again = CanaryFindings(lambda *_: None, 0.007, lambda: 0.0)
        again.recall(results)
        assert cells(findings) == cells(again) == {}
