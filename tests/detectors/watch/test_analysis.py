"""From traffic to verdicts: what alarms, what does not, and that a restart changes nothing.

Seeds stand in the text. 3,900 conversations a day of 300 users, ticks of ten minutes, the baseline two days; a chance
of a false alarm of .7 % in 30 days over all strata.
"""

import pytest
from simulated import LANGUAGES, feed

from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.records.verdict import STATES

DAY = 86400


def alarmed(analysis):
    return [(alarm.verdict.behaviour, alarm.verdict.stratum) for alarm in analysis.alarms]


def verdict(analysis, behaviour, stratum):
    return next(v for v in analysis.verdicts() if (v.behaviour, v.stratum) == (behaviour, stratum))


def test_without_a_baseline_nothing_is_judged_and_everything_is_shown(house):
    analysis = house.learning()
    assert {v.state for v in analysis.verdicts()} == {"no_baseline"}
    shown = verdict(analysis, "refusal_by_language", "tr")
    assert shown.n_current > 800
    assert shown.estimate == pytest.approx(0.08, abs=0.02)
    assert analysis.ready


def test_turkish_refusals_at_turns_four_to_seven_are_found_there_and_nowhere_else(house):
    analysis = house.fresh()
    begins = house.now + DAY // 4

    def drift(language, turn, at_s):
        return 0.8 if language == "tr" and 4 <= turn <= 7 and at_s >= begins else 0.08

    feed(analysis, house.traffic(2, 1.1, drift), every_s=600)
    assert set(alarmed(analysis)) == {("refusal_by_length", "4-7")}
    alarm = analysis.alarms[0]
    assert abs(alarm.verdict.changed_at_s - begins) < 3 * 3600
    assert alarm.verdict.difference > 0.05
    assert "refusal by length, 4-7: " in alarm.verdict.explanation
    assert 5 <= len(alarm.examples) <= 20
    assert all(example.response_id.startswith("r-") for example in alarm.examples)
    assert verdict(analysis, "refusal_by_length", "overall").state != "out_of_control"


@pytest.mark.parametrize("seed", [3, 4])
def test_where_nothing_moves_nothing_alarms(house, seed):
    analysis = house.fresh()
    feed(analysis, house.traffic(seed, 1.5), every_s=600)
    assert alarmed(analysis) == []
    assert {v.state for v in analysis.verdicts()} <= {"in_control", "watch", "undetectable", "no_baseline"}


def test_another_mix_of_languages_with_rates_of_their_own_is_no_alarm_and_said_to_be_mix(house):
    """Turkish refuses 30 % and English 4 %; then most people write Turkish."""

    def rate(language, turn, at_s):
        return {"tr": 0.3}.get(language, 0.04)

    analysis = house.learning()
    analysis.learn()
    feed(analysis, house.traffic(5, 2, rate), every_s=600)
    until = house.now + 2 * DAY
    analysis.close(until, in_flight_since_s=until)
    analysis.promote(until)
    feed(analysis, house.traffic(6, 0.8, rate, after_days=2, languages={**LANGUAGES, "tr": 150}), every_s=600)
    assert alarmed(analysis) == []
    shop = verdict(analysis, "refusal_by_app", "shop")
    assert "points by another mix" in shop.explanation
    assert abs(shop.difference) < 0.02
    whole = verdict(analysis, "refusal_by_language", "overall")
    assert abs(whole.difference) < 0.02
    assert "points by another mix" in whole.explanation
    assert float(whole.explanation.partition("; ")[2].split(" and ")[1].split()[0]) > 8


def test_a_nights_silence_is_nothing(house):
    analysis = house.fresh()
    traffic = house.traffic(7, 1)
    silent = [(s, o) for s, o in traffic if not house.now + 0.3 * DAY < s.at_s < house.now + 0.7 * DAY]
    feed(analysis, silent, every_s=600)
    assert alarmed(analysis) == []


