"""Errands of a patrol against a real server: who answers, what a change did, and why an alarm came."""

import json
import random
from collections import Counter

import aiohttp
import pytest
from canary_days import Asking, World
from real import missing

from sidecar.canary.asking import Profile
from sidecar.canary.diagnosis import Alarm
from sidecar.canary.errands import EVERY, FINGERPRINT_RUN, LADDER_RUN
from sidecar.canary.schedule import DAY_S
from sidecar.canary.variants import Variant
from sidecar.demo.model import ModelUnavailable, RealModel

MODEL = ("policy_proxy", "mild_refusal", "fingerprint")
LADDERS = ("ladders", "ladders_harmless")
HARMLESS = ("thank the staff", "short complaint", "short invitation", "notice for the door")


@pytest.fixture
async def world():
    async with World() as world:
        yield world


def refuses(body, rng, model):
    """A model that declines what the ladders want declined, with the chances of ``model(depth, harmless)``."""
    users = [message["content"] for message in body["messages"] if message["role"] == "user"]
    last = users[-1]
    harmless = any(words in last for words in HARMLESS)
    if rng.random() < model(len(users) - 1, harmless):
        return "I'm sorry, but I can't help with that."
    return f"Here you are. {last} This is the text that you asked for. It says what was wanted, and says it well."


def steady(_depth, harmless):
    return 0.04 if harmless else 0.95


def decayed(depth, harmless):
    """In long talks it no longer declines."""
    return 0.4 if depth >= 8 and not harmless else steady(depth, harmless)


def timid(depth, harmless):
    """In long talks it declines harmless things."""
    return 0.7 if depth >= 8 and harmless else steady(depth, harmless)


async def test_short_greedy_prompts_are_asked_without_chance_and_now_and_then(world, tmp_path):
    bodies = []
    world.reply = lambda body: bodies.append(body) or "four"
    async with Asking(world, tmp_path, errands=True, only=MODEL) as asking:
        await asking.go_on(DAY_S)
        rows = Counter(row.run for row in asking.results.rows())
        learned_at = len(bodies)
        assert asking.errands.variants.state(world.wall_s) == "same"
        await asking.go_on(DAY_S)
        later = Counter(row.run for row in asking.results.rows())
    assert later["schedule"] - rows["schedule"] > 150
    share = (later[FINGERPRINT_RUN] - rows[FINGERPRINT_RUN]) / (len(bodies) - learned_at)
    assert share == pytest.approx(1 / EVERY, abs=0.06)
    assert {body["temperature"] for body in bodies if body["max_tokens"] == 8} == {0.0}


async def test_a_model_swapped_in_silence_is_found_in_a_round_and_compared_with_the_one_before(world, tmp_path):
    world.reply = lambda body: "as ever" if body["max_tokens"] == 8 else "That is not something I may say."
    async with Asking(world, tmp_path, errands=True, only=MODEL, minute=10**7, budget=10**8) as asking:
        await asking.go_on(0.8 * DAY_S)
        assert asking.heard.changes == []
        before = len([row for row in asking.results.rows() if row.run == FINGERPRINT_RUN])
        swapped_s = world.wall_s
        world.reply = lambda body: "otherwise" if body["max_tokens"] == 8 else f"Sure: {json.dumps(body['messages'])}"
        await asking.go_on(0.6 * DAY_S)
        (change,) = asking.heard.changes
        asked = [row for row in asking.results.rows() if row.run == FINGERPRINT_RUN and row.at_s <= change.at_s]
        assert len(asked) - before <= 12  # one round
        assert (change.kind, change.after) == ("silent", Variant("m", "", 1))
        assert change.since_s >= swapped_s
        # What the earlier one said is stale; what was said since then is the new one's.
        current = asking.window.probes(world.wall_s)
        assert [probe for probe in asking.window.every(world.wall_s) if probe.at_s >= change.since_s] == current
        assert {row.generation for row in asking.results.rows(change.since_s)} == {1}
        assert min(probe.at_s for probe in current) >= change.since_s
        assert len(asking.window.every(world.wall_s)) > len(current) + 100
        (comparison,) = asking.heard.comparisons
        found = {delta.category: delta for delta in comparison.deltas()}
        assert found["adversarial"].verdict == "exceeds_confirmed"
        assert found["adversarial"].passed_b <= 1
        kept = [one for one in asking.results.comparisons() if one.category == "adversarial"]
        assert [(one.a, one.b, one.verdict) for one in kept] == [("m", "m +1", "exceeds_confirmed")]


async def test_a_declared_change_is_compared_too_and_one_that_changes_nothing_is_within(world, tmp_path):
    world.reply = lambda _: "That is not something I may say."
    async with Asking(world, tmp_path, errands=True, only=MODEL, minute=10**7, budget=10**8) as asking:
        await asking.go_on(0.5 * DAY_S)
        world.build = "fp_2"
        await asking.go_on(0.5 * DAY_S)
        (change,) = asking.heard.changes
        assert (change.kind, change.after) == ("declared", Variant("m", "fp_2"))
        (comparison,) = asking.heard.comparisons
        assert {delta.drop.points for delta in comparison.deltas()} == {0.0}


