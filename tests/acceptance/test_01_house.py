"""The house stands: real traffic through ``kilter run`` becomes behaviour metrics."""

import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import anthropic
import openai
import psutil
import pytest
from load import ask, at_rate, chat, messages
from real import missing
from running import RunningKilter

from sidecar.demo.delivery import Timing
from sidecar.demo.model import SYSTEM_PROMPT, ModelUnavailable, RealModel
from sidecar.demo.script import Phase, Policy, Script
from sidecar.demo.upstream import ScriptedUpstream

PROMPTS = {
    "en": "Could you explain how a bicycle stays upright while it is moving along the road?",
    "de": "Kannst du mir bitte erklären, warum der Himmel am Abend manchmal so rot aussieht?",
    "fr": "Peux-tu m'expliquer comment on prépare une bonne soupe de légumes pour quatre personnes ?",
    "es": "¿Puedes contarme cómo funciona una brújula y por qué siempre señala hacia el norte?",
    "tr": "Bana bir bisikletin hareket ederken neden devrilmediğini basitçe anlatabilir misin?",
    "ru": "Объясни, пожалуйста, почему осенью листья на деревьях меняют свой цвет?",
}
MIXED = Script(seed=11, phases=(Phase(policy=Policy(refusal=0.15, hollow_refusal=0.1, empty=0.02)),))


def conversation(turns, language="en"):
    said = []
    for turn in range(turns - 1):
        said += [
            {"role": "user", "content": PROMPTS[language]},
            {"role": "assistant", "content": f"Part {turn} of it."},
        ]
    return [*said, {"role": "user", "content": PROMPTS[language]}]


# -- 1 ------------------------------------------------------------------------------------


@pytest.mark.timeout(180)
def test_1_the_demo_counts_what_it_sends_and_says_what_is_real(shown, tmp_path):
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    argv = [sys.executable, "-m", "sidecar", "demo", "--seconds", "15"]
    done = subprocess.run(argv, capture_output=True, text=True, env=env, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for said in ("Real: SmolLM2", "Scripted: refusals", "its page at http://127.0.0.1:", "What moved at the change"):
        if said == "Real: SmolLM2" and "Scripted only" in done.stdout:
            missing("the small real model cannot be fetched")
        assert said in done.stdout, done.stdout
    line = next(line for line in done.stdout.splitlines() if "answers were sent" in line)
    shown("kilter demo --seconds 15", line, "exit 0, counted = sent")


# -- 2 ------------------------------------------------------------------------------------

TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}


async def openai_results(url):
    client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0, timeout=240)
    said = [
        {"role": "system", "content": SYSTEM_PROMPT},
        {"role": "user", "content": "What colour is the sky on a clear day?"},
    ]
    fixed = {"model": "smollm2", "messages": said, "temperature": 0, "seed": 1, "max_tokens": 24}
    found = []
    async with client:
        for more in ({}, {"tools": [TOOL]}):
            whole = await client.chat.completions.create(**fixed, **more)
            found.append(
                (whole.choices[0].message.content, whole.choices[0].finish_reason, whole.usage.completion_tokens)
            )
        text, finish = "", None
        async for chunk in await client.chat.completions.create(**fixed, stream=True):
            if chunk.choices:
                text += chunk.choices[0].delta.content or ""
                finish = chunk.choices[0].finish_reason or finish
        found.append((text, finish))
    return found


async def anthropic_results(url):
    client = anthropic.AsyncAnthropic(base_url=url, api_key="k", max_retries=0, timeout=240)
    fixed = {
        "model": "smollm2",
        "max_tokens": 24,
        "extra_body": {"temperature": 0},
        "system": SYSTEM_PROMPT,
        "messages": [{"role": "user", "content": "Name one animal that lives in the sea."}],
    }
    tool = {"name": "get_weather", "input_schema": {"type": "object", "properties": {}}}
    found = []
    async with client:
        for more in ({}, {"tools": [tool]}):
            whole = await client.messages.create(**fixed, **more)
            found.append(("".join(block.text for block in whole.content), whole.stop_reason, whole.usage.output_tokens))
        async with client.messages.stream(**fixed) as stream:
            final = await stream.get_final_message()
        found.append(("".join(block.text for block in final.content), final.stop_reason))
    return found