def test_a_restart_at_any_moment_gives_the_same_verdicts(house):
    def drift(language, turn, at_s):
        return 0.4 if language == "de" and at_s >= house.now + DAY / 4 else 0.08

    traffic = house.traffic(8, 0.8, drift)
    whole, cut = house.fresh(), house.fresh()
    changed = feed(whole, traffic, every_s=600)
    changed_of_cut = []
    for part in range(5):
        piece = traffic[part * len(traffic) // 5 : (part + 1) * len(traffic) // 5]
        changed_of_cut += feed(cut, piece, every_s=600)
        cut = house.restored(cut.to_json())
    end = traffic[-1][0].at_s + 1200
    assert whole.close(end, end) is not None
    cut.close(end, end)
    assert ("refusal_by_language", "de") in alarmed(whole)
    assert list(whole.alarms) == list(cut.alarms)
    assert [v.to_dict() for v in whole.verdicts()] == [v.to_dict() for v in cut.verdicts()]
    assert {v.series for v in changed} == {v.series for v in changed_of_cut}


def test_a_new_model_name_answers_to_the_only_baseline_there_is(house):
    analysis = house.fresh()
    feed(analysis, house.traffic(9, 0.5, lambda *_: 0.3, model="m-2"), every_s=600)
    assert ("refusal_by_language", "en") in alarmed(analysis)
    assert {v.model for v in analysis.verdicts() if v.state == "out_of_control"} == {"m"}


def test_a_few_users_are_not_judged_however_wild_they_are(house):
    analysis = house.fresh()
    feed(analysis, house.traffic(10, 0.5, lambda *_: 0.6, users=12), every_s=600)
    assert alarmed(analysis) == []
    assert verdict(analysis, "refusal_by_language", "en").state == "too_few_users"
    assert analysis.watch.suppressed > 0


def test_a_stratum_that_the_baseline_does_not_know_is_shown_and_never_tested(house):
    analysis = house.fresh()
    feed(analysis, house.traffic(11, 0.5, languages={"en": 50, "fr": 50}), every_s=600)
    assert verdict(analysis, "refusal_by_language", "fr").state == "no_baseline"


def test_it_stays_out_of_control_until_the_rate_is_shown_to_be_back(house):
    analysis = house.fresh()

    def drift(language, turn, at_s):
        return 0.4 if language == "en" and house.now + DAY / 5 <= at_s < house.now + DAY / 2 else 0.08

    changed = feed(analysis, house.traffic(12, 2.2, drift), every_s=600)
    states = [v.state for v in changed if (v.behaviour, v.stratum) == ("refusal_by_language", "en")]
    out, back = states.index("out_of_control"), states.index("recovered")
    assert out < back
    assert states.count("out_of_control") == 1, "the way back is no alarm of its own"


def test_a_classifier_that_has_changed_raises_no_alarm_and_says_that_it_cannot_judge(house):
    analysis = house.restored(house.promoted, classifier="another")
    assert analysis.unusable == "it was labelled by another classifier"
    feed(analysis, house.traffic(13, 0.5, lambda *_: 0.9), every_s=600)
    assert alarmed(analysis) == []
    assert {v.state for v in analysis.verdicts()} == {"no_baseline"}
    assert analysis.learning is not None


def test_a_baseline_is_never_adopted_by_itself(house):
    analysis = house.fresh()
    before = analysis.baseline
    analysis.learn()
    feed(analysis, house.traffic(14, 0.5, lambda *_: 0.3), every_s=600)
    assert analysis.baseline == before
    assert analysis.learning.most_trials > 400


def test_what_one_gives_only_as_context_alarms_nobody_and_a_gap_is_measured(house):
    analysis = house.fresh()
    feed(analysis, house.traffic(15, 0.6, lambda language, *_: 0.4 if language == "tr" else 0.08), every_s=600)
    gap = next(gap for gap in analysis.gaps() if gap.stratum == "tr")
    assert (gap.behaviour, gap.anchor, gap.gap.state) == ("language_gap", "en", "exceeded")
    assert gap.gap.estimate == pytest.approx(0.32, abs=0.06)
    assert gap.drift.estimate == pytest.approx(0.32, abs=0.06), "in the baseline both are refused alike"
    assert 0 < gap.drift.low < gap.drift.estimate < gap.drift.high
    steady = next(gap for gap in analysis.gaps() if gap.stratum == "de")
    assert steady.gap.state in ("ok", "watch", "insufficient")
    assert steady.drift.low < 0 < steady.drift.high


def test_a_tool_that_never_followed_another_is_found(house):
    """Of 500 conversations a day that search, all go on to read; then a third writes an e-mail."""
    analysis = house.learning()
    analysis.learn()

    def search(day, target, number):
        at_s = house.now + day * DAY + number * 170.0
        sighting = Sighting(f"{target}{day}{number:08d}", "m", at_s, 1, f"u{number % 200}")
        return sighting, [
            Observation("tool_transition", f"search>{target}", 1.0, sighting.conversation, sighting.user, at_s)
        ]

    feed(analysis, [search(day, "read", number) for day in range(2) for number in range(500)], every_s=600)
    until = house.now + 2 * DAY
    analysis.close(until, in_flight_since_s=until)
    analysis.promote(until)
    assert ("tool_transition", "search>new") in {(v.behaviour, v.stratum) for v in analysis.verdicts()}
    drifted = [search(2, "send_email" if number % 3 == 0 and number > 100 else "read", number) for number in range(500)]
    feed(analysis, drifted, every_s=600)
    assert ("tool_transition", "search>new") in alarmed(analysis)


def test_states_are_those_of_the_one_list(house):
    analysis = house.fresh()
    assert {v.state for v in analysis.verdicts()} <= set(STATES)
