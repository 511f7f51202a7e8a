"""What several monitors saw, counted by one: the same as if it had seen everything itself. Seeds stand in the text."""

import dataclasses
import json
import random

import pytest

from detectors.catalog import behaviours
from detectors.records.measurement import Measurement
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.watch.parts import Parts
from detectors.watch.units import Units

DAY = 86400
UNITS = Units(behaviours())
CONTEXT = {behaviour.name for behaviour in behaviours() if behaviour.context}


class Several:
    """Monitors that share the traffic, request by request, whoever's it is; and the one that counts."""

    def __init__(self, analysis, monitors, seed, **more):
        self.analysis = analysis
        self._most = more
        self.thinned = 0
        self.parts = [Parts(Units(behaviours()), analysis.rules, CONTEXT, **more) for _ in range(monitors)]
        self._rng = random.Random(seed)
        self._held = {}

    def observe(self, *seen):
        self._rng.choice(self.parts).observe(*seen)

    def close(self, now_s):
        for parts in self.parts:
            for part in parts.close(now_s, now_s)[0]:
                self._held.setdefault(part.index, []).append(part)
        changed, until = [], self.analysis.ticks.index(now_s)
        for index in sorted(held for held in self._held if held < until):
            parts = self._held.pop(index)
            self._rng.shuffle(parts)
            self.thinned += self.analysis.take(parts, **self._most)
            begins_after_s = (index + 1) * self.analysis.rules.tick_s
            changed += self.analysis.close(begins_after_s, begins_after_s)
        return changed + self.analysis.close(now_s, now_s)


def anonymous(exchanges):
    """As told: nothing by which an operator finds an exchange leaves the monitor that saw it."""
    return [(dataclasses.replace(sighting, response_id="", trace_id=""), seen) for sighting, seen in exchanges]


def with_repeats(exchanges, seed):
    """Some requests are sent again, up to a quarter of an hour later, and some conversations cannot be told."""
    rng, found = random.Random(seed), []
    for one, seen in exchanges:
        sighting = one
        if rng.random() < 0.1:
            sighting = dataclasses.replace(one, recognised=False, conversation=f"{rng.getrandbits(64):016x}")
        if rng.random() < 0.2:
            sighting = dataclasses.replace(sighting, user=None)
        value = rng.lognormvariate(3, 1)
        measured = [Measurement("response_length", "1", value, sighting.conversation, sighting.user, sighting.at_s)]
        if UNITS.candidates(sighting, ["response_length"])["response_length"]:
            measured = []  # one monitor alone also fixes thresholds by what is no trial
        found.append((sighting, seen, measured))
        if rng.random() < 0.2:
            again_s = sighting.at_s + rng.choice((1, 50, 590, 610, 900))
            found.append((dataclasses.replace(sighting, at_s=again_s), seen, measured))
    return sorted(found, key=lambda one: (one[0].at_s, one[0].conversation))


def both(one, several, exchanges, every_s):
    """The verdicts that changed, of either."""
    alone, together, closed_s = [], [], exchanges[0][0].at_s
    for sighting, *shown in exchanges:
        if sighting.at_s >= closed_s + every_s:
            closed_s = sighting.at_s
            alone += one.close(closed_s, closed_s)
            together += several.close(closed_s)
        one.observe(sighting, *shown)
        several.observe(sighting, *shown)
    return alone + one.close(closed_s + DAY, closed_s + DAY), together + several.close(closed_s + DAY)


def state(analysis):
    """What further verdicts rest on; that of which the order means nothing sorted."""
    saved = json.loads(analysis.to_json())
    # A measurement that is no trial is left out once here, and once for each of its quantiles there.
    del saved["units"]["left_out"]
    for part in filter(None, (saved["learning"], saved["totals"])):
        for name in {"trials", "events", "users"} & set(part):
            part[name] = sorted(part[name], key=json.dumps)
    return saved


def test_eight_monitors_without_affinity_judge_as_one_that_saw_everything_tick_for_tick(house):
    def drift(language, turn, at_s):
        return 0.5 if language == "tr" and at_s >= house.now + DAY // 4 else 0.08

    exchanges = with_repeats(anonymous(house.traffic(2, 0.6, drift, users=60)), 7)
    one, several = house.fresh(), Several(house.fresh(), 8, 5)
    alone, together = both(one, several, exchanges, 600)
    assert any(verdict.state == "out_of_control" for verdict in alone)
    assert [verdict.to_dict() for verdict in together] == [verdict.to_dict() for verdict in alone]
    assert state(several.analysis) == state(one)


def test_what_eight_monitors_learn_is_what_one_would_have_learned_thresholds_included(house):
    exchanges = with_repeats(anonymous(house.traffic(3, 0.4, users=60)), 8)
    one, several = house.learning(), Several(house.learning(), 8, 6)
    both(one, several, exchanges, 600)
    assert len(one._thresholds.fixed()) == 3
    assert state(several.analysis) == state(one)
    ours, theirs = several.analysis.promote(house.now + DAY), one.promote(house.now + DAY)
    assert ours.to_json() == theirs.to_json()