@pytest.mark.timeout(600)
async def test_2_official_sdks_get_from_a_real_server_what_they_get_directly_and_metrics_follow(shown, tmp_path):
    try:
        async with RealModel() as model:
            with RunningKilter(model.url, tmp_path) as kilter:
                for ask_all in (openai_results, anthropic_results):
                    direct, through = await ask_all(model.url), await ask_all(kilter.url)
                    assert through == direct
                    assert all(result[0] for result in direct)
                    shown(ask_all.__name__, f"{len(through)} of {len(direct)} equal", "all equal")
                ended = time.monotonic()
                metrics = kilter.until(lambda seen: seen.total("kilter_responses_total", model="smollm2") == 6, 5)
                took = time.monotonic() - ended
    except ModelUnavailable as reason:
        missing(str(reason))
    labels = metrics.by("kilter_responses_total", "label", model="smollm2")
    lengths = metrics.by("kilter_observations_total", "stratum", behaviour="refusal_by_length", model="smollm2")
    languages = metrics.by("kilter_languages_total", "language")
    shown("labels, lengths, languages", f"{labels} {lengths} {languages} after {took:.1f} s", "6 answers within 5 s")
    assert sum(labels.values()) == 6
    assert lengths == {"1": 6}
    assert languages == {"en": 6}


# -- 3 ------------------------------------------------------------------------------------


def request(number):
    language = list(PROMPTS)[number % len(PROMPTS)]
    stream = number % 2 == 0
    if number % 5 == 4:
        path, body = messages(PROMPTS[language], stream=stream)
    else:
        path, body = chat(stream=stream, messages=conversation((1, 2, 5)[number % 3], language))
    return path, body, (("x-scripted-exchange", number),)


@pytest.mark.timeout(240)
async def test_3_every_scripted_answer_is_counted_under_its_label_and_passes_byte_for_byte(shown, tmp_path):
    count = 2000
    async with ScriptedUpstream(MIXED) as upstream:
        direct = [await ask(upstream.url, *request(number)) for number in range(count)]
        with RunningKilter(upstream.url, tmp_path) as kilter:
            through = await at_rate(
                50, [lambda number=number: ask(kilter.url, *request(number)) for number in range(count)]
            )
            metrics = await asyncio.to_thread(
                kilter.until, lambda seen: seen.total("kilter_responses_total") >= count, 10
            )
    assert not [answer.error for answer in (*direct, *through) if answer.error]
    changed = sum(a.body != b.body or a.status != b.status for a, b in zip(direct, through, strict=True))
    sent = {}
    for answer in through:
        label = answer.header("x-scripted-label")
        sent[label] = sent.get(label, 0) + 1
    counted = metrics.by("kilter_responses_total", "label")
    lost = metrics.total("kilter_captures_total") - metrics.total("kilter_captures_total", outcome="sampled")
    shown("bytes", f"{changed} of {count} bodies changed", "0")
    shown("labels", f"{counted}", f"{sent}")
    assert changed == 0
    assert counted == sent
    assert lost == 0


# -- 4 ------------------------------------------------------------------------------------


class Pairs:
    """Direct and proxied requests side by side, so that the machine's own noise hits both alike."""

    def __init__(self, direct_url, kilter_url, per_s=20):
        self.urls = {"direct": direct_url, "through": kilter_url}
        self.answers = {"direct": [], "through": []}
        self.per_s = per_s

    async def run(self, seconds):
        async def both():
            for name, url in self.urls.items():
                self.answers[name].append(await ask(url, *chat(PROMPTS["en"], stream=True), limit_s=20))

        await at_rate(self.per_s, [both] * round(seconds * self.per_s))

    def failures(self):
        return [answer.error for answer in self.answers["through"] if answer.error or answer.status != 200]

    def longest_extra_ms(self):
        longest = {name: max(answer.done_s for answer in answers) for name, answers in self.answers.items()}
        return 1000 * (longest["through"] - longest["direct"])

    def late(self):
        """Requests that took 50 ms longer than the slowest direct one. A busy machine may hold up one in a
        hundred by itself; a relay that waits for the monitor holds up more.
        """
        slowest = max(answer.done_s for answer in self.answers["direct"])
        return sum(answer.done_s > slowest + 0.05 for answer in self.answers["through"])

    def few_late(self):
        return self.late() <= len(self.answers["through"]) / 100

    def median_extra_ms(self):
        pairs = zip(self.answers["through"], self.answers["direct"], strict=True)
        return 1000 * statistics.median(one.done_s - two.done_s for one, two in pairs)


