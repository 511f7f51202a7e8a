"""The prober against servers that are down, slow, busy or broken: the right outcome, within the budget."""

import asyncio
import json
import time

import aiohttp
import pytest
from aiohttp import web
from chat_server import ChatServer, said

from sidecar.canary.asking import Asker, Endpoint, Profile, data_url, first_model, most_tokens
from sidecar.canary.case import Case
from sidecar.canary.conversation import Assistant, OfferedTool, User
from sidecar.canary.expectation import Expect
from sidecar.canary.judge import ModelJudge
from sidecar.canary.load import KilterLoad
from sidecar.canary.prober import Prober
from sidecar.canary.results import Results
from sidecar.canary.rounds import ask_round, in_turn
from sidecar.canary.targets.base import targets

CHAT = targets()["openai.chat"]
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64


SCRIPT = (User("Say something."),)


def case(name="one", script=SCRIPT, expect=None, **more):
    return Case(
        suite=more.pop("suite", "s"),
        family=name,
        variant="",
        language="en",
        epoch=1,
        index=0,
        group=more.pop("group", "g"),
        kind=more.pop("kind", "single"),
        expect=Expect.model_validate(expect or {"comply": True}),
        script=script,
        max_tokens=20,
        **more,
    )


def chat(text="Here you are, a whole sentence.", *, calls=(), usage=(10, 5), finish="stop"):
    return said(text, calls=calls, usage=usage, finish=finish)