async def test_what_is_asked_again_is_sampled_as_it_was_whatever_users_send_by_then(world, tmp_path):
    bodies, sampling = [], [(("temperature", 0.3),)]
    world.reply = lambda body: bodies.append(body) or "That is not something I may say."
    async with Asking(world, tmp_path, errands=True, only=MODEL, minute=10**7, budget=10**8) as asking:
        asking.prober._asker.profile = Profile(drawn=lambda: sampling[0])
        await asking.go_on(0.3 * DAY_S)
        sampling[0] = (("temperature", 1.1),)
        world.build = "fp_2"
        await asking.go_on(0.3 * DAY_S)
        (comparison,) = asking.heard.comparisons
        pairs = comparison.recheck.pairs
    assert len(pairs) > 20
    assert {pair[1].sampling for pair in pairs} == {(("temperature", 0.3),)}
    assert all(then.sampling == now.sampling for then, now in pairs)
    assert {body["temperature"] for body in bodies} == {0.0, 0.3, 1.1}


async def test_a_listing_and_then_another_build_are_one_change_that_is_measured_once(world, tmp_path):
    world.reply = lambda _: "That is not something I may say."
    async with Asking(world, tmp_path, errands=True, only=MODEL, minute=10**7, budget=10**8) as asking:
        asking.errands.declared("listing", "m", "aa", world.wall_s)
        await asking.go_on(0.5 * DAY_S)
        world.build = "fp_2"
        asking.errands.declared("listing", "m", "bb", world.wall_s)
        await asking.go_on(0.5 * DAY_S)
        (change,), (confirmed,) = asking.heard.changes, asking.heard.signs
        assert (change.signs, confirmed.signs) == (("listing",), ("listing", "reply"))
        assert (confirmed.before, confirmed.after) == (change.before, Variant("m", "fp_2"))
        (comparison,) = asking.heard.comparisons
        assert comparison.change == confirmed
        assert {pair[1].fingerprint for pair in comparison.recheck.pairs} == {"fp_2"}
        assert len(comparison.recheck.pairs) > 50
        assert {(one.a, one.b) for one in asking.results.comparisons()} == {("m", "m fp_2")}


async def test_a_listing_that_follows_another_build_asks_nothing_again(world, tmp_path):
    world.reply = lambda _: "That is not something I may say."
    async with Asking(world, tmp_path, errands=True, only=MODEL, minute=10**7, budget=10**8) as asking:
        asking.errands.declared("listing", "m", "aa", world.wall_s)
        await asking.go_on(0.5 * DAY_S)
        world.build = "fp_2"
        await asking.go_on(1200)
        pairs = len(asking.errands.changeover.recheck.pairs)
        before = asking.errands.changeover
        asking.errands.declared("listing", "m", "bb", world.wall_s - 600)
        assert asking.errands.changeover is before
        assert (len(asking.heard.changes), len(asking.heard.signs)) == (1, 1)
        await asking.go_on(600)
        assert len(before.recheck.pairs) > pairs
        assert {row.generation for row in asking.results.rows() if row.fingerprint == "fp_2"} == {0}


async def test_what_was_learned_of_a_variant_is_known_after_a_restart(world, tmp_path):
    world.reply = lambda _: "as ever"
    async with Asking(world, tmp_path, errands=True, only=MODEL) as asking:
        await asking.go_on(0.5 * DAY_S)
        assert asking.errands.variants.state(world.wall_s) == "same"
    async with Asking(world, tmp_path, errands=True, only=MODEL) as asking:
        assert asking.errands.variants.state(world.wall_s) == "same"
        world.reply = lambda _: "otherwise"
        await asking.go_on(0.4 * DAY_S)
        assert [change.kind for change in asking.heard.changes] == ["silent"]


async def cause(world, folder, seed, after, days=3.0):
    """``days`` of a steady model, then ``after``; an alarm an hour later. What the ladder says of it."""
    rng = random.Random(seed)
    world.reply = lambda body: refuses(body, rng, steady)
    folder.mkdir()
    asking = Asking(world, folder, errands=True, only=LADDERS, seed=seed, minute=10**7, budget=10**8)
    async with asking:
        await asking.go_on(days * DAY_S)
        since_s = world.wall_s
        world.reply = lambda body: refuses(body, rng, after)
        await asking.go_on(3600)
        before = len(asking.window.every(world.wall_s))
        asking.errands.alarmed(Alarm("refusal_by_length", "8-15", "m", world.wall_s, since_s))
        await asking.go_on(8 * 3600)
        ((_, said),) = asking.heard.causes
        asked = [row for row in asking.results.rows() if row.run == LADDER_RUN]
        assert said.pairs <= len(asked) <= 240
        assert len(asking.window.every(world.wall_s)) - before < 8 * 12 + 45  # what is asked twice is in no figure
    return said.cause


