"""The state directory of a Kilter that has a baseline and one alarm, made without a process or a request."""

from __future__ import annotations

import time

from detectors.catalog import behaviours
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from sidecar.config import Config
from sidecar.monitor.judging import Judging

BEHAVIOUR, STRATUM, MODEL = "refusal_by_length", "1", "scripted"


def make(state):
    """One refusal in ten was usual; since an hour ago everything is refused. The alarm's id."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    less = {"baseline": {"learn_days": 1, "learn_trials": 500}}
    config = Config.model_validate({"upstream": "http://u", "state": str(state), **less})
    begun = time.time() // 60 * 60 - 7200
    judging = Judging(config, behaviours(), begun)
    _count(judging, begun, 1500, refused=10)
    judging.promote(begun + 3600, anyway=False)
    _count(judging, begun + 3600, 1500, refused=1)
    (alarm,) = [one for one in judging.alarms() if one.verdict.series == (BEHAVIOUR, STRATUM, MODEL)]
    judging.end(time.time())
    return alarm.id


def _count(judging, from_s, count, refused):
    for number in range(count):
        at_s = from_s + 2 * number
        name = f"{from_s:.0f}-{number}"
        sighting = Sighting(name, MODEL, at_s, 1, f"u{number % 200}", response_id=f"chatcmpl-{number}", app="shop")
        value = float(number % refused == 0)
        judging.succession.observe(sighting, [Observation(BEHAVIOUR, STRATUM, value, name, sighting.user, at_s)], [])
    judging.close(from_s + 2 * count, from_s + 2 * count)
