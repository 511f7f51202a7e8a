"""The live analysis keeps what it learned, and goes on without a disk."""

import dataclasses
import json

import pytest

from detectors.catalog import behaviours
from detectors.features.calibration import classifier_digest
from detectors.features.classifier import kept
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from sidecar.admin.api import RefusedError
from sidecar.config import Config
from sidecar.monitor.judging import Judging
from sidecar.store.baseline_file import dumped

NOW = 1_700_000_000.0


def config(directory, **more):
    small = {"learn_days": 1, "learn_trials": 100, **more}
    return Config.model_validate(
        {
            "upstream": "http://u",
            "state": str(directory),
            "baseline": small,
            "verdicts": {"floor": 0.1, "floor_relative": 1},
        }
    )


def begun(directory, at_s=NOW, **more):
    return Judging(config(directory, **more), behaviours(), at_s)


def counted(judging, from_s, count=600, refused=10):
    for number in range(count):
        at_s = from_s + number
        sighting = Sighting(f"{from_s}{number}", "m", at_s, 1, f"u{number % 200}")
        value = float(number % refused == 0)
        seen = [Observation("refusal_by_length", "1", value, sighting.conversation, sighting.user, at_s)]
        judging.analysis.observe(sighting, seen)
    return judging.close(from_s + count, from_s + count)


def test_what_was_learned_survives_a_clean_end_with_the_ticks_that_were_open(tmp_path):
    judging = begun(tmp_path)
    counted(judging, NOW, 600)
    judging.end(NOW + 600)
    again = begun(tmp_path, NOW + 601)
    assert again.succession.to_json() == judging.succession.to_json()
    again.end(NOW + 602)


def test_after_a_kill_what_was_in_memory_is_invalid_and_what_was_closed_is_kept(tmp_path):
    judging = begun(tmp_path)
    counted(judging, NOW, 590)
    learned = judging.analysis.learning.most_trials
    again = begun(tmp_path, NOW + 591)
    assert again.analysis.learning.most_trials == learned
    counted(again, NOW + 595, 200)
    assert again.analysis.invalid["restart"] == 1


def test_a_promotion_needs_enough_unless_it_is_wanted_anyway_and_is_remembered(tmp_path):
    judging = begun(tmp_path)
    with pytest.raises(RefusedError, match="not ready: 0 of 100 observations"):
        judging.promote(NOW, anyway=False)
    with pytest.raises(RefusedError, match="no stratum has a tenth"):
        judging.promote(NOW, anyway=True)
    counted(judging, NOW)
    described = judging.promote(NOW + 600, anyway=False)
    assert described["state"] == "in_use"
    assert begun(tmp_path).described()["in_use"] == described["in_use"]


def test_a_baseline_file_is_used_from_the_start_and_a_changed_one_is_not(tmp_path):
    judging = begun(tmp_path / "one")
    counted(judging, NOW)
    judging.promote(NOW, anyway=True)
    file = tmp_path / "baseline.json"
    file.write_text(dumped(judging.analysis.baseline))
    assert begun(tmp_path / "two", file=str(file)).described()["state"] == "in_use"
    changed = json.loads(file.read_text())
    changed["baseline"]["ticks"] = 1
    file.write_text(json.dumps(changed))
    assert begun(tmp_path / "three", file=str(file)).baseline_state == "expected_missing"


def test_an_earlier_baseline_can_be_used_again_by_its_id(tmp_path):
    judging = begun(tmp_path)
    counted(judging, NOW)
    first = judging.promote(NOW, anyway=True)["in_use"]
    judging.learn(NOW)
    counted(judging, NOW + 3600, refused=3)
    second = judging.promote(NOW + 7200, anyway=True)["in_use"]
    assert first != second
    assert judging.take(first, NOW + 7200)["in_use"] == first
    with pytest.raises(RefusedError, match="need a file written by"):
        judging.take("no such id", NOW)


def test_a_state_directory_that_cannot_be_used_is_counted_and_stops_nothing(tmp_path):
    (tmp_path / "kilter.db").mkdir()
    judging = begun(tmp_path)
    assert judging.store_errors == 1
    counted(judging, NOW)
    judging.promote(NOW, anyway=True)
    assert judging.baseline_state == "in_use"
    judging.end(NOW)


def test_a_saved_state_that_cannot_be_read_falls_back_to_the_last_baseline(tmp_path):
    judging = begun(tmp_path)
    counted(judging, NOW)
    used = judging.promote(NOW, anyway=True)["in_use"]
    judging._kept.store.save('{"of": "another Kilter"}', NOW, clean=True)
    again = begun(tmp_path)
    assert again.described()["in_use"] == used
    assert again.store_errors == 1


def test_annotations_are_kept_and_bounded(tmp_path):
    judging = begun(tmp_path)
    judging.annotate("new prompt", NOW)
    assert judging._kept.store.annotations(1)[0].text == "new prompt"
    with pytest.raises(RefusedError, match="1 to 1000"):
        judging.annotate("x" * 1001, NOW)


