"""Strings planted wherever a request and an answer can hold one are found nowhere that Kilter writes, shows or sends.

Everything is on: spans to a receiver, the log at its finest, canaries, evidence, samples (encrypted), headers that name users, applications and
conversations. What is looked at: metrics, every page and document, spans and events, the log, every file of the state
directory while it runs and after its end, a copy of the evidence for an auditor, and what commands print.
"""

import asyncio
import base64
import binascii
import hashlib
import json
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import alarmed
import pytest
from aiohttp import web
from load import ask
from receiving import receiver
from running import RunningKilter

from sidecar.admin import openapi

PLANTED = {
    name: f"pl4nt{number:02d}{name.replace('_', '')}"
    for number, name in enumerate(
        (
            "system", "prompt", "history", "tool_argument", "tool_result", "tool_description", "image", "file_name", "user",
            "header_user", "safety_identifier", "conversation", "session", "metadata", "bearer", "api_key", "cookie", "query",
            "header", "answer", "reasoning", "answer_argument", "refusal", "error_message", "header_of_answer",
            "canary_key", "canary_system", "canary_answer", "body_that_is_no_json",
        )
    )
}  # fmt: skip
SUITE = """version: 1
suite: mine
slots: {w: {nonce: 8}}
families:
  - {id: en, group: agentic, prompts: {en: "Say {w}."}, expect: {contains_nonce: w}}
"""
MODEL, APP = "named-model", "shop"


def traffic():
    """(path, body, headers): each wire format, whole and as a stream."""
    p = PLANTED
    image = base64.b64encode(p["image"].encode()).decode()
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "search", "arguments": json.dumps({"q": p["tool_argument"]})},
    }
    parts = [
        {"type": "text", "text": f"Please say {p['prompt']}"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}},
        {"type": "file", "file": {"filename": p["file_name"], "file_data": f"data:text/plain;base64,{image}"}},
    ]
    chat = [
        {"role": "system", "content": p["system"]},
        {"role": "user", "content": f"Before that {p['history']}"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": p["tool_result"]},
        {"role": "user", "content": parts},
    ]
    tools = [
        {"type": "function", "function": {"name": "search", "description": p["tool_description"], "parameters": {}}}
    ]
    who = {
        "user": p["user"],
        "safety_identifier": p["safety_identifier"],
        "session_id": p["session"],
        "metadata": {"k": p["metadata"]},
    }
    headers = [
        ("Authorization", f"Bearer {p['bearer']}"), ("x-api-key", p["api_key"]), ("Cookie", f"a={p['cookie']}"),
        ("X-Other", p["header"]), ("X-User", p["header_user"]), ("X-Conversation", p["conversation"]), ("X-App", APP),
    ]  # fmt: skip
    for stream in (False, True):
        for mood in ("says", "refuses", "fails"):
            extra = [*headers, ("X-Mood", mood)]
            body = {"model": MODEL, "stream": stream, "messages": chat, "tools": tools, **who}
            yield f"/v1/chat/completions?key={p['query']}", body, extra
            text = f"{p['history']} {p['prompt']}"
            claude = {
                "model": MODEL,
                "max_tokens": 9,
                "stream": stream,
                "system": p["system"],
                "metadata": {"user_id": p["user"]},
            }
            yield "/v1/messages", {**claude, "messages": [{"role": "user", "content": text}]}, extra
            yield (
                "/v1/responses",
                {"model": MODEL, "stream": stream, "instructions": p["system"], "input": text, **who},
                extra,
            )
    yield "/v1/chat/completions", {"model": MODEL, "messages": p["body_that_is_no_json"]}, headers


@asynccontextmanager
async def upstream():
    """A model server that puts a planted string into every field of its answers that holds words."""
    p = PLANTED

    async def answer(request):
        body = json.loads(await request.read() or b"{}")
        if request.headers.get("Authorization") == f"Bearer {p['canary_key']}":
            return web.json_response(said(p["canary_answer"]))
        mood = request.headers.get("X-Mood", "fails")
        if mood == "fails":
            error = {"message": p["error_message"], "type": "overloaded_error", "param": p["prompt"], "code": None}
            return web.json_response({"type": "error", "error": error}, status=500)
        whole = said(p["answer"]) if mood == "says" else said(f"I'm sorry, but I can't help with {p['refusal']}.")
        if not body.get("stream"):
            return web.json_response(whole, headers={"X-Of-Answer": p["header_of_answer"]})
        events = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await events.prepare(request)
        message = whole["choices"][0]["message"]
        for delta in ({"role": "assistant"}, {"content": message["content"]}, {"reasoning_content": p["reasoning"]}):
            chunk = {"id": "r1", "model": MODEL, "choices": [{"index": 0, "delta": delta}]}
            await events.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        await events.write(b"data: " + p["answer"].encode() + b"\n\ndata: [DONE]\n\n")
        return events

    def said(text):
        call = {
            "id": "c9",
            "type": "function",
            "function": {"name": "send", "arguments": json.dumps({"to": p["answer_argument"]})},
        }
        message = {
            "role": "assistant",
            "content": text,
            "reasoning_content": p["reasoning"],
            "refusal": None,
            "tool_calls": [call],
        }
        return {"id": "r1", "model": MODEL, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "content": [{"type": "text", "text": text}], "output": [{"type": "message", "role": "assistant",
                "content": [{"type": "output_text", "text": text}]}], "status": "completed",
                "usage": {"prompt_tokens": 9, "completion_tokens": 9}}  # fmt: skip

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def forms(word):
    """The string itself and what stands for it as well: a hash without a key tells whoever can guess."""
    raw = word.encode()
    yield raw
    yield base64.b64encode(raw).rstrip(b"=")[:-1]
    yield binascii.hexlify(raw)
    yield raw[::-1]
    for digest in (hashlib.sha256, hashlib.sha1, hashlib.md5):
        yield digest(raw).hexdigest().encode()
        yield digest(raw).digest()


def found(data):
    data = data.encode() if isinstance(data, str) else data
    return sorted(name for name, word in PLANTED.items() if any(form in data for form in forms(word)))


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def command(kilter, *argv):
    argv = [sys.executable, "-m", "sidecar", *argv]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False, env=kilter.env)
    return done.stdout + done.stderr


