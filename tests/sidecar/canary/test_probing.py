"""The task of the monitor that asks canaries: what it needs, what it says, and how it begins again."""

import asyncio
import contextlib
import json
import logging
import time

import pytest
from aiohttp import web
from chat_server import ChatServer, said

from detectors.records.verdict import Verdict
from sidecar import config
from sidecar.canary.load import NoLoad
from sidecar.monitor import canary_listing, probing
from sidecar.monitor.probing import Probing

SECRET = "5a" * 32
SUITE = """version: 1
suite: mine
slots: {w: {nonce: 8}}
families:
  - {id: en, group: agentic, prompts: {en: "Say {w}."}, expect: {contains_nonce: w}}
"""


class Upstream(ChatServer):
    """Serves ``model``, and says 404 to any other; repeats what it is told."""

    def __init__(self):
        self.model, self.asked, self.keys = "one", [], set()
        self.answer, self.also_listed = "", {}

    @property
    def listed(self):
        return [{"id": self.model, **self.also_listed}]

    async def chat(self, request, body):
        self.asked.append(body)
        self.keys.add(request.headers.get("Authorization"))
        if body["model"] != self.model:
            return web.Response(status=404)
        return said(self.answer or body["messages"][-1]["content"], model=self.model)


@contextlib.asynccontextmanager
async def asking(folder, upstream, record=lambda _kind, _data: None, mix=dict, **canary):
    (folder / "suites").mkdir(exist_ok=True)
    (folder / "suites/mine.yaml").write_text(SUITE)
    (folder / "key").write_text("sk-own\n")
    section = {
        "enabled": True, "key_file": str(folder / "key"), "tokens_a_day": 10**7, "tokens_a_minute": 10**7,
        "interval_s": 0.01, "suites": str(folder / "suites"), "only": ["mine"], "breaker_rest_s": 0.05, **canary,
    }  # fmt: skip
    loaded = config.load(None, {}, upstream=upstream, state=str(folder / "state"), canary=section)
    task = Probing(loaded, SECRET, NoLoad(), record, mix)
    task.start()
    try:
        yield task
    finally:
        await task.close()


async def until(task, held):
    async with asyncio.timeout(10):
        while not held(task.canaries()):
            await asyncio.sleep(0.02)
    return task.canaries()


def passed(canaries):
    return canaries.probes.get(("mine", "agentic", "en", "pass"), 0)


async def test_canaries_are_asked_with_their_own_key_and_each_is_a_record_without_a_word_of_it(tmp_path):
    told = []
    async with Upstream() as upstream, asking(tmp_path, upstream.url, lambda *record: told.append(record)) as task:
        now = await until(task, lambda now: passed(now) >= 3)
    assert upstream.keys == {"Bearer sk-own"}
    assert [kind for kind, _ in told[:2]] == ["epoch", "probe"]
    words = {body["messages"][-1]["content"].removeprefix("Say ").rstrip(".") for body in upstream.asked}
    assert not any(word in json.dumps(told) for word in words)
    assert now.valid["agentic"] == passed(now) > 0
    assert now.tokens_left < now.tokens_a_day
    assert now.last_success["mine"] > 0


async def test_a_model_that_is_swapped_for_one_of_another_name_is_asked_by_that_name(tmp_path):
    told = []
    async with Upstream() as upstream, asking(tmp_path, upstream.url, lambda *record: told.append(record)) as task:
        first = await until(task, lambda now: passed(now) >= 3)
        upstream.model = "two"
        before = passed(task.canaries())
        now = await until(task, lambda now: passed(now) > before + 1)
    assert upstream.asked[-1]["model"] == "two"
    assert (first.variant, first.variants.changes) == (("one", ""), {})
    assert (now.variant, now.variants.changes["declared"]) == (("two", ""), 1)
    assert now.valid["agentic"] == passed(now) - before  # what the first one said is stale
    (change,) = [data for kind, data in told if kind == "variant"]
    assert change.pop("since_s") > 0
    assert change == {"kind": "declared", "model": "two", "fingerprint": "", "generation": 0, "signs": ["reply"]}


async def test_another_root_listed_under_the_same_name_is_a_declared_change(tmp_path, monkeypatch):
    monkeypatch.setattr(canary_listing, "LISTING_S", 0.1)
    told = []
    async with Upstream() as upstream, asking(tmp_path, upstream.url, lambda *record: told.append(record)) as task:
        upstream.also_listed = {"root": "/w/1", "created": 1}
        await until(task, lambda now: now.variants.parent and passed(now) >= 3)
        upstream.also_listed = {"root": "/w/1", "created": 2}  # the moment of the listing, as vLLM has it
        await asyncio.sleep(0.5)
        assert task.canaries().variants.changes == {}
        upstream.also_listed = {"root": "/w/2", "created": 3}
        now = await until(task, lambda now: now.variants.changes.get("declared"))
        assert now.variants.last == ("one", "", "1")
        await asyncio.sleep(0.5)
        assert task.canaries().variants.changes == {"declared": 1}
    (change,) = [data for kind, data in told if kind == "variant"]
    assert (change["kind"], change["model"], change["generation"]) == ("declared", "one", 1)
    assert "/w/" not in json.dumps(told)