async def probe_health(kilter, control, seconds):
    """Milliseconds of every probe, those of a server that does nothing else, and the worst status."""
    took, control_took, worst, until = [], [], 200, time.monotonic() + seconds
    while time.monotonic() < until:
        for url, times in (
            (f"{kilter.admin}/healthz", took),
            (f"{kilter.admin}/readyz", took),
            (control, control_took),
        ):
            started = time.perf_counter()
            status = await asyncio.to_thread(kilter.status_of, url)
            times.append(1000 * (time.perf_counter() - started))
            worst = max(worst, status)
        await asyncio.sleep(0.2)
    return sorted(took), sorted(control_took), worst


STOPPED_S = float(os.environ.get("TEST_STOPPED_S", "12"))


@pytest.mark.timeout(60 + 3 * STOPPED_S)
async def test_4_a_stopped_monitor_delays_nothing_and_health_does_not_depend_on_it(shown, tmp_path):
    async with ScriptedUpstream(timing=Timing(chunk_s=0.01)) as upstream:
        with RunningKilter(upstream.url, tmp_path) as kilter:
            (monitor,) = kilter.pids("sidecar.monitor")
            before = kilter.metrics().total("kilter_requests_total")
            os.kill(monitor, signal.SIGSTOP)
            pairs = Pairs(upstream.url, kilter.url)
            control = f"{upstream.url}/health"
            _, (took, control_took, worst) = await asyncio.gather(
                pairs.run(STOPPED_S), probe_health(kilter, control, STOPPED_S)
            )
            during = kilter.metrics()
            os.kill(monitor, signal.SIGCONT)
            back = await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_monitor_up") == 1, 10)
    shown(
        f"monitor stopped {STOPPED_S:.0f} s",
        f"{len(pairs.failures())} of {len(pairs.answers['through'])} failed, "
        f"longest {pairs.longest_extra_ms():+.1f} ms, median {pairs.median_extra_ms():+.2f} ms",
        "0 failed, +50 ms",
    )
    late = sum(one > 50 + control_took[-1] for one in took)
    shown(
        "health",
        f"{worst}, median {statistics.median(took):.1f} ms, longest {took[-1]:.1f} ms (a server that does nothing "
        f"else: {control_took[-1]:.1f} ms)",
        "200 in < 50 ms",
    )
    assert pairs.failures() == []
    assert pairs.few_late()
    assert worst == 200
    assert late <= len(took) / 100
    assert during.total("kilter_monitor_up") == 0
    assert during.total("kilter_requests_total") - before == len(pairs.answers["through"])
    assert back.total("kilter_monitor_up") == 1


@pytest.mark.timeout(120)
async def test_4_a_monitor_killed_ten_times_under_load_costs_no_request(shown, tmp_path):
    async with ScriptedUpstream(timing=Timing(chunk_s=0.01)) as upstream:
        with RunningKilter(upstream.url, tmp_path) as kilter:
            pairs = Pairs(upstream.url, kilter.url)

            async def kill():
                for _ in range(10):
                    while not (alive := await asyncio.to_thread(kilter.pids, "sidecar.monitor")):
                        await asyncio.sleep(0.1)
                    await asyncio.sleep(0.3)
                    os.kill(alive[0], signal.SIGKILL)
                    await asyncio.sleep(0.2)
                load.cancel()

            load = asyncio.get_running_loop().create_task(pairs.run(60))
            await kill()
            await asyncio.gather(load, return_exceptions=True)
            back = await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_monitor_up") == 1, 20)
    deaths = back.total("kilter_process_restarts_total", process="monitor")
    shown(
        "ten kills",
        f"{deaths:.0f} deaths, {len(pairs.failures())} of {len(pairs.answers['through'])} failed, "
        f"longest {pairs.longest_extra_ms():+.1f} ms",
        "0 failed, +50 ms",
    )
    assert deaths == 10
    assert pairs.failures() == []
    assert pairs.few_late()
    assert back.total("kilter_monitor_up") == 1


