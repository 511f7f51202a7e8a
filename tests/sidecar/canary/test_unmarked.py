"""What the model server sees of a canary, on a socket: nothing that traffic does not have."""

import asyncio
import contextlib
import json
import statistics
from collections import Counter

import aiohttp
from aiohttp import web
from chat_server import ChatServer, said
from copied import copied

from sidecar import config
from sidecar.canary.load import NoLoad
from sidecar.canary.mirror import LEAST
from sidecar.canary.results import Results
from sidecar.monitor.probing import Probing

SECRET = "5a" * 32
MARKS = ("kilter", "canary", "probe", "test", "eval", "origin", "sidecar")


class Watching(ChatServer):
    """Keeps every request's bytes above HTTP: its line, headers as sent, body, and when it came."""

    def __init__(self):
        self.heads, self.bodies, self.at_s, self.connections = [], [], [], []

    def routes(self):
        return [web.route("*", "/{any:.*}", self._any)]

    async def _any(self, request):
        if request.method == "GET":
            return web.json_response({"data": [{"id": "m"}]})
        body = json.loads(await request.read())
        self.heads.append((request.method, request.path_qs, request.version, {k.lower(): v for k, v in request.headers.items()}))  # fmt: skip
        self.bodies.append(body)
        self.at_s.append(asyncio.get_running_loop().time())
        return said("Here you are.", model="m")


async def user(url):
    """A user's client, as plain as they come."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 64, "temperature": 0.7}
    headers = {"Authorization": "Bearer sk-user", "Content-Type": "application/json"}
    address = f"{url}/v1/chat/completions"
    async with aiohttp.ClientSession() as http, http.post(address, data=json.dumps(body), headers=headers) as answer:
        await answer.read()


@contextlib.asynccontextmanager
async def asking(folder, url, **canary):
    (folder / "key").write_text("sk-own\n")
    section = {
        "enabled": True, "key_file": str(folder / "key"), "tokens_a_day": 10**8, "tokens_a_minute": 10**8,
        "interval_s": 0.02, "temperature": 0.7, "headers": {}, **canary,
    }  # fmt: skip
    loaded = config.load(None, {}, upstream=url, state=str(folder / "state"), canary=section)
    task = Probing(loaded, SECRET, NoLoad(), lambda _kind, _data: None, dict)
    task.start()
    try:
        yield task
    finally:
        await task.close()


async def until(held, seconds=20):
    async with asyncio.timeout(seconds):
        while not held():
            await asyncio.sleep(0.02)


async def test_a_canary_has_the_line_the_headers_and_the_parameters_of_a_users_request(tmp_path):
    async with Watching() as server:
        await user(server.url)
        async with asking(tmp_path, server.url):
            await until(lambda: len(server.heads) > 150)
    (method, path, version, of_user), *canaries = server.heads
    for canary in canaries:
        assert canary[:3] == (method, path, version)
        assert set(canary[3]) == set(of_user)
        same = {name: value for name, value in canary[3].items() if name not in ("content-length", "authorization")}
        assert same == {name: value for name, value in of_user.items() if name in same}
    # Parameters: only those that chat has anyway; the deployment's temperature, but for the short greedy ones.
    assert {name for body in server.bodies for name in body} <= {
        "model",
        "messages",
        "max_tokens",
        "temperature",
        "tools",
    }
    warm = [body["temperature"] for body in server.bodies[1:] if body["max_tokens"] != 8]
    assert set(warm) == {0.7}
    assert {body["temperature"] for body in server.bodies if body["max_tokens"] == 8} == {0.0}
    shapes = {frozenset(message) for body in server.bodies for message in body["messages"]}
    assert shapes <= {
        frozenset(names)
        for names in (
            ("role", "content"),
            ("role", "content", "tool_calls"),
            ("role", "tool_call_id", "content"),
        )
    }


async def test_no_word_about_kilter_or_tests_of_it_reaches_the_server(tmp_path):
    async with Watching() as server, asking(tmp_path, server.url):
        await until(lambda: len(server.heads) > 150)
    heads = json.dumps([[*head[:2], head[3]] for head in server.heads]).lower()
    assert not [mark for mark in MARKS if mark in heads]
    said = json.dumps([message["content"] for body in server.bodies for message in body["messages"]]).lower()
    assert not [mark for mark in ("kilter", "canary", "benchmark", "evaluation", "red team") if mark in said]


async def test_canaries_arrive_as_a_poisson_process_does_and_not_by_the_clock(tmp_path):
    async with (
        Watching() as server,
        asking(tmp_path, server.url, interval_s=0.04, only=["facts_legal", "facts_medical"]),
    ):
        await until(lambda: len(server.at_s) > 150, 30)
    gaps = [after - before for before, after in zip(server.at_s, server.at_s[1:], strict=False)]
    # Of exponential waits deviation and mean are the same; by the clock it would be 0. Asking itself takes a while, too.
    assert 0.55 < statistics.stdev(gaps) / statistics.mean(gaps) < 1.45


async def test_where_they_mirror_traffic_canaries_are_sampled_as_users_requests_are(tmp_path):
    """A day's users that leave the temperature to the server, or set it to 0.6 with a top_p."""
    users = [{"model": "m", "messages": []}, {"model": "m", "messages": [], "temperature": 0.6, "top_p": 0.95}]
    now = [0.0]
    async with Watching() as server, asking(tmp_path, server.url, sampling="mirror", temperature=0.9) as task:
        await until(lambda: len(server.bodies) > 5)
        before = [body for body in server.bodies if body["max_tokens"] != 8]
        assert {body["temperature"] for body in before} == {0.9}  # as configured, until enough is known
        task._mirroring._clock = lambda: now[0]
        for at in range(2 * LEAST):
            now[0] += 1e6
            task.seen(copied(users[at % 2]))
        first = len(server.bodies) + 1  # one may be on its way
        await until(lambda: len(server.bodies) > first + 100)
    after = [body for body in server.bodies[first:] if body["max_tokens"] != 8]
    shares = Counter((body.get("temperature"), body.get("top_p")) for body in after if len(body["messages"]) < 3)
    assert set(shares) == {(None, None), (0.6, 0.95)}
    assert 0.25 < shares[None, None] / shares.total() < 0.75
    with Results(tmp_path / "state" / "canary.db") as results:
        kept = {row.sampling for row in results.rows()}
    assert kept == {'[["temperature", 0.9]]', '[["temperature", 0.0]]', "[]", '[["temperature", 0.6], ["top_p", 0.95]]'}
