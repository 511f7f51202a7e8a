"""The scripted upstream over HTTP: determinism, phases, faults, counts."""

import asyncio
import json
import signal
import sys
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest

from sidecar.demo.delivery import Timing
from sidecar.demo.language import languages
from sidecar.demo.script import Phase, Policy, Script
from sidecar.demo.upstream import ScriptedUpstream

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
ASK = {"model": "m", "messages": [{"role": "user", "content": languages()["en"].topics[0].ask}]}
MIXED = Policy(refusal=0.3, hollow_refusal=0.2, empty=0.1)


@asynccontextmanager
async def served(policy=None, **options):
    script = Script(seed=7, phases=(Phase(policy=policy or Policy()),))
    async with ScriptedUpstream(script, **options) as upstream, aiohttp.ClientSession(upstream.url) as http:
        yield upstream, http


async def ask(http, path=CHAT, headers=None, **body):
    async with http.post(path, json=ASK | body, headers=headers) as answer:
        return answer, await answer.read()


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_pinned_exchange_gives_the_same_bytes_whatever_came_before(path, stream):
    pinned = {"x-scripted-exchange": "5"}
    async with served(MIXED) as (upstream, http):
        first, body = await ask(http, path, pinned, stream=stream)
        for _ in range(7):
            await ask(http, path, stream=stream)
        again, same = await ask(http, path, pinned, stream=stream)
        assert upstream.exchanges == 7
    assert body == same
    assert first.headers["x-scripted-exchange"] == "5"
    without_date = [
        [(name, value) for name, value in answer.headers.items() if name != "Date"] for answer in (first, again)
    ]
    assert without_date[0] == without_date[1]


async def test_two_servers_with_one_seed_give_the_same_course_of_bytes():
    courses = []
    for _ in range(2):
        async with served(MIXED) as (_, http):
            courses.append([await ask(http, stream=bool(at % 2)) for at in range(20)])
    assert [body for _, body in courses[0]] == [body for _, body in courses[1]]
    assert len({body for _, body in courses[0]}) == 20


async def test_a_request_with_a_seed_gets_equal_bytes_and_one_without_does_not():
    async with served(MIXED) as (_, http):
        seeded = [(await ask(http, seed=4))[1] for _ in range(2)]
        plain = [(await ask(http))[1] for _ in range(2)]
    assert seeded[0] == seeded[1]
    assert plain[0] != plain[1]


async def test_behaviour_changes_at_the_exchange_that_the_server_names():
    async with served() as (_, http):
        before = [(await ask(http))[0].headers["x-scripted-label"] for _ in range(5)]
        async with http.post("/_script", json={"phase": {"policy": {"refusal": 1.0}}}) as answer:
            assert await answer.json() == {"from_exchange": 5}
        after, _ = await ask(http)
        old, _ = await ask(http, headers={"x-scripted-exchange": "4"})
    assert before == ["compliance"] * 5
    assert (after.headers["x-scripted-exchange"], after.headers["x-scripted-label"]) == ("5", "refusal")
    assert old.headers["x-scripted-label"] == "compliance"


async def test_a_phase_can_be_put_in_for_a_later_exchange():
    async with served() as (_, http):
        phase = {"from_exchange": 3, "policy": {"empty": 1.0}}
        await http.post("/_script", json={"phase": phase})
        labels = [(await ask(http))[0].headers["x-scripted-label"] for _ in range(5)]
    assert labels == ["compliance"] * 3 + ["empty"] * 2


async def test_a_whole_script_can_be_put_in_and_a_wrong_one_changes_nothing():
    async with served() as (upstream, http):
        async with http.post("/_script", json={"script": {"phases": [{"policy": {"refusal": 1}}]}}) as answer:
            assert answer.status == 200
        for wrong, said in (
            (b'{"phase": {"policy": {"refusal": 7}}}', "wrong: policy"),
            (b'{"phase": {"polcy": {}}}', "wrong: polcy"),
            (b'{"script": {"phases": []}}', "wrong: phase"),
            (b'{"other": 1}', "need"),
            (b"[", "need"),
            (b"3", "need"),
        ):
            async with http.post("/_script", data=wrong) as answer:
                assert answer.status == 400
                assert said in (await answer.json())["error"]
        assert upstream.script.phases[0].policy.refusal == 1
        assert (await ask(http))[0].headers["x-scripted-label"] == "refusal"


async def test_a_user_who_asks_again_is_known_by_both_formats():
    yielding = {"rules": [{"policy": {}, "attempts": [3, 99]}], "policy": {"refusal": 1.0}}
    async with served() as (_, http):
        await http.post("/_script", json={"phase": yielding})
        first = [(await ask(http, user="ann"))[0] for _ in range(2)]
        third, _ = await ask(http, MESSAGES, metadata={"user_id": "ann"})
        other, _ = await ask(http, user="bob")
    assert [answer.headers["x-scripted-label"] for answer in (*first, third, other)] == [
        "refusal",
        "refusal",
        "compliance",
        "refusal",
    ]