def test_strata_with_more_than_may_count_are_thinned_alike_however_the_traffic_is_spread(house):
    def drift(language, turn, at_s):
        return 0.7 if language == "tr" and at_s >= house.now + DAY // 4 else 0.08

    exchanges = with_repeats(anonymous(house.traffic(2, 0.6, drift, users=60)), 7)
    one, eight = Several(house.fresh(), 1, 0, most=12), Several(house.fresh(), 8, 5, most=12)
    for several in (one, eight):
        several.verdicts = []
        closed_s = exchanges[0][0].at_s
        for sighting, *shown in exchanges:
            if sighting.at_s >= closed_s + 600:
                closed_s = sighting.at_s
                several.verdicts += several.close(closed_s)
            several.observe(sighting, *shown)
        several.verdicts += several.close(closed_s + DAY)
    assert eight.thinned > 1000
    assert one.thinned == 0  # its only part was thinned already
    assert any(verdict.state == "out_of_control" for verdict in one.verdicts)
    assert [verdict.to_dict() for verdict in eight.verdicts] == [verdict.to_dict() for verdict in one.verdicts]
    assert state(eight.analysis) == state(one.analysis)


def seen_at(at_s, conversation, *, refused=False, stratum="1", user="u"):
    sighting = Sighting(conversation, "m", at_s, 1, user)
    return sighting, [Observation("refusal_by_length", stratum, float(refused), conversation, user, at_s)]


def test_a_part_keeps_so_many_of_a_row_whatever_was_answered_and_in_whatever_order_and_a_small_row_whole(house):
    def kept(seed, refused):
        parts = Parts(Units(behaviours()), house.rules, CONTEXT, most=50)
        numbers = list(range(2000))
        random.Random(seed).shuffle(numbers)
        for number in numbers:
            parts.observe(*seen_at(house.now + number / 10, f"{number * 7919 % 65536:016x}", refused=refused(number)))
        for number in range(20):
            parts.observe(*seen_at(house.now + number, f"rare {number}", stratum="16+"))
        (part,) = parts.close(house.now + DAY)[0]
        assert part.thinned == 1950
        return [told.sighting for told in part.told]

    usual = kept(1, lambda number: number % 12 == 0)
    assert len(usual) == 70
    assert usual == kept(2, lambda _: True)


@pytest.mark.parametrize("reason", ["losses", "restart"])
def test_an_invalid_part_tells_nothing_and_leaves_those_of_others_alone(house, reason):
    analysis, parts = house.fresh(), [Parts(Units(behaviours()), house.rules, CONTEXT) for _ in range(2)]
    for number, one in enumerate(parts):
        one.observe(*seen_at(house.now + 1, f"{number}", user=f"u{number}"))
    if reason == "losses":
        parts[0].copied(house.now + 1, 100, 1)
    else:
        parts[0].forgot(house.now + 2)
    sealed = [part for one in parts for part in one.close(house.now + 700, house.now + 700)[0]]
    assert [part.invalid for part in sealed] == [reason, None]
    assert [len(part.told) for part in sealed] == [0, 1]
    analysis.take(sealed)
    assert analysis.ticks.at(house.now + 1).entries == 1


def test_what_ends_after_its_part_was_closed_is_late_and_a_monitor_without_traffic_says_how_far_it_is(house):
    parts = Parts(Units(behaviours()), house.rules, CONTEXT)
    assert parts.close(house.now + 1250, house.now + 1250) == ([], house.now // 600 + 2)
    parts.observe(*seen_at(house.now + 1199, "c"))
    assert parts.late == 1
    # A clock that goes back opens nothing again.
    assert parts.close(house.now, house.now)[1] == house.now // 600 + 2


def test_without_word_of_what_is_in_flight_a_part_closes_after_the_grace(house):
    parts = Parts(Units(behaviours()), house.rules, CONTEXT)
    parts.observe(*seen_at(house.now + 1, "c"))
    assert parts.close(house.now + 600 + house.rules.grace_s - 1)[0] == []
    assert len(parts.close(house.now + 600 + house.rules.grace_s)[0]) == 1


def test_what_an_exchange_itself_says_to_be_no_trial_is_left_out_and_counted(house):
    parts = Parts(Units(behaviours()), house.rules, CONTEXT)
    parts.observe(
        Sighting("c", "m", house.now, 2, None, recognised=False),
        [Observation("refusal_by_length", "2-3", 0.0, "c", None, house.now)],
    )
    (part,) = parts.end()
    assert (part.told, part.left_out) == ((), {"no_conversation_key": 1})
    assert part.seen == {"m": (house.now, None)}