class Server(ChatServer):
    """``answers`` are functions of the body, one a request; the last repeats."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.bodies = []
        self.headers = []

    async def chat(self, request, body):
        self.bodies.append(body)
        self.headers.append(request.headers)
        answer = self.answers[min(len(self.bodies), len(self.answers)) - 1]
        made = answer(self.bodies[-1]) if callable(answer) else answer
        return await made if asyncio.iscoroutine(made) else made


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def results(tmp_path):
    with Results(tmp_path / "canary.db") as results:
        yield results


def prober(session, url, results, *, budget=10**6, now=time.time, timeout_s=5.0, **more):
    options = {name: more.pop(name) for name in ("key", "vision", "headers") if name in more}
    profile = more.pop("profile", None)
    asker = Asker(session, Endpoint(CHAT, url, "m", timeout_s=timeout_s, **options), profile)
    return Prober(asker, results, budget=budget, now=now, **more)


async def outcome_of(session, url, results, **more):
    verdict = (await prober(session, url, results, **more).probe(case())).verdict
    return verdict.outcome, verdict.reason


# -- what goes wrong is an error of the probe, never a failure of the model ------------------


async def test_a_server_that_is_down_is_an_error_and_costs_nothing(session, results, unused_tcp_port):
    assert await outcome_of(session, f"http://127.0.0.1:{unused_tcp_port}", results) == ("error", "connect")
    assert results.spent(time.strftime("%Y-%m-%d", time.gmtime())) == 0


async def test_a_slow_server_is_an_error(session, results):
    async def slow(_):
        await asyncio.sleep(3)
        return chat()

    async with Server(slow) as server:
        assert await outcome_of(session, server.url, results, timeout_s=0.2) == ("error", "timeout")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda _: web.Response(status=500, text="oops"), "http_500"),
        (lambda _: web.Response(status=401, text="no"), "http_401"),
        (lambda _: web.Response(status=302, headers={"Location": "/elsewhere"}), "http_302"),
        (lambda _: web.Response(text="<html>"), "not_json"),
        (lambda _: web.json_response([1]), "not_json"),
        (lambda _: web.json_response({"hello": 1}), "not_an_answer"),
        (lambda _: web.json_response({"error": {"message": "secret text"}}), "error_in_body"),
    ],
)
async def test_garbage_is_an_error_that_quotes_nothing(session, results, answer, reason):
    async with Server(answer) as server:
        assert await outcome_of(session, server.url, results) == ("error", reason)


async def test_half_an_answer_is_an_error(session, results):
    async def half(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"choices": [')
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(half, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert await outcome_of(session, f"http://127.0.0.1:{port}", results) == ("error", "cut")


async def test_an_answer_without_end_is_cut_off(session, results, monkeypatch):
    monkeypatch.setattr("sidecar.canary.asking.MAX_REPLY_BYTES", 1000)
    async with Server(lambda _: chat("x" * 2000)) as server:
        assert await outcome_of(session, server.url, results) == ("error", "too_long")


async def test_a_server_that_says_later_is_asked_again_after_as_long_as_it_says(session, results):
    later = lambda _: web.Response(status=429, headers={"Retry-After": "0.3"})  # noqa: E731
    async with Server(later, later, lambda _: chat()) as server:
        started = time.monotonic()
        assert await outcome_of(session, server.url, results) == ("pass", "")
        assert 0.6 <= time.monotonic() - started < 5.5  # by itself it would wait 2 s and then 4
        assert len(server.bodies) == 3
    async with Server(lambda _: web.Response(status=503, headers={"Retry-After": "0"})) as server:
        assert await outcome_of(session, server.url, results) == ("error", "http_503")
        assert len(server.bodies) == 3


async def test_any_other_failure_is_not_sent_again(session, results):
    async with Server(lambda _: web.Response(status=500)) as server:
        await outcome_of(session, server.url, results)
        assert len(server.bodies) == 1


async def test_after_some_errors_in_a_row_a_server_in_trouble_is_not_asked_on(session, results):
    async with Server(lambda _: web.Response(status=500)) as server:
        probes = await ask_round(
            [case(f"f{at}") for at in range(9)],
            prober(session, server.url, results, breaker=3),
            results,
            run="r",
            secret_id="s",
        )
        assert [probe.verdict.outcome for probe in probes] == ["error"] * 3 + ["skipped"] * 6
        assert len(server.bodies) == 3


async def test_errors_that_are_not_in_a_row_open_nothing(session, results):
    wrong, right = (lambda _: web.Response(status=500)), (lambda _: chat())
    async with Server(wrong, wrong, right, wrong, wrong, right) as server:
        run = prober(session, server.url, results, breaker=3)
        outcomes = [(await run.probe(case(f"f{at}"))).verdict.outcome for at in range(6)]
    assert outcomes == ["error", "error", "pass"] * 2


async def test_an_azure_filter_is_a_refusal_and_no_error(session, results):
    blocked = web.json_response({"error": {"code": "content_filter"}}, status=400)
    async with Server(blocked) as server:
        probe = await prober(session, server.url, results).probe(case(expect={"refuse": True}))
        assert (probe.verdict.outcome, probe.verdict.decided_by) == ("pass", "finish_reason")


# -- the budget ------------------------------------------------------------------------------


async def test_the_budget_of_a_day_is_never_exceeded_even_without_usage_or_by_two_at_once(session, results, tmp_path):
    budget = 1500

    def honest(body):
        return chat("x", usage=(300, 100))

    async with Server(honest) as server:
        with Results(tmp_path / "canary.db") as other:
            runs = [prober(session, server.url, store, budget=budget) for store in (results, other)]
            await asyncio.gather(
                *(ask_round([case(f"f{at}") for at in range(20)], run, results, run="r", secret_id="s") for run in runs)
            )
        used = 400 * len(server.bodies)
        assert 0 < used <= budget
        assert results.spent(time.strftime("%Y-%m-%d", time.gmtime())) == used
    async with Server(lambda _: chat("x", usage=None)) as server:
        first = await prober(session, server.url, results, budget=10**9).probe(case())
        assert first.tokens >= len(json.dumps(server.bodies[0])) / 2


async def test_what_does_not_fit_is_skipped_and_nothing_is_sent(session, results):
    async with Server(lambda _: chat()) as server:
        probe = await prober(session, server.url, results, budget=30).probe(case())
        assert (probe.verdict.outcome, probe.verdict.decided_by) == ("skipped", "budget")
        assert server.bodies == []


async def test_a_new_day_has_a_new_budget_and_a_clock_that_jumps_makes_no_burst(session, results):
    clock = [0.0]
    async with Server(lambda _: chat(usage=(150, 50))) as server:
        run = prober(session, server.url, results, budget=400, now=lambda: clock[0])
        for day in (0, 1, 5, 0, 1):  # forward by days, and back again
            clock[0] = day * 86400.0
            for at in range(6):
                await run.probe(case(f"f{at}"))
        spent = [results.spent(day) for day in ("1970-01-01", "1970-01-02", "1970-01-06")]
        assert all(0 < tokens <= 400 for tokens in spent)
        assert sum(spent) == 200 * len(server.bodies)


def test_a_question_never_takes_more_tokens_than_its_worst_case():
    asker = Asker(None, Endpoint(CHAT, "http://x", "m"))
    question = asker.question("sys", [User("দুঃখিত" * 10)], (OfferedTool("t", "d", {"type": "object"}),), 50)
    assert most_tokens(CHAT, question) >= len("দুঃখিত".encode()) * 10 + 50


# -- which model -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "wanted"),
    [
        ({"data": [{"id": "one"}, {"id": "two"}]}, "one"),
        ({"data": [{"id": "x" * 30_000}] * 20}, "x" * 30_000),  # in many pieces
        ({"data": []}, "default"),
        ({"error": "no"}, "default"),
        ([], "default"),
        ("<html>", "default"),
    ],
)
async def test_without_a_name_the_first_model_that_the_server_lists_is_asked(session, listed, wanted):
    async def models(request):
        assert request.headers["Authorization"] == "Bearer k"
        return web.Response(text=listed) if isinstance(listed, str) else web.json_response(listed)

    app = web.Application()
    app.router.add_get("/v1/models", models)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        for base in (url, f"{url}/v1/", f"{url}/v1/chat/completions"):
            assert await first_model(session, CHAT, base, "k") == wanted
    finally:
        await runner.cleanup()


async def test_a_server_that_does_not_answer_names_no_model(session, unused_tcp_port):
    assert await first_model(session, CHAT, f"http://127.0.0.1:{unused_tcp_port}", "k") == ""


# -- a judge ---------------------------------------------------------------------------------


async def judged(session, results, judge_url, timeout_s=0.2):
    """What is open is put to a judge at ``judge_url``."""
    open_ = case(expect={"judge": "Is it polite?"})
    async with Server(lambda _: chat()) as server:
        run = prober(session, server.url, results, breaker=1)
        under_test = Asker(session, Endpoint(CHAT, server.url, "m"))
        run._judge = ModelJudge(Asker(session, Endpoint(CHAT, judge_url, "j", timeout_s=timeout_s)), under_test)
        verdicts = [(await run.probe(open_)).verdict for _ in range(3)]
    return [(verdict.outcome, verdict.decided_by) for verdict in verdicts]


async def test_a_judge_that_is_down_slow_or_lies_leaves_it_open_and_stops_no_canary(session, results, unused_tcp_port):
    async def slow(_):
        await asyncio.sleep(3)
        return chat('{"score": 1}')

    assert await judged(session, results, f"http://127.0.0.1:{unused_tcp_port}") == [("inconclusive", "judge")] * 3
    for answer in (slow, lambda _: chat('{"score": 99}'), lambda _: chat("It is fine, trust me.")):
        async with Server(answer) as judge:
            assert await judged(session, results, judge.url) == [("inconclusive", "judge")] * 3
    async with Server(lambda _: chat('{"score": 1}')) as judge:
        assert await judged(session, results, judge.url) == [("pass", "judge")] * 3


# -- users come first ------------------------------------------------------------------------


class Metrics:
    def __init__(self, *inflight):
        self.inflight = list(inflight)

    async def __aenter__(self):
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0]
        self.admin = f"{host}:{port}"
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    async def _metrics(self, _):
        now = self.inflight.pop(0) if len(self.inflight) > 1 else self.inflight[0]
        return web.Response(text=f"# HELP x\nkilter_inflight_requests {now}\nkilter_draining 0.0\n")


async def test_canaries_wait_while_users_are_served(session, results, monkeypatch):
    monkeypatch.setattr("sidecar.canary.prober._POLL_S", 0.05)
    async with Metrics(9.0, 9.0, 9.0, 2.0) as metrics, Server(lambda _: chat()) as server:
        load = KilterLoad(session, metrics.admin, 4)
        assert await outcome_of(session, server.url, results, load=load) == ("pass", "")
        assert metrics.inflight == [2.0]
    async with Metrics(9.0) as metrics, Server(lambda _: chat()) as server:
        load = KilterLoad(session, metrics.admin, 4)
        assert await outcome_of(session, server.url, results, load=load, patience_s=0.2) == ("skipped", "busy")
        assert server.bodies == []


async def test_where_kilter_does_not_answer_nothing_is_known_and_canaries_wait(session, unused_tcp_port):
    assert await KilterLoad(session, f"127.0.0.1:{unused_tcp_port}", 4).busy()


# -- what is sent ----------------------------------------------------------------------------


async def test_the_deployments_sampling_and_system_prompt_are_used_and_nothing_marks_a_test(session, results):
    profile = Profile({"temperature": 0.7, "top_p": 0.9}, "You are Bo.")
    async with Server(lambda _: chat()) as server:
        run = prober(session, server.url, results, profile=profile, key="k-1", headers={"x-billing": "probe"})
        await run.probe(case(system="Keep it short."))
        (body,), (headers,) = server.bodies, server.headers
    assert (body["temperature"], body["top_p"]) == (0.7, 0.9)
    assert body["messages"][0] == {"role": "system", "content": "You are Bo.\n\nKeep it short."}
    assert headers["Authorization"] == "Bearer k-1"
    assert headers["x-billing"] == "probe"
    assert "user" not in body
    assert not {"kilter", "canary", "test", "probe"} & set(json.dumps(body).lower().replace('"', " ").split())


async def test_a_conversation_is_sampled_in_one_way_and_again_as_it_was(session, results):
    drawn = iter([(("temperature", 0.1),), (("top_p", 0.5),), None])
    profile = Profile({"temperature": 0.9}, drawn=lambda: next(drawn))
    turns = [User("Hi."), User("And?")]
    async with Server(lambda _: chat()) as server:
        run = prober(session, server.url, results, profile=profile)
        first = await run.probe(case(script=turns))
        other = await run.probe(case(script=turns))
        again = await run.probe(case(script=turns), sampling=first.sampling)
        greedy = await run.probe(case(script=turns, group="fingerprint"))
        unknown = await run.probe(case(script=turns))
    sent = [(body.get("temperature"), body.get("top_p")) for body in server.bodies]
    assert sent == [pair for pair in [(0.1, None), (None, 0.5), (0.1, None), (0.0, None), (0.9, None)] for _ in turns]
    assert again.sampling == first.sampling != other.sampling
    assert (greedy.sampling, unknown.sampling) == ((("temperature", 0.0),), (("temperature", 0.9),))


async def test_tools_get_the_suites_results_over_several_steps(session, results):
    tools = (OfferedTool("look", "Looks.", {"type": "object"}),)

    def answer(body):
        done = sum(message["role"] == "tool" for message in body["messages"])
        return chat("It is packed, and that is all." if done == 2 else "", calls=[] if done == 2 else [("look", "{}")])

    asked = case(
        kind="tool",
        tools=tools,
        results={"look": ({"at": 1}, {"at": 2})},
        expect={"tool_sequence": {"exact": ["look", "look"]}},
    )
    async with Server(answer) as server:
        probe = await prober(session, server.url, results).probe(asked)
        said = [message["content"] for message in server.bodies[-1]["messages"] if message["role"] == "tool"]
    assert probe.verdict.outcome == "pass"
    assert said == ['{"at": 1}', '{"at": 2}']
    assert probe.tokens == 45


async def test_a_model_that_never_stops_calling_tools_is_stopped(session, results):
    asked = case(
        kind="tool", tools=(OfferedTool("t", "", {"type": "object"}),), max_steps=3, expect={"must_not_call": "u"}
    )
    async with Server(lambda _: chat("", calls=[("t", "{}")])) as server:
        probe = await prober(session, server.url, results).probe(asked)
        assert len(server.bodies) == 3
    assert probe.transcript.stopped == "steps"


async def test_turns_are_asked_one_after_the_other_with_the_models_own_answers(session, results):
    script = (User("a"), Assistant("b"), User("c"), User("d"))
    answers = iter(("first reply", "second reply of the model"))
    async with Server(lambda _: chat(next(answers))) as server:
        await prober(session, server.url, results).probe(case(script=script))
        talks = [[message["content"] for message in body["messages"]] for body in server.bodies]
    assert talks == [["a", "b", "c"], ["a", "b", "c", "first reply", "d"]]


async def test_an_image_is_sent_where_the_model_sees_and_skipped_with_a_reason_where_not(session, results, tmp_path):
    image = tmp_path / "a.png"
    image.write_bytes(PNG)
    asked = case(script=(User("What is it?", (str(image),)),))
    async with Server(lambda _: chat()) as server:
        blind = await prober(session, server.url, results).probe(asked)
        seeing = await prober(session, server.url, results, vision=True).probe(asked)
        gone = await prober(session, server.url, results, vision=True).probe(
            case(script=(User("?", ("/nowhere.png",)),))
        )
        (body,) = server.bodies
    assert (blind.verdict.outcome, blind.verdict.reason) == ("skipped", "no vision")
    assert seeing.verdict.outcome == "pass"
    assert body["messages"][0]["content"][1]["image_url"]["url"] == data_url(image)
    assert gone.verdict.outcome == "skipped"


async def test_a_round_takes_suites_in_turn_and_keeps_every_result_at_once(session, results):
    cases = [case(name, suite=suite) for suite in ("s", "t") for name in ("a", "b")]
    assert [(c.suite, c.family) for c in in_turn(cases)] == [("s", "a"), ("t", "a"), ("s", "b"), ("t", "b")]
    kept = []
    async with Server(lambda _: chat()) as server:
        run = prober(session, server.url, results)
        await ask_round(
            cases, run, results, run="r1", secret_id="x", seen=lambda _: kept.append(len(results.rows())), repeats=2
        )
    assert kept == list(range(1, 9))
    assert {row.run for row in results.rows(run="r1")} == {"r1"}
    assert [row.repeat for row in results.rows()] == [0, 1] * 4
