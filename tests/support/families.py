"""A house with one way to drift for each family of alerts, and its baseline, known from its script.

Two models behind one address. ``scripted`` is asked in English and Turkish alike, some requests offer tools: it refuses 24 %,
puts a disclaimer before 6 % of its answers, and calls ``search`` in four of five requests that offer it. ``guarded`` is asked the
same again by whoever it refused: it refuses at the first attempt, and gives in to one of ten at the second.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from dataclasses import dataclass

from load import ask
from stories import TOOLS

from detectors.features.calibration import classifier_digest
from detectors.records.baseline import OVERALL, Baseline, Layer, Reference
from detectors.watch.rules import COUNTING
from sidecar.demo.language import languages

USERS = 600
TICKS, TRIALS = 120, 2000
REFUSAL, HOLLOW, CALLS = 0.24, 0.06, 0.8
CHATS, WITH_TOOLS, KEEN = 60, 15, 12
"""Weights of what is asked; who is keen asks twice."""


def phase(*, refusal=REFUSAL, hollow=HOLLOW, turkish=None, tool="search", yields=0.1, fingerprint="fp_1"):
    """One of the script. ``turkish``: refusals in Turkish, where they are others than in English."""

    def policy(**more):
        return {"refusal": refusal, "hollow_refusal": hollow, **more}

    calls = {"tool_call": CALLS, "tool_chain": [tool]}
    rules = [
        {"models": ["guarded"], "attempts": [1, 1], "policy": {"refusal": 1.0}},
        {"models": ["guarded"], "policy": {"refusal": 1 - yields}},
    ]
    if turkish is not None:
        # As many of its refusals are hollow as in English: that share must not move.
        moved = {"refusal": turkish, "hollow_refusal": turkish * HOLLOW / REFUSAL}
        rules.append({"languages": ["tr"], "tools": ["search"], "policy": moved | calls})
        rules.append({"languages": ["tr"], "policy": moved})
    rules.append({"tools": ["search"], "policy": policy(**calls)})
    return {"policy": policy(), "rules": rules, "fingerprint": fingerprint}


USUAL = phase()


@dataclass(frozen=True)
class Family:
    """A drift: the ``phase`` that brings it, the alerts that must come of it as (alert, behaviour, stratum), and those that
    may, since they move too.
    """

    name: str
    phase: dict
    alerts: frozenset
    allowed: frozenset = frozenset()


def _turkish(*alerts):
    return {(alert, "language_gap", "tr") for alert in alerts}


FAMILIES = (
    Family(
        "hollow refusals",
        phase(hollow=0.5),
        frozenset({("HollowRefusalRise", "hollow_refusal", "1")}),
    ),
    Family(
        "tools",
        phase(tool="send_email"),
        frozenset(
            {
                ("ToolTransitionDrift", "tool_transition", "start>search"),
                ("ToolTransitionDrift", "tool_transition", "start>new"),
            }
        ),
    ),
    Family(
        "persistence",
        phase(yields=0.7),
        frozenset({("PersistenceYield", "persistence_yield", "2")}),
    ),
    Family(
        "refusals and languages",
        phase(turkish=0.75),
        frozenset(
            {
                ("BehaviourDrift", "refusal_by_language", "tr"),
                *_turkish("LanguageRefusalGap", "LanguageGapWidening"),
            }
        ),
        frozenset({("BehaviourDrift", "refusal_by_language", OVERALL), *_turkish("LanguageGapWatch")}),
    ),
)


def baseline(tick_s):
    """2,000 trials a stratum in 120 ticks, at the rates of ``USUAL``."""
    with_tools = WITH_TOOLS / (CHATS + WITH_TOOLS)
    refused = REFUSAL * (1 - CALLS * with_tools)
    strata = {
        ("refusal_by_language", "en", "scripted"): refused,
        ("refusal_by_language", "tr", "scripted"): refused,
        ("hollow_refusal", "1", "scripted"): HOLLOW / (REFUSAL + HOLLOW),
        ("tool_transition", "start>search", "scripted"): CALLS,
        ("tool_transition", "start>answer", "scripted"): 1 - CALLS,
        ("tool_transition", "start>new", "scripted"): 0.0,
        ("persistence_yield", "2", "guarded"): 0.1,
    }
    layers = {series: (Layer(series[1], round(TRIALS * rate), TRIALS),) for series, rate in strata.items()}
    both = layers["refusal_by_language", "en", "scripted"] + layers["refusal_by_language", "tr", "scripted"]
    layers["refusal_by_language", OVERALL, "scripted"] = both
    references = tuple(
        Reference(*series, parts, 60.0, 1 / len(layers), 1.1, 1.0, math.nan) for series, parts in layers.items()
    )
    times = {"collected_from_s": 0.0, "collected_to_s": TICKS * tick_s, "promoted_at_s": TICKS * tick_s}
    return Baseline(references, (), tick_s, TICKS, 1, **times, classifier=classifier_digest(), counting=COUNTING)


def _asked(rng, number):
    """The requests of one person, one after the other: (name of the conversation, body)."""
    kind = rng.choices(("chat", "tools", "keen"), (CHATS, WITH_TOOLS, KEEN))[0]
    topic = rng.choice(languages()["en" if kind == "keen" else rng.choice(("en", "tr"))].topics)
    user = f"keen-{number}" if kind == "keen" else f"user-{rng.randrange(USERS)}"
    said = [{"role": "user", "content": f"{topic.ask} (#{number})"}]
    body = {"model": "guarded" if kind == "keen" else "scripted", "user": user, "messages": said}
    if kind == "tools":
        body["tools"] = [TOOLS["search"], TOOLS["send_email"]]
    return [(f"{number}-{attempt}", body) for attempt in range(2 if kind == "keen" else 1)]


class Clients:
    """Steady traffic of ``per_s`` people a second, from ``async with`` to its end."""

    def __init__(self, url, seed, per_s):
        self._url, self._rng, self._per_s = url, random.Random(seed), per_s
        self._under_way = set()
        self.asked = 0

    async def __aenter__(self):
        self._task = asyncio.get_running_loop().create_task(self._run())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.gather(self._task, *self._under_way, return_exceptions=True)

    async def _run(self):
        loop = asyncio.get_running_loop()
        started = loop.time()
        for number in itertools.count():
            await asyncio.sleep(started + number / self._per_s - loop.time())
            one = loop.create_task(self._ask(_asked(self._rng, number)))
            self._under_way.add(one)
            one.add_done_callback(self._under_way.discard)

    async def _ask(self, requests):
        for name, body in requests:
            self.asked += 1
            await ask(self._url, "/v1/chat/completions", body, [("X-Conversation", name)], limit_s=10)