async def test_another_digest_of_the_operator_at_a_start_is_a_declared_change(tmp_path):
    async with Upstream() as upstream:
        for digest, changes in (("sha256:a", {}), ("sha256:a", {}), ("", {}), ("sha256:b", {"declared": 1})):
            async with asking(tmp_path, upstream.url, digest=digest) as task:
                before = len(upstream.asked)
                await until(task, lambda _, before=before: len(upstream.asked) > before + 3)
                assert task.canaries().variants.changes == changes


class Ollama(ChatServer):
    """Lists one model with ``digest`` by its own API."""

    listed = ({"id": "wren:latest", "created": 1},)

    def __init__(self):
        self.digest = "aa"

    def routes(self):
        return [*super().routes(), web.get("/api/tags", self._tags), web.post("/api/chat", self._said)]

    async def _tags(self, _):
        return web.json_response({"models": [{"name": "wren:latest", "digest": self.digest}]})

    async def _said(self, request):
        body = json.loads(await request.read())
        message = {"role": "assistant", "content": body["messages"][-1]["content"]}
        return web.json_response({"model": body["model"], "message": message, "done": True})


async def test_another_digest_that_ollama_lists_is_a_declared_change(tmp_path, monkeypatch):
    monkeypatch.setattr(canary_listing, "LISTING_S", 0.1)
    async with Ollama() as upstream, asking(tmp_path, upstream.url, api="ollama", model="wren") as task:
        await until(task, lambda now: passed(now) >= 3)
        await asyncio.sleep(0.3)
        upstream.digest = "bb"
        now = await until(task, lambda now: now.variants.changes.get("declared"))
    assert now.variants.last == ("wren", "", "1")


async def test_a_model_that_is_named_is_asked_by_that_name_whatever_is_listed(tmp_path):
    async with Upstream() as upstream, asking(tmp_path, upstream.url, model="mine") as task:
        now = await until(task, lambda now: now.probes.get(("mine", "agentic", "en", "error"), 0) >= 2)
        assert {body["model"] for body in upstream.asked} == {"mine"}
    assert passed(now) == 0


async def test_what_cannot_be_had_is_tried_again(tmp_path, monkeypatch, unused_tcp_port, caplog):
    monkeypatch.setattr(probing, "RETRY_S", 0.05)
    async with asking(tmp_path, f"http://127.0.0.1:{unused_tcp_port}") as task:
        now = await until(task, lambda now: now.skipped.get("no_model", 0) >= 2)
        assert not now.asking
    async with Upstream() as upstream, asking(tmp_path, upstream.url, system_file=str(tmp_path / "prompt")) as task:
        await asyncio.sleep(0.2)
        assert not task.canaries().asking
        (tmp_path / "prompt").write_text("Be kind.")
        await until(task, lambda now: passed(now) >= 1)
        assert upstream.asked[-1]["messages"][0] == {"role": "system", "content": "Be kind."}
    assert {record.fields["why"] for record in caplog.records if record.levelno == logging.ERROR} == {
        "the upstream does not say which models it serves (canary.model names one)",
        f"canary.system_file: {tmp_path / 'prompt'}: cannot be read",
    }


async def test_what_it_will_cost_is_said_before_anything_is_sent(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "kilter.monitor"):
        async with Upstream() as upstream, asking(tmp_path, upstream.url, interval_s=3600, tokens_a_day=100) as task:
            await until(task, lambda now: now.asking)
            assert upstream.asked == []
    said = {record.message: record.fields for record in caplog.records if hasattr(record, "fields")}
    assert said["canaries are asked"]["canaries_a_day"] == 24
    assert said["canaries are asked"]["tokens_a_day_expected"] > 100
    assert "more canaries are due than the day's budget is likely to hold" in said


async def test_prompts_that_never_fit_into_a_minute_are_said_and_not_sent(tmp_path, caplog):
    async with Upstream() as upstream, asking(tmp_path, upstream.url, tokens_a_minute=50) as task:
        await until(task, lambda now: now.skipped.get("budget", 0) >= 3)
    assert upstream.asked == []
    assert "prompts that do not fit into a minute's budget are not asked" in [
        record.message for record in caplog.records
    ]


async def test_a_unix_socket_upstream_is_asked_too(tmp_path):
    async with Upstream() as upstream:
        path = tmp_path / "u"
        await web.UnixSite(upstream._runner, str(path)).start()
        async with asking(tmp_path, f"unix:{path}") as task:
            await until(task, lambda now: passed(now) >= 1)


