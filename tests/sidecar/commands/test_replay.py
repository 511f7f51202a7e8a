"""``kilter replay --format-check``: what the decoders read in a record, a line a file."""

import base64
import gzip
import json
import subprocess
import sys

import pytest

from sidecar.replay.format_check import format_check_line
from sidecar.replay.recording import NotARecordError

FIELDS = [
    "operation_name", "request_model", "response_model", "finish_reasons", "input_tokens", "output_tokens", "stream",
    "turns", "history_complete", "tools_offered", "tool_calls", "response_text", "signals", "error_type", "user_key",
    "truncated",
]  # fmt: skip
CHAT = {
    "model": "m",
    "safety_identifier": "u1",
    "user": "u2",
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "messages": [
        {"role": "user", "content": "Grüße"},
        {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
    ],
}
ANSWER = {
    "id": "i",
    "model": "m-1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Да 🌍"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3},
}


def b64(body):
    return base64.b64encode(body if isinstance(body, bytes) else json.dumps(body).encode()).decode()


def record(request=CHAT, answer=ANSWER, path="/v1/chat/completions", status=200, **more):
    headers = [["Content-Type", "application/json"]]
    response = {"status": status, "headers": headers, "body_b64": b64(answer)} | more.pop("response", {})
    sent = {"method": "POST", "path": path, "headers": headers, "body_b64": b64(request)} | more.pop("sent", {})
    return {"request": sent, "response": response} | more


def read(*args, **more):
    return json.loads(format_check_line(record(*args, **more)))


def kilter(*argv):
    return subprocess.run(
        [sys.executable, "-m", "sidecar", "replay", *map(str, argv)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_line_a_file_in_the_order_of_the_files(tmp_path):
    names = ["b.json", "a.json", "opaque.json"]
    for name, given in zip(names, [record(), record({"model": "other"}), record(path="/v1/embeddings")], strict=True):
        (tmp_path / name).write_text(json.dumps(given))
    done = kilter("--format-check", *(tmp_path / name for name in names))
    assert (done.returncode, done.stderr) == (0, "")
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert list(first) == FIELDS
    assert first == {
        "operation_name": "chat",
        "request_model": "m",
        "response_model": "m-1",
        "finish_reasons": ["stop"],
        "input_tokens": 9,
        "output_tokens": 3,
        "stream": False,
        "turns": 1,
        "history_complete": "yes",
        "tools_offered": ["f"],
        "tool_calls": [["call", "f"], ["result", "f"]],
        "response_text": "Да 🌍",
        "signals": [],
        "error_type": None,
        "user_key": "u1",
        "truncated": False,
    }
    assert second["request_model"] == "other"
    assert third is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{secret", "not JSON"),
        ('["secret"]', "need an object"),
        ('{"request": {"method": "POST"}}', "request.path"),
        (json.dumps(record(sent={"body_b64": "secret!"})), "base64"),
        (json.dumps(record(sent={"headers": ["secret"]})), "pairs"),
        (json.dumps(record(response={"status": "secret"})), "status"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_record_is_named_and_not_quoted(text, said, tmp_path):
    file = tmp_path / "file.json"
    if text is not None:
        file.write_text(text)
    done = kilter("--format-check", file)
    assert done.returncode == 2
    assert str(file) in done.stderr.replace("\n", "")
    assert said in done.stderr
    assert "secret" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("path", "request_body", "headers", "user"),
    [
        ("/v1/chat/completions", {"user": "u2", "safety_identifier": "u1"}, [], "u1"),
        ("/v1/chat/completions", {"user": "u2"}, [], "u2"),
        ("/v1/chat/completions", {"prompt_cache_key": "k", "metadata": {"user_id": "x"}}, [], None),
        ("/v1/completions", {"user": "u2"}, [], "u2"),
        ("/v1/responses", {"safety_identifier": "u1"}, [], "u1"),
        ("/v1/messages", {"metadata": {"user_id": "u3"}}, [["Anthropic-User-Profile-Id", "u4"]], "u3"),
        ("/v1/messages", {"user": "x"}, [["Anthropic-User-Profile-Id", "u4"]], "u4"),
        ("/v1/messages", {"metadata": ["user_id"]}, [], None),
        ("/api/chat", {"user": "x"}, [], None),
    ],
)
def test_the_user_is_whom_the_format_names(path, request_body, headers, user):
    assert read(request_body, path=path, sent={"headers": headers})["user_key"] == user


def test_a_query_is_no_part_of_the_path_and_an_encoded_answer_is_read():
    headers = [["content-type", "application/json"], ["Content-Encoding", "gzip"]]
    answer = {"headers": headers, "body_b64": b64(gzip.compress(json.dumps(ANSWER).encode()))}
    assert read(path="/v1/chat/completions?api-version=1", response=answer)["response_text"] == "Да 🌍"


def test_a_connection_that_died_is_truncated():
    assert read(response={"cut": True})["truncated"] is True
    assert read(response={"cut": False})["truncated"] is False


def test_an_exchange_without_an_answer_is_truncated_and_shown():
    given = record()
    del given["response"]
    shown = json.loads(format_check_line(given))
    assert (shown["request_model"], shown["truncated"], shown["response_text"]) == ("m", True, "")


def test_a_named_provider_decides_where_the_path_leaves_it_open():
    blocked = {"object": "error", "message": "m", "type": "guardrail"}
    assert read(CHAT, blocked, status=403)["signals"] == []
    assert read(CHAT, blocked, status=403, config={"provider": "mistral"})["signals"] == ["policy_block_input"]
    text = [{"generated_text": "x"}]
    assert format_check_line(record({"inputs": "a"}, text, path="/")) == "null"
    assert read({"inputs": "a"}, text, path="/", format="tgi")["response_text"] == "x"


@pytest.mark.parametrize(
    "given", [None, [], "x", {"request": []}, {"request": {"path": "/", "method": 1}}, {"request": {}}]
)
def test_anything_else_is_said_to_be_no_record(given):
    with pytest.raises(NotARecordError):
        format_check_line(given)
