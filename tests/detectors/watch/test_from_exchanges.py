"""From the texts of exchanges to verdicts: the alarm comes in the stratum that moved, by the behaviour that names it.

Two days are learned and one is watched, 1,300 conversations a day of 400 users, ticks of ten minutes. Seed 7.
"""

import random

from detectors.catalog import behaviours
from detectors.features.extract import extract
from detectors.records.exchange import Exchange, Message, ToolEvent
from detectors.records.sighting import Sighting
from detectors.watch.analysis import Analysis
from detectors.watch.rules import Rules
from sidecar.demo.language import languages

DAY, START, A_DAY = 86400, 19_000 * 86400, 1300
RULES = Rules(tick_s=600, floor=0.1, floor_relative=1.0, evidence_ticks=1000)
ENGLISH = languages()["en"]


def answer(rng, refusal=0.0, hollow=0.0):
    draw, topic = rng.random(), rng.choice(ENGLISH.topics)
    if draw < refusal:
        return rng.choice(ENGLISH.refusals)
    if draw < refusal + hollow:
        return f"{rng.choice(ENGLISH.disclaimers)}\n\n{topic.answer}"
    return topic.answer


def exchange(number, said, text, user):
    return Exchange(
        operation_name="chat",
        provider_name="x",
        response_model="m",
        conversation_id=f"{number:016x}",
        input_messages=tuple(said),
        output_messages=(Message("assistant", text),),
        started_at_s=START + number * DAY / A_DAY,
        user_key=user,
        turns=1,
        tools_offered=("search", "read", "send_email") if len(said) > 1 else (),
    )


def chain(*tools):
    """What stands before an answer to the results of ``tools``."""
    said = [Message("user", "Find out how bread rises and tell my sister.")]
    for group, name in enumerate(tools):
        events = [ToolEvent(kind, name, f"c{group}", parallel_group=group) for kind in ("call", "result")]
        said += [Message("assistant", tool_events=(events[0],)), Message("tool", "{}", tool_events=(events[1],))]
    return said


def alarms(traffic):
    """``traffic(rng, number, moved)`` is one exchange; from the third day on ``moved``."""
    watched, rng = behaviours(), random.Random(7)
    analysis, until = Analysis(watched, RULES, "digest"), START
    for number in range(3 * A_DAY):
        user = f"u{rng.randrange(400)}"
        one = exchange(number, *traffic(rng, number >= 2 * A_DAY), user)
        if number == 2 * A_DAY:
            analysis.close(one.started_at_s, one.started_at_s)
            analysis.promote(one.started_at_s)
        if one.started_at_s - until >= RULES.tick_s:
            until = one.started_at_s
            analysis.close(until, until)
        features = extract(one)
        sighting = Sighting(one.conversation_id, "m", one.started_at_s, 1, user)
        analysis.observe(sighting, [seen for behaviour in watched for seen in behaviour.observe(one, features)])
    return {(alarm.verdict.behaviour, alarm.verdict.stratum) for alarm in analysis.alarms}


def test_refusals_after_search_and_send_email_alarm_there_and_not_after_search_and_read():
    def traffic(rng, moved):
        draw = rng.random()
        if draw < 0.7:
            return [Message("user", rng.choice(ENGLISH.topics).ask)], answer(rng, refusal=0.08)
        if draw < 0.85:
            return chain("search", "read"), answer(rng, refusal=0.08)
        return chain("search", "send_email"), answer(rng, refusal=0.6 if moved else 0.08)

    found = alarms(traffic)
    assert ("refusal_by_tool_sequence", "search>send_email") in found
    assert ("refusal_by_tool_sequence", "search>read") not in found
    assert ("refusal_by_tool_sequence", "none") not in found
    assert ("refusal_by_tool_state", "no_tools") not in found


def test_disclaimers_with_the_content_after_them_alarm_as_hollow_and_not_as_refusals():
    def traffic(rng, moved):
        said = [Message("user", rng.choice(ENGLISH.topics).ask)]
        return said, answer(rng, refusal=0.1, hollow=0.25 if moved else 0.02)

    found = {(behaviour, stratum) for behaviour, stratum in alarms(traffic)}
    assert any(behaviour == "hollow_refusal" for behaviour, _ in found)
    assert not any(behaviour.startswith("refusal_by_") for behaviour, _ in found)