async def test_off_means_that_nothing_is_begun(tmp_path):
    async with Upstream() as upstream, asking(tmp_path, upstream.url, enabled=False) as task:
        await asyncio.sleep(0.2)
        assert not task.canaries().enabled
    assert upstream.asked == []
    assert not (tmp_path / "state").exists()


async def test_a_language_that_comes_up_without_canaries_is_shown_as_not_covered(tmp_path):
    mix = {"en": 90.0}
    async with Upstream() as upstream, asking(tmp_path, upstream.url, mix=lambda: mix) as task:
        now = await until(task, lambda now: passed(now) >= 1)
        assert (now.covered, now.languages) == (1.0, {"en": (1.0, True)})
        mix["fi"] = 30.0
        now = task.canaries()
    assert (now.covered, now.languages["fi"]) == (0.75, (0.25, False))


def alarm(**given):
    fields = {
        "behaviour": "refusal_by_app",
        "stratum": "shop",
        "model": "one",
        "state": "out_of_control",
        "at_s": time.time(),
    }
    return Verdict(**{**fields, "explanation": "", **given})


async def test_a_live_alarm_is_explained_by_asking_again_what_was_asked_before_it(tmp_path, caplog):
    told = []
    async with Upstream() as upstream, asking(tmp_path, upstream.url, lambda *record: told.append(record)) as task:
        await until(task, lambda now: passed(now) >= 40)
        task.alarmed(alarm(state="watch"))
        task.alarmed(alarm(model="another", at_s=time.time()))
        task.alarmed(alarm(changed_at_s=time.time()))
        assert [cause.cause for cause in task.canaries().variants.causes] == ["unknown", "asking"]
        now = await until(task, lambda now: now.variants.causes[-1].cause == "users")
        upstream.answer = "no"
        task.alarmed(alarm(stratum="bank", changed_at_s=time.time()))
        now = await until(task, lambda now: now.variants.causes[-1].cause == "model")
    assert [(one.stratum, one.cause) for one in now.variants.causes] == [("shop", "unknown"), ("shop", "users"), ("bank", "model")]  # fmt: skip
    records = [data for kind, data in told if kind == "diagnosis"]
    assert [(record["stratum"], record["cause"]) for record in records] == [("shop", "unknown"), ("shop", "users"), ("bank", "model")]  # fmt: skip
    said = [record.message for record in caplog.records]
    assert any(text.startswith("the model changed") for text in said)
    assert any(text.startswith("the users changed") for text in said)


async def test_an_alarm_while_nothing_is_asked_is_passed_over(tmp_path):
    async with Upstream() as upstream, asking(tmp_path, upstream.url, enabled=False) as task:
        task.alarmed(alarm())
        assert task.canaries().variants.causes == ()


async def test_the_listed_parent_of_a_tuned_model_is_shown(tmp_path):
    async with Upstream() as upstream:
        upstream.also_listed = {"root": "/models/base"}
        async with asking(tmp_path, upstream.url) as task:
            now = await until(task, lambda now: now.variants.last is not None and now.variants.parent != "")
    assert (now.variants.last, now.variants.parent) == (("one", "", "0"), "other")  # a path begins with a slash


async def test_evidence_of_gaps_and_what_was_learned_outlive_a_restart(tmp_path):
    async with Upstream() as upstream:
        for _ in range(2):
            async with asking(tmp_path, upstream.url, only=["mine", "fingerprint"]) as task:
                await until(task, lambda now: now.variants.state == "same")
    async with Upstream() as upstream:
        upstream.answer = "no"
        async with asking(tmp_path, upstream.url, only=["mine", "fingerprint"]) as task:
            now = await until(task, lambda now: now.variants.state == "silent_change")
    assert now.variants.changes == {"silent": 1}
    assert now.variants.stale > 40


async def test_what_a_change_did_is_shown_recorded_and_known_after_a_restart(tmp_path):
    told = []
    async with Upstream() as upstream:
        async with asking(tmp_path, upstream.url, lambda *record: told.append(record)) as task:
            await until(task, lambda now: passed(now) >= 40)
            upstream.model, upstream.answer = "two", "no"
            now = await until(task, lambda now: now.variants.deltas and not now.variants.comparing)
        async with asking(tmp_path, upstream.url) as task:
            again = await until(task, lambda now: now.asking)
    (delta,) = now.variants.deltas
    assert (delta.category, delta.points[0], delta.relative[0]) == ("agentic", 1.0, 1.0)
    (record,) = [data for kind, data in told if kind == "comparison"]
    assert (record["a"], record["b"], record["category"], record["passed_b"]) == ("one", "two", "agentic", 0)
    assert again.variants.deltas[0].points == pytest.approx(delta.points)
    assert again.variants.deltas[0].verdict == delta.verdict
    assert again.variants.changes == {}
