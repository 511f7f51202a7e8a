"""Canaries of a real ``kilter run``: what they find, where it is seen, and that users notice nothing."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import statistics
import time

import pytest
from aiohttp import web
from canary_model import WEAKNESSES, CanaryModel
from chat_server import ChatServer, said
from load import ask, at_rate, chat
from running import RunningKilter

from sidecar.canary.generate import render
from sidecar.canary.loading import built_in_paths, load_all
from sidecar.evidence.verify import records

SECRET = "5a" * 32
KEY = "sk-only-for-canaries"
SUITE = """version: 1
suite: mine
slots: {w: {nonce: 8}}
families:
  - {id: en, group: agentic, prompts: {en: "Say {w}."}, expect: {contains_nonce: w}}
"""


def configured(folder, **canary):
    """Flags for ``kilter run``; canaries come fast."""
    (folder / "secret").write_text(SECRET)
    (folder / "key").write_text(KEY)
    section = {
        "enabled": True,
        "key_file": str(folder / "key"),
        "secret_file": str(folder / "secret"),
        "tokens_a_day": 10**8,
        "tokens_a_minute": 10**8,
        "interval_s": 0.02,
        "model": "scripted",
        "max_inflight": 1000,
        **canary,
    }
    (folder / "kilter.yaml").write_text(json.dumps({"canary": section}))
    return "--config", str(folder / "kilter.yaml")


def results(kilter):
    with contextlib.closing(sqlite3.connect(kilter.state / "canary.db")) as db:
        return db.execute("SELECT suite, family, variant, language, epoch, draw, repeat FROM result").fetchall()


def evidence(kilter):
    key = bytes.fromhex((kilter.state / "evidence_key").read_text().strip())
    return [content for _, content, _ in records(kilter.state / "evidence", key)]


class TwoFaced(ChatServer):
    """A model server that answers users well and canaries, known by their key, with ``canary``."""

    def __init__(self):
        self.canary = self.sound
        self.canaries = 0
        self.used = []

    async def sound(self, _request, body):
        return self.said(body["messages"][-1]["content"])

    def said(self, text):
        return said(text, usage=(90, 10))

    async def chat(self, request, body):
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return self.said("Shift to the smallest ring, then brush it.")
        self.canaries += 1
        self.used.append(time.monotonic())
        return await self.canary(request, body)


async def until(kilter, held, limit_s=20.0):
    return await asyncio.to_thread(kilter.until, held, limit_s)


async def test_a_weakness_is_found_counted_and_evidence_and_no_user_is_blamed(tmp_path):
    suites = [suite for suite in load_all(built_in_paths()) if suite.suite.suite == "translations"]
    epoch = int(time.time()) // (7 * 86400)
    cases = [c for suite in suites for at in (epoch, epoch + 1) for c in render(suite, bytes.fromhex(SECRET), at)]
    flags = configured(tmp_path, only=["translations"])
    async with CanaryModel(cases, WEAKNESSES["language:bn"]) as model:
        with RunningKilter(model.url, tmp_path / "k", *flags) as kilter:
            seen = await until(kilter, lambda now: now.total("kilter_canary_gap_pairs", language="bn") >= 6)
            document = json.loads(kilter.get("/api/v1/canaries")[1])
            os.kill(kilter.pids("sidecar.monitor")[0], signal.SIGKILL)
            await asyncio.sleep(0.5)
            again = await until(
                kilter,
                lambda now: now.total("kilter_canary_probes_total", outcome="pass") >= 20 and len(results(kilter)) > 90,
            )
            kept = results(kilter)
    gap = {"axis": "language", "language": "bn"}
    assert seen.total("kilter_canary_gap_points", **gap) == 100
    assert [(row["points"], row["state"]) for row in document["gaps"] if row["language"] == "bn"] == [(100, "exceeded")]
    assert seen.total("kilter_canary_gap_points_low", **gap) > 30
    assert seen.total("kilter_canary_gap_detectable_points", **gap) > 0
    assert seen.total("kilter_canary_gap_state", **gap, state="exceeded") == 1
    assert seen.total("kilter_canary_gap_state", language="tr", state="exceeded") == 0
    assert seen.total("kilter_canary_pass_ratio", language="bn") == 0
    assert seen.total("kilter_canary_pass_ratio", language="es") == 1
    assert seen.total("kilter_responses_total") == again.total("kilter_responses_total") == 0
    assert again.total("kilter_canary_decided") > seen.total(
        "kilter_canary_decided"
    )  # what a dead monitor knew is kept
    assert len(set(kept)) == len(kept)  # and nothing is asked twice
    told = [record["data"] for record in evidence(kilter) if record["kind"] == "probe"]
    assert len(told) >= len(kept) - 1  # a kill may come between the two
    assert {row["outcome"] for row in told if row["language"] == "bn"} == {"fail"}
    commits = [record["data"] for record in evidence(kilter) if record["kind"] == "epoch"]
    assert next((row["suite"], row["draw"]) for row in commits) == ("translations", 0)


async def hanging(request, body):
    await asyncio.sleep(30)


async def garbage(request, body):
    return web.Response(text="<html>")


async def broken(request, body):
    return web.Response(status=500)


async def later(request, body):
    return web.Response(status=429, headers={"Retry-After": "0.05"})


async def half(request, body):
    answer = web.StreamResponse(headers={"Content-Length": "500"})
    await answer.prepare(request)
    await answer.write(b'{"choices": [')
    request.transport.close()
    return answer


@pytest.mark.parametrize(
    "troubles", [(hanging, half), pytest.param((garbage, broken, later), marks=pytest.mark.slow)], ids=["cut", "wrong"]
)
async def test_whatever_the_server_does_to_canaries_users_are_served_and_the_outcome_is_an_error(tmp_path, troubles):
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites/mine.yaml").write_text(SUITE)
    flags = configured(
        tmp_path, suites=str(tmp_path / "suites"), only=["mine"], timeout_s=0.2, breaker_errors=3, breaker_rest_s=0.3
    )
    async with TwoFaced() as upstream:
        with RunningKilter(upstream.url, tmp_path / "k", *flags) as kilter:
            for trouble in troubles:
                before = await until(kilter, lambda now: now.total("kilter_canary_probes_total", outcome="pass") > 0)
                upstream.canary = trouble
                jobs = [lambda: ask(kilter.url, *chat("How do I clean a chain?"), limit_s=5)] * 60
                answers = await at_rate(60, jobs)
                assert {(answer.status, answer.error) for answer in answers} == {(200, "")}, trouble
                errors = before.total("kilter_canary_probes_total", outcome="error")
                now = await until(
                    kilter, lambda m, errors=errors: m.total("kilter_canary_probes_total", outcome="error") > errors
                )
                assert now.total("kilter_canary_probes_total", outcome="error") > errors, trouble
                assert now.total("kilter_canary_probes_total", outcome="fail") == 0, trouble
                upstream.canary = upstream.sound
            await until(kilter, lambda now: now.total("kilter_canary_skipped_total", reason="circuit_open") > 0)
            (tmp_path / "suites/mine.yaml").write_text("suite: [")
            passed = kilter.metrics().total("kilter_canary_probes_total", outcome="pass")
            now = await until(kilter, lambda m: m.total("kilter_canary_probes_total", outcome="pass") > passed + 5)
            assert now.total("kilter_canary_probes_total", outcome="pass") > passed + 5
            assert now.total("kilter_canary_suites", state="kept") == 1
            assert now.total("kilter_canary_suite_errors_total") == 1
            assert now.total("kilter_responses_total") == 60 * len(troubles)
            assert KEY not in kilter.log()
            assert "How do I clean" not in kilter.log()


async def test_without_their_key_nothing_is_asked_and_that_is_said(tmp_path):
    async with TwoFaced() as upstream:
        flags = configured(tmp_path, key_file=str(tmp_path / "nowhere"))
        with RunningKilter(upstream.url, tmp_path / "on", *flags) as kilter:
            assert (await ask(kilter.url, *chat())).status == 200
            on = await until(
                kilter,
                lambda now: (
                    now.total("kilter_canary_enabled") and kilter.line("canaries cannot be asked; trying again later")
                ),
            )
            why = kilter.line("canaries cannot be asked; trying again later")["why"]
        assert upstream.canaries == 0
    assert (on.total("kilter_canary_enabled"), on.total("kilter_canary_up")) == (1, 0)
    assert why == f"canary.key_file: {tmp_path / 'nowhere'}: cannot be read"


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_under_user_load_budgets_hold_and_users_wait_no_longer(tmp_path):
    """Alternated: canaries as fast as the budget lets them, and none. Four minutes, on a quiet machine."""
    budget, minute = 30_000, 3_000
    medians = {True: [], False: []}
    async with TwoFaced() as upstream:
        for turn in range(8):
            on, folder = bool(turn % 2), tmp_path / str(turn)
            folder.mkdir()
            flags = configured(folder, enabled=on, tokens_a_day=budget, tokens_a_minute=minute, interval_s=0.5)
            with RunningKilter(upstream.url, folder / "k", *flags) as kilter:
                before = len(upstream.used)
                jobs = [lambda kilter=kilter: ask(kilter.url, *chat("How do I clean a chain?"), limit_s=5)] * 1500
                answers = await at_rate(60, jobs)
                assert {answer.status for answer in answers} == {200}
                medians[on].append(statistics.median(answer.done_s for answer in answers))
                spent = kilter.metrics().total("kilter_canary_tokens_total")
                assert 100 * (len(upstream.used) - before) <= minute
                assert bool(spent) == on
    noise = max(medians[False]) - min(medians[False])
    assert statistics.median(medians[True]) - statistics.median(medians[False]) < max(noise, 2e-4), medians