def drifted(directory):
    """A judging with one alarm: refusals at turn 1 went from 10 to 50 %."""
    judging = begun(directory)
    counted(judging, NOW)
    judging.promote(NOW + 600, anyway=True)
    counted(judging, NOW + 3600, refused=2)
    return judging, judging.alarms()[0]


def test_an_acknowledged_alarm_stays_as_it_is_says_by_whom_and_survives_a_kill(tmp_path):
    told = []
    judging, alarm = drifted(tmp_path)
    judging._witness = lambda *record: told.append(record)
    series = alarm.verdict.series
    assert judging.judged().acknowledged == {series: False}
    judging.acknowledge(alarm.id, " Ada ", "traffic goes to the old model", NOW + 5000)
    for one in (judging, begun(tmp_path, NOW + 5001)):
        assert one.judged().acknowledged == {series: True}
        assert one.acknowledged()[alarm.id].control == "traffic goes to the old model"
        assert next(v for v in one.verdicts() if v.series == series).state == "out_of_control"
        assert [known.id for known in one.alarms()] == [alarm.id]
    behaviour, stratum, model = series
    about = {"alarm": alarm.id, "behaviour": behaviour, "stratum": stratum, "model": model}
    assert told == [("acknowledgement", about, {"by": "Ada", "control": "traffic goes to the old model"})]


def test_an_alarm_that_comes_again_is_not_acknowledged(tmp_path):
    judging, alarm = drifted(tmp_path)
    judging.acknowledge(alarm.id, "Ada", "rolled back", NOW + 5000)
    for hour in range(2, 30):
        counted(judging, NOW + 3600 * hour)
    series = alarm.verdict.series
    assert judging.judged().acknowledged == {}
    counted(judging, NOW + 3600 * 40, refused=2)
    assert judging.judged().acknowledged == {series: False}
    assert judging.alarms()[0].id != alarm.id


def test_an_acknowledgement_needs_an_alarm_a_name_and_a_control(tmp_path):
    judging, alarm = drifted(tmp_path)
    with pytest.raises(RefusedError, match="no such alarm"):
        judging.acknowledge("absent", "Ada", "rolled back", NOW)
    for by, control in (("", "rolled back"), ("Ada", "  "), ("x" * 101, "rolled back"), ("Ada", "x" * 1001)):
        with pytest.raises(RefusedError, match="1 to 100 characters, and control of 1 to 1000"):
            judging.acknowledge(alarm.id, by, control, NOW)
    assert judging.acknowledged() == {}


def test_after_an_upgrade_the_earlier_classifier_goes_on_judging_while_this_one_learns(tmp_path):
    earlier = min(kept())
    first = begun(tmp_path)
    counted(first, NOW)
    first.promote(NOW, anyway=True)
    old = dataclasses.replace(first.analysis.baseline, classifier=earlier)
    first.take(dumped(old), NOW + 600)
    for judging in (first, begun(tmp_path, NOW + 601)):
        assert judging.baseline_state == "learning_next"
        assert judging.analysis.classifier == earlier
        assert judging.succession.collecting.classifier == classifier_digest()
        digest, judge = judging.succession.earlier()
        assert digest.digest == earlier
        assert judge == judging.analysis.observe
    again = begun(tmp_path, NOW + 602)
    before = again.analysis.units.left_out
    for number in range(600):
        at_s = NOW + 700 + number
        sighting = Sighting(f"new{number}", "m", at_s, 1, f"u{number % 200}")
        again.succession.observe(
            sighting, [Observation("refusal_by_length", "1", float(number % 10 == 0), "", "", at_s)], []
        )
    again.close(NOW + 1400, NOW + 1400)
    assert again.analysis.units.left_out == before
    assert again.promote(NOW + 1400, anyway=True)["state"] == "in_use"
    assert again.analysis.classifier == again.analysis.baseline.classifier == classifier_digest()
    assert again.succession.earlier() is None


def test_every_baseline_that_is_learned_promoted_or_taken_is_told_with_what_it_expects(tmp_path):
    told = []
    judging = begun(tmp_path)
    judging._witness = lambda kind, data, _payload=None: told.append((kind, data))
    counted(judging, NOW)
    first = judging.promote(NOW, anyway=True)["in_use"]
    judging.learn(NOW)
    judging.take(first, NOW)
    other = dataclasses.replace(judging.analysis.baseline, promoted_at_s=NOW + 1)
    judging.take(dumped(other), NOW)
    assert [(kind, data["action"], data["id"]) for kind, data in told] == [
        ("baseline", "promote", first),
        ("baseline", "learn", first),
        ("baseline", "use", first),
        ("baseline", "import", other.id),
    ]
    assert told[0][1]["anyway"] is True
    assert told[3][1]["strata"] == [
        [*one.series, one.events, one.trials, one.weight, one.odds_margin] for one in other.references
    ]
