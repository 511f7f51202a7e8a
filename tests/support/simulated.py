"""Traffic as the statistics see it, drawn from a seed: whole conversations, their users, and what was refused.

``rate(language, turn, at_s)`` is the chance of a refusal. Only what the analysis reads is made.
"""

from __future__ import annotations

import hashlib
import random

from detectors.features.length import STRATA
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting

LANGUAGES = {"en": 45, "tr": 25, "de": 20, "sw": 10}
LAST = (1, 3, 7, 15)


def key(text):
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def length_stratum(turn):
    return STRATA[sum(turn > last for last in LAST)]


def conversations(seed, from_s, to_s, per_s, rate, *, users=300, model="m", languages=LANGUAGES, turn_s=5.0):
    """(sighting, observations) in the order in which requests begin."""
    rng = random.Random(f"{seed} {from_s}")
    found, at_s, number = [], float(from_s), 0
    while (at_s := at_s + rng.expovariate(per_s)) < to_s:
        number += 1
        conversation = key(f"{seed} {from_s} {number}")
        user = key(f"user {rng.randrange(users)}")
        language = rng.choices(list(languages), list(languages.values()))[0]
        for turn in range(1, rng.choice((1, 1, 3, 7)) + 1):
            began = at_s + (turn - 1) * turn_s
            names = {"response_id": f"r-{number}-{turn}", "app": "shop", "language": language}
            sighting = Sighting(conversation, model, began, turn, user, **names)
            value = float(rng.random() < rate(language, turn, began))
            seen = [
                Observation(feature, stratum, value, conversation, user, began)
                for feature, stratum in (
                    ("refusal_by_language", language),
                    ("refusal_by_length", length_stratum(turn)),
                    ("refusal_by_app", "shop"),
                )
            ]
            found.append((sighting, seen))
    return sorted(found, key=lambda one: one[0].at_s)


def feed(analysis, exchanges, *, every_s=60.0):
    """Gives an analysis exchanges that have all ended when the next begins; the verdicts that changed."""
    changed, closed_s = [], None
    for sighting, observations in exchanges:
        closed_s = sighting.at_s if closed_s is None else closed_s
        if sighting.at_s >= closed_s + every_s:
            changed += analysis.close(sighting.at_s, in_flight_since_s=sighting.at_s)
            closed_s = sighting.at_s
        analysis.observe(sighting, observations)
    return changed