def test_a_planted_string_would_be_found():
    for name, word in PLANTED.items():
        assert found(f"x{word}y") == [name]
        assert found(base64.b64encode(word.encode())) == [name]
        assert found(hashlib.sha256(word.encode()).hexdigest()) == [name]
    assert found("nothing") == []


@pytest.mark.timeout(180)
async def test_nothing_of_what_people_and_models_said_or_of_who_they_are_is_anywhere(tmp_path):
    p = PLANTED
    alarm_id = alarmed.make(tmp_path / "state")
    secrets = tmp_path / "given"  # what an operator keeps there is not Kilter's
    secrets.mkdir()
    (secrets / "key").write_text(p["canary_key"])
    (secrets / "system").write_text(p["canary_system"])
    (secrets / "mine.yaml").write_text(SUITE)
    (secrets / "samples").write_text("5a" * 32)
    canary = {
        "enabled": True, "key_file": str(secrets / "key"), "system_file": str(secrets / "system"), "suites": str(secrets), "only": ["mine"],
        "interval_s": 0.1, "model": MODEL, "max_inflight": 1000, "tokens_a_minute": 10**7, "tokens_a_day": 10**8,
    }  # fmt: skip
    identity = {
        "user_header": "x-user", "app_header": "x-app", "apps": [APP], "conversation_header": "x-conversation",
        "trust_client_conversation_ids": True,
    }  # fmt: skip
    seen = {}
    with receiver("grpc") as received:
        otlp = {"endpoint": received.endpoint, "metrics_interval_s": 1}
        config = {
            "canary": canary,
            "identity": identity,
            "otlp": otlp,
            "log": {"level": "debug"},
            "keep_samples": {"dir": str(tmp_path / "state/samples"), "key_file": str(secrets / "samples")},
            "ticks": {"length_s": 60, "grace_s": 1},
        }
        (secrets / "kilter.yaml").write_text(json.dumps(config))
        async with upstream() as url:
            with RunningKilter(url, tmp_path, "--config", str(secrets / "kilter.yaml")) as kilter:
                sent = 0
                for path, body, headers in traffic():
                    answer = await ask(kilter.url, path, body, headers)
                    assert answer.status in (200, 500)
                    sent += 1
                metrics = await asyncio.to_thread(
                    kilter.until,
                    lambda now: (
                        now.total("kilter_ring_records_total", outcome="read") >= sent
                        and now.total("kilter_canary_probes_total", outcome="fail") > 0
                    ),
                    20,
                )
                documents = [path for path, item in openapi.document()["paths"].items() if "get" in item]
                for path in ["/", "/?reload=1", *(one.replace("{id}", "latest") for one in documents)]:
                    status, seen[path] = await asyncio.to_thread(kilter.get, path)
                    assert status == 200, (path, kilter.log()[-3000:])
                admin = ("--admin", kilter.admin.removeprefix("http://"))
                seen["kilter status"] = command(kilter, "status", *admin)
                seen["kilter status --json"] = command(kilter, "status", "--json", *admin)
                seen["kilter baseline list"] = command(kilter, "baseline", "list", *admin)
                # One whose upstream is gone: what Kilter says itself.
                while_running = files(tmp_path / "state")
                kilter.process.send_signal(signal.SIGTERM)
                kilter.process.wait(20)
                seen["kilter evidence verify"] = command(kilter, "evidence", "verify")
                command(kilter, "evidence", "export", "-o", str(tmp_path / "evidence.tar"))
            with RunningKilter("http://127.0.0.1:1", tmp_path / "dead", wait=False) as dead:
                time.sleep(0.2)
                path, body, headers = next(traffic())
                seen["error text"] = (await ask(dead.url, path, body, headers)).body
                seen["log of one whose upstream is gone"] = dead.log()
    assert metrics.total("kilter_responses_total", model=MODEL, label="refusal") > 0
    assert len(received.spans) >= sent - 2
    assert {"gen_ai.evaluation.result"} <= {record.event_name for record in received.logs}
    assert any(record.event_name and "canary" in str(record) for record in received.logs)
    assert alarm_id in seen["/"]
    assert MODEL in seen["/metrics"]  # what may be shown is
    seen["spans, events and metrics sent"] = received.text() + "\n".join(map(repr, received.spans + received.logs))
    seen["log"] = kilter.log()
    seen.update({f"state, running: {name}": data for name, data in while_running.items()})
    seen.update({f"state: {name}": data for name, data in files(tmp_path / "state").items()})
    evidence = list(tmp_path.glob("evidence.tar*"))
    seen.update({path.name: path.read_bytes() for path in evidence})
    assert evidence
    assert any("kilter.db" in name for name in seen)
    assert any("canary.db" in name for name in seen)
    assert {where: words for where, data in seen.items() if (words := found(data))} == {}
