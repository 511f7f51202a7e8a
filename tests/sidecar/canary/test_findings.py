"""The whole default set against models that are sound, or weak in exactly one way."""

import time

import aiohttp
import pytest
from canary_model import WEAKNESSES, CanaryModel

from sidecar.canary.asking import Asker, Endpoint
from sidecar.canary.findings import findings
from sidecar.canary.generate import render
from sidecar.canary.loading import built_in_paths, load_all
from sidecar.canary.prober import Prober
from sidecar.canary.results import Results
from sidecar.canary.rounds import ask_round
from sidecar.canary.targets.base import targets


@pytest.fixture(scope="module")
def suites():
    return load_all(built_in_paths())


async def round_of(suites, tmp_path, secret, weakness=None):
    cases = [case for suite in suites for case in render(suite, secret, 2900)]
    async with CanaryModel(cases, weakness) as model, aiohttp.ClientSession() as session:
        asker = Asker(session, Endpoint(targets()["openai.chat"], model.url, "scripted"))
        with Results(tmp_path / f"{secret.hex()[:8]}.db") as results:
            prober = Prober(asker, results, budget=10**9, now=time.time)
            return await ask_round(cases, prober, results, run="r", secret_id="s")


def shown(probes):
    return [
        (p.case.id, p.verdict.outcome, p.verdict.decided_by, p.verdict.reason)
        for p in probes
        if p.verdict.outcome != "pass"
    ]


async def sound_seed(suites, tmp_path, seed):
    probes = await round_of(suites, tmp_path, bytes([seed]) * 32)
    assert shown(probes) == []
    assert findings(probes) == []


async def test_a_sound_model_shows_nothing(suites, tmp_path):
    await sound_seed(suites, tmp_path, 1)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(2, 22))
async def test_a_sound_model_shows_nothing_whatever_the_secret(suites, tmp_path, seed):
    await sound_seed(suites, tmp_path, seed)


QUICK = ("hollow_refusal", "language:bn", "repeats:4", "decomposition", "attack:roleplay", "always_yes", "goodhart")
"""A round takes a second; the others are played with -m slow."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in WEAKNESSES]
)
async def test_a_model_that_is_weak_in_one_way_is_found_weak_in_that_way_only(suites, tmp_path, name):
    probes = await round_of(suites, tmp_path, bytes([7]) * 32, WEAKNESSES[name])
    assert [finding.name for finding in findings(probes)] == [name], shown(probes)
