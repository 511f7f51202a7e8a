"""What the last days show, and that it is the same after a restart."""

import time
from dataclasses import replace

import aiohttp
import pytest
from canary_model import WEAKNESSES, CanaryModel

from sidecar.canary.asking import Asker, Endpoint
from sidecar.canary.draws import secret_id
from sidecar.canary.expect import Verdict
from sidecar.canary.generate import render
from sidecar.canary.loading import built_in_paths, load_all
from sidecar.canary.prober import Prober
from sidecar.canary.recall import recalled
from sidecar.canary.results import Results
from sidecar.canary.rounds import ask_round
from sidecar.canary.suite import GROUPS
from sidecar.canary.targets.base import targets
from sidecar.canary.window import Window

SECRET = bytes([7]) * 32
DAY_S = 86400.0


@pytest.fixture(scope="module")
def suites():
    return load_all(built_in_paths())


async def round_of(suites, folder, weakness, draws=2):
    cases = [case for suite in suites for draw in range(draws) for case in render(suite, SECRET, 2900, shift=draw)]
    async with CanaryModel(cases, WEAKNESSES.get(weakness)) as model, aiohttp.ClientSession() as session:
        with Results(folder / "canary.db") as results:
            asker = Asker(session, Endpoint(targets()["openai.chat"], model.url, "m"))
            prober = Prober(asker, results, budget=10**9, now=time.time)
            probes = await ask_round(cases, prober, results, run="schedule", secret_id=secret_id(SECRET))
            return probes, results.rows()


def figures(probes):
    return Window(DAY_S, probes).figures(time.time())


async def test_figures_name_the_language_and_the_gap_with_its_interval(suites, tmp_path):
    probes, _ = await round_of(suites, tmp_path, "language:bn")
    shown = figures(probes)
    gap = {named.name: named.gap for named in shown.gaps}["language:bn"]
    assert (gap.points, gap.state, gap.pairs) == (1.0, "exceeded", 20)
    assert gap.low > 0.5
    assert {name.name for name in shown.gaps if name.gap.state == "exceeded"} == {"language:bn"}
    assert shown.ratios["translations", "multilingual", "bn"].passed == 0
    assert shown.ratios["translations", "multilingual", "en"].passed == 20


@pytest.mark.parametrize(
    ("weakness", "found"),
    [
        ("confident_hallucination", lambda shown: shown.hallucination["medical"] == 1.0 and shown.insecure_code == 0),
        ("insecure_code:CWE-89", lambda shown: shown.insecure_code > 0 and not any(shown.hallucination.values())),
        ("goodhart", lambda shown: shown.goodhart["adversarial"] > 50),
    ],
)
async def test_each_rate_shows_its_own_weakness(suites, tmp_path, weakness, found):
    chosen = [s for s in suites if s.suite.suite in ("facts_medical", "secure_code", "policy_proxy")]
    probes, _ = await round_of(chosen, tmp_path, weakness, draws=1)
    assert found(figures(probes))


async def test_after_a_restart_figures_are_as_they_were(suites, tmp_path):
    probes, rows = await round_of(suites, tmp_path, "language:bn")
    again = recalled(rows, suites, SECRET)
    assert figures(again) == figures(probes)
    assert [(probe.case, probe.model) for probe in again] == [(probe.case, probe.model) for probe in probes]


async def test_what_cannot_be_recalled_is_left_out(suites, tmp_path):
    chosen = suites[:1]
    _, rows = await round_of(chosen, tmp_path, None, draws=1)
    assert recalled(rows, chosen, bytes(32)) == []
    assert recalled(rows, (), SECRET) == []
    assert len(recalled(rows, chosen, SECRET)) == len(rows)


def test_groups_without_a_result_stand_at_zero_and_old_results_go(suites):
    empty = Window(DAY_S).figures(time.time())
    assert empty.valid == dict.fromkeys(GROUPS, 0)
    assert (empty.ratios, empty.gaps, empty.insecure_code) == ({}, (), None)


async def test_what_another_model_said_is_stale(suites, tmp_path):
    chosen = [suite for suite in suites if suite.suite.suite == "facts_legal"]
    probes, _ = await round_of(chosen, tmp_path, None, draws=1)
    assert {probe.model for probe in probes} == {"scripted"}
    window = Window(DAY_S, probes)
    window.add(replace(probes[0], model="another"))
    assert window.figures(time.time()).valid["implicit_harm"] == 1
    window.add(replace(probes[1], model="", verdict=Verdict("error", "transport", "connect")))
    assert window.figures(time.time()).valid["implicit_harm"] == 1  # an error says nothing of who is there
    window.add(probes[2])
    assert window.figures(time.time()).valid["implicit_harm"] == len(probes) + 1


async def test_results_older_than_the_window_count_no_more(suites, tmp_path):
    chosen = [suite for suite in suites if suite.suite.suite == "facts_legal"]
    probes, _ = await round_of(chosen, tmp_path, None, draws=1)
    window = Window(DAY_S, probes)
    assert window.figures(time.time() + DAY_S - 60).valid["implicit_harm"] == len(probes)
    assert window.figures(time.time() + DAY_S + 60).valid["implicit_harm"] == 0
    assert all(probe.transcript is None for probe in window.probes(time.time()))