def ports_of(pid):
    return {link.raddr.port for link in psutil.Process(pid).net_connections("tcp") if link.raddr}


async def open_stream(url):
    """A stream that lasts some seconds: (its local port, a task for the whole of it)."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    path, body = chat(PROMPTS["en"], stream=True)
    data = json.dumps(body).encode()
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode()
        + data
    )
    first = await reader.readuntil(b"\r\n\r\n")

    async def rest():
        try:
            return first + await reader.readuntil(b"\r\n0\r\n\r\n")
        except (OSError, EOFError) as error:
            return type(error).__name__.encode()
        finally:
            writer.close()

    return writer.get_extra_info("sockname")[1], asyncio.get_running_loop().create_task(rest())


async def test_4_a_killed_worker_hurts_no_stream_of_the_other_and_comes_back(shown, tmp_path):
    async with ScriptedUpstream(timing=Timing(chunk_s=0.1)) as upstream:
        with RunningKilter(upstream.url, tmp_path, "--workers", "2") as kilter:
            streams = [await open_stream(kilter.url) for _ in range(40)]
            victim, survivor = kilter.pids("sidecar.gateway")
            theirs = ports_of(survivor)
            os.kill(victim, signal.SIGKILL)
            ends = {port: await task for port, task in streams}
            back = await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_process_up") == 4, 10)
            after = [await ask(kilter.url, *chat()) for _ in range(20)]
    held = [end for port, end in ends.items() if port in theirs]
    whole = sum(end.endswith(b"0\r\n\r\n") for end in held)
    shown("streams of the surviving worker", f"{whole} of {len(held)} whole (of 40)", "all")
    assert held
    assert whole == len(held)
    assert back.total("kilter_process_up") == 4
    assert [answer.status for answer in after] == [200] * 20


async def test_4_streams_outlive_a_killed_supervisor(shown, tmp_path):
    async with ScriptedUpstream(timing=Timing(chunk_s=0.1)) as upstream:
        with RunningKilter(upstream.url, tmp_path, "--workers", "2") as kilter:
            streams = [await open_stream(kilter.url) for _ in range(20)]
            children = kilter.children()
            kilter.process.kill()
            kilter.process.wait()
            whole = sum([(await task).endswith(b"0\r\n\r\n") for _, task in streams])
            gone, alive = await asyncio.to_thread(psutil.wait_procs, children, 10)
            for child in alive:
                child.kill()
    shown(
        "streams after kill -9 of the supervisor",
        f"{whole} of 20 whole, {len(gone)} of {len(children)} children ended",
        "all",
    )
    assert whole == 20
    assert not alive


# -- 5 ------------------------------------------------------------------------------------

SECRETS = {
    "authorization": "Bearer sk-planted-7f3a9c",
    "x-api-key": "planted-key-55d1",
    "cookie": "session=planted-cookie-91be",
    "x-other": "planted-header-20aa",
}
QUERY, MARKER, USER = "planted-query-c4d2", "plantedmarkerword", "planted-user-8e71"


def holds(data, words):
    data = data if isinstance(data, bytes) else data.encode()
    return [word for word in words if word.encode() in data]


def ring_memory(kilter):
    (worker,) = kilter.pids("sidecar.gateway")
    found = b""
    for link in Path(f"/proc/{worker}/fd").iterdir():
        if "memfd:kilter-ring" in str(link.readlink()):
            found += link.read_bytes()
    return found


async def test_5_no_secret_and_no_text_is_kept_anywhere(shown, tmp_path):
    words = [value.split(" ")[-1].split("=")[-1] for value in SECRETS.values()] + [QUERY]
    async with ScriptedUpstream(keep_requests=10) as upstream:
        with RunningKilter(upstream.url, tmp_path, env={"KILTER_LOG__LEVEL": "debug"}) as kilter:
            headers = tuple(SECRETS.items())
            for make in (chat, messages):
                for stream in (False, True):
                    path, body = make(f"{PROMPTS['en']} {MARKER}", stream=stream)
                    answer = await ask(kilter.url, f"{path}?key={QUERY}", {**body, "user": USER}, headers)
                    assert answer.status == 200
            bad = await ask(
                kilter.url, f"/v1/chat/completions?key={QUERY}", {"model": "scripted", "messages": MARKER}, headers
            )
            seen = await asyncio.to_thread(
                kilter.until, lambda m: m.total("kilter_ring_records_total", outcome="read") >= 4, 5
            )
            ring = ring_memory(kilter)
            pages = [kilter.get(path)[1] for path in ("/metrics", "/", "/api/v1/status")]
            received = upstream.received[0]
        with RunningKilter("http://127.0.0.1:1", tmp_path / "dead", wait=False) as dead:
            path, body = chat(MARKER)
            refused = await ask(dead.url, f"{path}?key={QUERY}", body, headers)
            dead_log = dead.log()
    assert seen.total("kilter_ring_records_total", outcome="read") >= 4
    assert MARKER.encode() in ring, "the ring should hold what it copies, or this test looks at the wrong memory"
    assert dict(received.headers)["Authorization"] == SECRETS["authorization"]
    assert bad.status == 400
    assert refused.status == 502
    files = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    text = [MARKER, USER, *words]
    found = {
        "ring": holds(ring, words),
        "state and logs": holds(files, text),
        "pages": holds("".join(pages), text),
        "error text": holds(refused.body, text),
        "log of errors": holds(dead_log, text),
    }
    shown("planted secrets found", found, "none")
    assert not any(found.values())


# -- 6: tests/test_imports.py ---------------------------------------------------------------

# -- 7 ------------------------------------------------------------------------------------


def run_badly(tmp_path, *flags, env=None):
    argv = [sys.executable, "-m", "sidecar", "run", *flags]
    environment = {**os.environ, "KILTER_STATE": str(tmp_path / "state"), **(env or {})}
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, env=environment, check=False)


@pytest.mark.parametrize("mistake", ["unknown key", "wrong type", "port in use", "unwritable state"])
def test_7_a_mistake_ends_with_2_and_one_clear_message(shown, tmp_path, mistake):
    fine = ("--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        file = tmp_path / "kilter.yaml"
        blocked = tmp_path / "file"
        blocked.write_text("")
        file.write_text(
            "upstream: http://x\nlimits:\n  infligt: 1\n"
            if mistake == "unknown key"
            else "upstream: http://x\nworkers: many\n"
        )
        done = {
            "unknown key": lambda: run_badly(tmp_path, "--config", str(file)),
            "wrong type": lambda: run_badly(tmp_path, "--config", str(file)),
            "port in use": lambda: run_badly(
                tmp_path, *fine[:2], "--listen", f"127.0.0.1:{taken.getsockname()[1]}", *fine[4:]
            ),
            "unwritable state": lambda: run_badly(tmp_path, *fine, "--state", str(blocked / "state")),
        }[mistake]()
    said = done.stderr.strip()
    shown(mistake, f"exit {done.returncode}: {said}", "exit 2, one message, no traceback")
    expected = {
        "unknown key": ":3: limits.infligt: unknown key; did you mean inflight?",
        "wrong type": ":2: workers: need a valid integer",
        "port in use": "Address already in use",
        "unwritable state": "cannot be used",
    }[mistake]
    assert done.returncode == 2
    assert expected in said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1


async def test_7_an_upstream_that_is_not_there_yet_is_waited_for(shown, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with RunningKilter(f"http://127.0.0.1:{port}", tmp_path) as kilter:
        early = await ask(kilter.url, *chat())
        async with ScriptedUpstream(port=port):
            deadline = time.monotonic() + 10
            while not kilter.line("the upstream accepts connections") and time.monotonic() < deadline:
                await asyncio.sleep(0.1)
            late = await ask(kilter.url, *chat())
        waiting = kilter.line("the upstream does not accept connections yet; waiting for it")
    shown(
        "unreachable upstream", f"{early.status} {early.header('x-kilter-error')}, then {late.status}", "502, then 200"
    )
    assert waiting
    assert (early.status, late.status) == (502, 200)
