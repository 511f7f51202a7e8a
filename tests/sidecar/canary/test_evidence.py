"""Evidence of gaps and changes: where it first says something, and how rarely it does where there is nothing."""

import json
import math
import time

import aiohttp
import numpy as np
import pytest
from canary_model import WEAKNESSES, CanaryModel

from sidecar.canary.asking import Asker, Endpoint
from sidecar.canary.draws import secret_id
from sidecar.canary.evidence import SHARE, Flips, weighed
from sidecar.canary.findings import pairs
from sidecar.canary.generate import render
from sidecar.canary.loading import built_in_paths, load_all
from sidecar.canary.prober import Prober
from sidecar.canary.results import Results
from sidecar.canary.rounds import ask_round
from sidecar.canary.targets.base import targets
from sidecar.canary.window import Window

SECRET = bytes([7]) * 32
ALPHA = SHARE * 0.007


@pytest.mark.parametrize(("worse", "better"), [(7, 0), (11, 1), (14, 2), (16, 3), (18, 4)])
def test_a_cell_is_a_watch_first_where_its_e_process_reaches_twenty(worse, better):
    (at,), (before,) = weighed({"a": (worse, better)}, ALPHA), weighed({"a": (worse - 1, better)}, ALPHA)
    (turned,) = weighed({"a": (better, worse)}, ALPHA)
    assert (at.state, before.state, turned.state) == ("watch", "none", "none")
    assert at.log10 == pytest.approx(math.log10(at.e_value))
    assert at.e_value >= 20


def test_evidence_that_the_second_way_is_better_tells_nobody_anything():
    (one,) = weighed({"a": (0, 60)}, ALPHA)
    assert (one.state, one.e_value > 1e9) == ("none", True)


def test_both_shares_of_the_budget_are_one_percent_together():
    assert pytest.approx(0.01) == ALPHA + 0.007


def test_many_cells_that_fail_together_confirm_one_another_and_one_of_many_needs_more():
    quiet = {f"q{number}": (2, 2) for number in range(19)}
    assert {one.cell: one.state for one in weighed({**quiet, "a": (15, 0)}, ALPHA)}["a"] == "watch"
    assert {one.cell: one.state for one in weighed({**quiet, "a": (20, 0)}, ALPHA)}["a"] == "confirmed"
    half = {f"a{number}": (15, 0) for number in range(19)}
    assert {one.state for one in weighed({**half, "q": (2, 2)}, ALPHA) if one.cell != "q"} == {"confirmed"}


def test_of_a_thousand_sound_models_looked_at_after_every_pair_hardly_one_is_confirmed():
    rng = np.random.default_rng(4)
    cells, looks, models = 12, 60, 1000
    confirmed = 0
    for _ in range(models):
        worse = np.cumsum(rng.random((looks, cells)) < 0.5, axis=0)
        steps = [weighed({str(c): (int(worse[t, c]), t + 1 - int(worse[t, c])) for c in range(cells)}, ALPHA) for t in range(9, looks, 10)]  # fmt: skip
        confirmed += any(one.state == "confirmed" for step in steps for one in step)
    assert confirmed <= 8  # 3 in the mean at most


async def asked(folder, epochs, weakness):
    """So many epochs of the suite that has frozen prompts, of a model with ``weakness``."""
    (suite,) = (one for one in load_all(built_in_paths()) if one.suite.suite == "policy_proxy")
    cases = [case for epoch in range(2900, 2900 + epochs) for case in render(suite, SECRET, epoch) if not case.retired]
    async with CanaryModel(cases, WEAKNESSES.get(weakness)) as model, aiohttp.ClientSession() as session:
        with Results(folder / "canary.db") as results:
            asker = Asker(session, Endpoint(targets()["openai.chat"], model.url, "m"))
            prober = Prober(asker, results, budget=10**9, now=time.time)
            return await ask_round(cases, prober, results, run="schedule", secret_id=secret_id(SECRET))


async def test_an_upstream_that_knows_the_anchors_by_heart_is_confirmed_and_a_sound_one_is_not(tmp_path):
    told, gaps = {}, {}
    for weakness in ("goodhart", None):
        probes = await asked(tmp_path, 4, weakness)
        flips = Flips()
        flips.take(pairs(probes))
        flips.take(pairs(probes))  # seen again at the next look: counted once
        told[weakness] = {one.cell: one.state for one in weighed(flips.counts(), ALPHA)}
        gaps[weakness] = Window(1e9, probes).figures(time.time()).goodhart["adversarial"]
    assert told == {"goodhart": {"goodhart": "confirmed"}, None: {"goodhart": "none"}}
    assert (gaps["goodhart"], gaps[None]) == (100.0, 0.0)


async def test_flips_go_on_after_a_restart_and_nonsense_is_refused(tmp_path):
    flips, again = Flips(), Flips()
    probes = await asked(tmp_path, 2, "goodhart")
    flips.take(pairs(probes))
    again.restore(json.loads(json.dumps(flips.to_dict())))
    again.take(pairs(probes))
    assert again.counts() == flips.counts() != {}
    with pytest.raises((KeyError, TypeError, ValueError)):
        again.restore({"worse": {}, "better": {}, "seen": [["a"]]})