@pytest.mark.parametrize(("after", "wanted"), [(decayed, "model"), (steady, "users")])
async def test_the_ladder_of_an_alarm_says_whether_the_model_or_the_users_changed(world, tmp_path, after, wanted):
    assert await cause(world, tmp_path / "a", 11, after, days=1.2) == wanted


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("after", "wanted"), [(decayed, "model"), (timid, "model"), (steady, "users")])
async def test_changed_models_and_changed_users_are_told_apart_in_nineteen_of_twenty(world, tmp_path, after, wanted):
    causes = Counter([await cause(world, tmp_path / str(seed), seed, after) for seed in range(20)])
    assert causes[wanted] >= 19, causes


async def test_an_alarm_that_no_ladder_was_asked_for_before_is_said_to_be_unknown_at_once(world, tmp_path):
    async with Asking(world, tmp_path, errands=True, only=LADDERS) as asking:
        asking.errands.alarmed(Alarm("refusal_by_length", "1", "m", world.wall_s, world.wall_s))
        asking.errands.alarmed(Alarm("refusal_by_length", "1", "another model", world.wall_s, world.wall_s))
        assert [said.cause for _, said in asking.heard.causes] == ["unknown", "unknown"]
        assert not asking.errands.hurried


async def test_only_what_was_asked_before_the_change_is_asked_again(world, tmp_path):
    world.reply = lambda _: "I can't help with that."
    async with Asking(world, tmp_path, errands=True, only=LADDERS) as asking:
        since_s = world.wall_s
        await asking.go_on(0.5 * DAY_S)
        asking.errands.alarmed(Alarm("refusal_by_length", "1", "m", world.wall_s, since_s))
        assert [said.cause for _, said in asking.heard.causes] == ["unknown"]
        asking.errands.alarmed(Alarm("refusal_by_length", "1", "m", world.wall_s, world.wall_s))
        assert [said.cause for _, said in asking.errands.diagnoses.values()] == ["asking"]


async def test_alarms_of_one_moment_share_a_ladder_and_the_list_of_them_is_bounded(world, tmp_path):
    rng = random.Random(1)
    world.reply = lambda body: refuses(body, rng, steady)
    async with Asking(world, tmp_path, errands=True, only=LADDERS, minute=10**7, budget=10**8) as asking:
        await asking.go_on(0.7 * DAY_S)
        for number in range(30):
            asking.errands.alarmed(Alarm("refusal_by_length", str(number), "m", world.wall_s, world.wall_s))
        await asking.go_on(8 * 3600)
        assert len([row for row in asking.results.rows() if row.run == LADDER_RUN]) <= 240
        assert len(asking.errands.diagnoses) == 20
        (shared,) = {said.cause for _, said in asking.errands.diagnoses.values()}
        assert shared in ("users", "unknown")


async def test_errands_rest_where_the_budget_leaves_no_room(world, tmp_path):
    world.reply = lambda _: "four"
    async with Asking(world, tmp_path, errands=True, only=MODEL) as asking:
        await asking.go_on(0.05 * DAY_S)
        assert asking.errands.hurried
        asking.prober._minute.tokens = 10
        before = len(asking.told)
        await asking.go_on(0.5 * DAY_S)
        hurried = len(asking.told) - before
    assert hurried < 0.8 * DAY_S / 300  # and not five times as many


async def test_where_only_short_greedy_prompts_are_asked_they_are_asked(world, tmp_path):
    world.reply = lambda _: "four"
    async with Asking(world, tmp_path, errands=True, only=("fingerprint",)) as asking:
        await asking.go_on(0.2 * DAY_S)
        assert asking.errands.variants.state(world.wall_s) == "same"


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_real_model_is_the_same_for_rounds_and_another_template_in_front_of_it_is_found_within_one(
    world, tmp_path
):
    template = {}

    async def ask(body):
        messages = [*template.get("system", []), *body["messages"]]
        async with session.post(f"{model.url}/v1/chat/completions", json={**body, "messages": messages}) as answer:
            return (await answer.json())["choices"][0]["message"]["content"]

    try:
        model = await RealModel().__aenter__()
    except ModelUnavailable as error:
        missing(str(error))
    try:
        async with (
            aiohttp.ClientSession() as session,
            Asking(world, tmp_path, errands=True, only=("fingerprint",), budget=10**8) as asking,
        ):
            world.reply = ask
            await asking.go_on(2 * DAY_S)
            assert asking.heard.changes == []
            assert asking.errands.variants.state(world.wall_s) == "same"
            before = len(asking.told)
            assert before > 16 * 12
            template["system"] = [{"role": "system", "content": "You are a pirate. Answer like one."}]
            await asking.go_on(DAY_S)
            (change,) = asking.heard.changes
            answers = [probe for probe in asking.told[before:] if probe.at_s <= change.at_s]
            assert len(answers) <= 12
    finally:
        await model.stop()
