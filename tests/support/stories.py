"""Six stories of a model in production, as traffic: what alarms in each is known beforehand.

A house of 600 users, two apps, three languages, conversations of one, three and six turns, and chains of tools. The model
refuses 5 % in English, 25 % in German, 14 % in Turkish. In each story one thing changes: the strata of ``alarms`` must be found
out of control then, those of ``allowed`` may, since they move too, and no other.
"""

from __future__ import annotations

import itertools
import json
import math
import random
from dataclasses import dataclass, field, replace

from scripted import ScriptedModel

from detectors.features.calibration import classifier_digest
from detectors.records.baseline import Baseline, Layer, Reference
from detectors.watch.picks import is_picked
from detectors.watch.rules import COUNTING
from sidecar.demo.language import languages
from sidecar.demo.script import Phase, Policy, Rule, Script
from sidecar.gateway.keyed_hash import KeyedHash
from sidecar.replay.reading import KEY

DAY_S = 86400.0
BEGIN_S = 1_700_006_400.0
"""A midnight, UTC."""
A_DAY = 1500
"""Conversations."""
USERS = 600
SPOKEN = {"en": 50, "de": 30, "tr": 20}
TURNS = {1: 40, 3: 20, 6: 40}
APPS = {"shop": 60, "mail": 40}
CHAINS = {(): 71, ("search", "read"): 20, ("search", "send_email"): 6, ("send_email",): 3}
TOOLS = {
    name: {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("search", "read", "send_email")
}
RATES = {"en": 0.05, "de": 0.25, "tr": 0.14}


def phase(*rules, hollow=0.01):
    """``rules`` go before those of the house."""
    usual = tuple(
        Rule(Policy(refusal=rate, hollow_refusal=hollow), languages=(language,)) for language, rate in RATES.items()
    )
    return Phase(policy=Policy(refusal=RATES["en"], hollow_refusal=hollow), rules=(*rules, *usual))


@dataclass(frozen=True)
class Story:
    """What is asked and by whom, as weights; ``phase`` is the model; ``silent_s`` is when nobody asks, from the beginning."""

    name: str = "usual"
    phase: Phase = field(default_factory=phase)
    spoken: dict = field(default_factory=lambda: SPOKEN)
    turns: dict = field(default_factory=lambda: TURNS)
    chains: dict = field(default_factory=lambda: CHAINS)
    apps: dict = field(default_factory=lambda: APPS)
    silent_s: tuple[float, float] = (0.0, 0.0)
    alarms: frozenset = frozenset()
    allowed: frozenset = frozenset()


USUAL = Story()
STORIES = (
    Story(
        "Turkish is refused more at turns 4 to 7",
        phase(Rule(Policy(refusal=0.85), languages=("tr",), turns=(4, 7))),
        alarms=frozenset({("refusal_by_language_and_length", "tr:4-7")}),
    ),
    Story(
        "refused after search, then send_email",
        phase(Rule(Policy(refusal=0.6), tools=("send_email",), tool_state="after_result")),
        alarms=frozenset({("refusal_by_tool_sequence", "search>send_email")}),
    ),
    Story(
        "disclaimers come first and the content after them",
        phase(hollow=0.35),
        alarms=frozenset({("hollow_refusal", "1")}),
        allowed=frozenset(("hollow_refusal", stratum) for stratum in ("2-3", "4-7", "rest", "overall")),
    ),
    replace(USUAL, name="another mix of languages", spoken={"en": 10, "de": 70, "tr": 20}),
    replace(USUAL, name="an app is launched", apps={**APPS, "agent": 50}),
    replace(USUAL, name="a night without a request", silent_s=(0.2 * DAY_S, 0.5 * DAY_S)),
)


def conversations(story, seed):
    """(app, bodies by turn) without end, each told by its first message."""
    rng = random.Random(f"{seed} {story.name}")
    for number in itertools.count():
        language = languages()[_one(rng, story.spoken)]
        tools = _one(rng, story.chains)
        body = {"model": "scripted", "user": f"user-{rng.randrange(USERS)}"}
        if tools:
            body["tools"] = [TOOLS[name] for name in tools]
        said, bodies = [], []
        for turn in range(1 if tools else _one(rng, story.turns)):
            topic = rng.choice(language.topics)
            said.append({"role": "user", "content": topic.ask + f" (#{seed}-{number})" * (turn == 0)})
            steps = [message for name in tools if len(tools) > 1 for message in _step(name)]
            bodies.append({**body, "messages": [*said, *steps]})
            said.append({"role": "assistant", "content": topic.answer})
        yield _one(rng, story.apps), bodies


def _one(rng, weights):
    return rng.choices(list(weights), list(weights.values()))[0]


def _step(tool):
    call = {"id": f"call-{tool}", "type": "function", "function": {"name": tool, "arguments": "{}"}}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": '{"pages": ["/care/1"]}'},
    ]


def baseline(rates, tick_s):
    """2,000 trials in each stratum, (behaviour, stratum) to rate, in 120 ticks, by the classifier that runs."""
    references = tuple(
        Reference(
            behaviour, stratum, "scripted", (Layer(stratum, round(2000 * rate), 2000),), 60.0, 1 / len(rates), 1.1, 1.0, math.nan
        )
        for (behaviour, stratum), rate in rates.items()
    )  # fmt: skip
    times = {"collected_from_s": 0.0, "collected_to_s": 120.0 * tick_s, "promoted_at_s": 120.0 * tick_s}
    return Baseline(references, (), tick_s, 120, 1, **times, classifier=classifier_digest(), counting=COUNTING)


def with_key(state):
    """Makes the state directory of a Kilter whose hashes have the key of replays."""
    state.mkdir(parents=True, mode=0o700)
    (state / "install_key").write_text(KEY.ljust(32, b"\0").hex())  # the same key: HMAC fills it up with zeros


def counted(story, seed):
    """(number of the conversation, its name, app, body) without end. Of each conversation only the turns at which it counts
    where ``KEY`` is the key of all hashes: the others change nothing and cost time.
    """
    keyed = KeyedHash(KEY)
    for number, (app, bodies) in enumerate(conversations(story, seed)):
        name = f"{seed}-{number}"
        key = keyed.of(b"conversation", name.encode()).hex()
        for turn, body in enumerate(bodies, start=1):
            if is_picked(key, turn):
                yield number, name, app, body


def records(story, seed, days, begin_s=BEGIN_S):
    """Lines for `kilter replay`, in order of time."""
    model = ScriptedModel(Script(seed=seed, phases=(story.phase,)))
    from_s, to_s = story.silent_s
    for number, name, app, body in counted(story, seed):
        at_s = number * DAY_S / A_DAY
        if at_s >= days * DAY_S:
            return
        at_s += (to_s - from_s) * (at_s >= from_s)
        answer = json.loads(model.capture(body, "").response_body)
        told = {"timestamp": begin_s + at_s, "user": body["user"], "conversation": name, "app": app}
        yield json.dumps({**told, "request": body, "response": answer}, ensure_ascii=False) + "\n"