async def test_statistics_count_what_the_headers_said():
    seen = {}
    async with served(MIXED) as (_, http):
        for at in range(40):
            answer, _ = await ask(http, n=2, stream=bool(at % 2))
            for label in answer.headers["x-scripted-label"].split(","):
                seen[label] = seen.get(label, 0) + 1
        async with http.get("/_stats") as answer:
            stats = await answer.json()
    assert stats == {"exchanges": 40, "labels": seen, "aborted": 0, "streams_open": 0}
    assert sum(seen.values()) == 80


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize(("after", "chunk_s"), [(0, 0.0), (1, 0.0), (250, 0.0), (700, 0.001), (10**6, 0.0)])
async def test_a_cut_answer_ends_early_and_is_never_taken_for_whole(path, stream, after, chunk_s):
    whole = {"x-scripted-exchange": "3"}
    async with served() as (_, http):
        complete = (await ask(http, path, whole, stream=stream))[1]
    async with served(Policy(cut=1.0, cut_after_bytes=after), timing=Timing(chunk_s=chunk_s)) as (upstream, http):
        async with http.post(path, json=ASK | {"stream": stream}, headers=whole) as answer:
            got = bytearray()
            with pytest.raises(aiohttp.ClientPayloadError):
                await collect(answer, got)
        assert upstream.stats["labels"] == {"cut": 1}
    assert answer.headers["x-scripted-label"] == "cut"
    assert got == complete[: min(after, len(complete) - 1)]


async def collect(answer, got):
    async for chunk in answer.content.iter_any():
        got += chunk


async def test_a_stall_comes_half_way_through_a_stream_and_before_an_answer_in_one_piece():
    async with served(Policy(stall=1.0, stall_s=0.5)) as (_, http):
        started = time.monotonic()
        async with http.post(CHAT, json=ASK | {"stream": True}) as answer:
            head = await answer.content.readany()
            first_s = time.monotonic() - started
            rest = await answer.content.read()
        stream_s = time.monotonic() - started
        await ask(http)
        whole_s = time.monotonic() - started - stream_s
    assert first_s < 0.5 <= stream_s
    assert whole_s >= 0.5
    assert head.endswith(b"\n\n")
    assert rest.endswith(b"data: [DONE]\n\n")


async def test_events_of_a_stream_keep_the_distance_that_was_set():
    async with served(timing=Timing(first_byte_s=0.1, chunk_s=0.01)) as (_, http):
        started = time.monotonic()
        async with http.post(CHAT, json=ASK | {"stream": True}) as answer:
            parts = [(time.monotonic() - started, part) async for part in answer.content.iter_any()]
    events = b"".join(part for _, part in parts).count(b"\n\n")
    assert parts[0][0] >= 0.1
    assert len(parts) > 5
    assert parts[-1][0] >= 0.1 + 0.01 * (events - 1)


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_a_client_that_leaves_in_the_middle_is_counted_at_once(path):
    async with served(Policy(stall=1.0, stall_s=30.0)) as (upstream, http):
        answer = await http.post(path, json=ASK | {"stream": True})
        await answer.content.readany()
        assert upstream.stats["streams_open"] == 1
        answer.close()
        await until(lambda: upstream.stats["aborted"] == 1)
        assert upstream.stats["streams_open"] == 0


async def test_a_client_that_leaves_before_the_first_byte_is_counted_too():
    async with served(timing=Timing(first_byte_s=30.0)) as (upstream, http):
        with pytest.raises(TimeoutError):
            await http.post(CHAT, json=ASK, timeout=aiohttp.ClientTimeout(total=0.1))
        await until(lambda: upstream.stats["aborted"] == 1)


async def until(true, within_s=3.0):
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"messages": []}', b'{"messages": "secret"}'])
async def test_a_bad_request_is_told_so_without_its_content(path, body):
    async with served() as (upstream, http), http.post(path, data=body) as answer:
        error = (await answer.json())["error"]
        assert answer.status == 400
        assert error["type"] == "invalid_request_error"
        assert "secret" not in error["message"]
        assert upstream.exchanges == 0


async def test_a_pinned_exchange_must_be_a_number():
    async with served() as (_, http):
        for wrong in ("-1", "x", "1.5", "²"):
            async with http.post(CHAT, json=ASK, headers={"x-scripted-exchange": wrong}) as answer:
                assert answer.status == 400


async def test_requests_are_kept_as_they_came_but_only_so_many():
    async with served(keep_requests=2) as (upstream, http):
        for at in range(3):
            await ask(http, headers={"x-at": str(at)}, temperature=0.5)
    assert [dict(kept.headers)["x-at"] for kept in upstream.received] == ["1", "2"]
    assert json.loads(upstream.received[0].body) == ASK | {"temperature": 0.5}
    assert upstream.received[0].path == CHAT


async def test_health_says_ok_and_the_server_listens_on_loopback_only():
    async with served() as (upstream, http), http.get("/health") as answer:
        assert await answer.json() == {"status": "ok"}
        assert upstream.url.startswith("http://127.0.0.1:")


async def test_as_a_command_it_prints_its_url_and_ends_on_sigterm():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sidecar.demo.upstream", "--port", "0", "--seed", "7", stdout=asyncio.subprocess.PIPE
    )
    try:
        url = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))["url"]
        async with served(MIXED) as (_, here), aiohttp.ClientSession(url) as http:
            script = {"phases": [{"policy": {"refusal": 0.3, "hollow_refusal": 0.2, "empty": 0.1}}]}
            await http.post("/_script", json={"script": script})
            assert (await ask(http))[1] == (await ask(here))[1]
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
