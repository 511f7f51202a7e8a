"""Formats are found by being there; what is no exchange of a known format is opaque."""

from __future__ import annotations

import dataclasses
import json

import pytest

import sidecar.wire
from sidecar.wire.base import decode, format_for, formats

TOY = """
from detectors.records.exchange import Exchange
from sidecar.wire.base import WireFormat


def decode(capture):
    return Exchange("chat", "toy", response_id=capture.response_body.decode())


FORMAT = WireFormat("toy", "toy", ("/toy",), decode)
"""


@pytest.fixture
def toy_file(tmp_path, monkeypatch):
    (tmp_path / "toy.py").write_text(TOY, "utf-8")
    monkeypatch.setattr(sidecar.wire, "__path__", [*sidecar.wire.__path__, str(tmp_path)])
    formats.cache_clear()
    yield
    monkeypatch.undo()
    formats.cache_clear()


def test_a_new_file_is_a_new_format(toy_file, capture):
    assert "toy" in [wire_format.name for wire_format in formats()]
    assert decode(capture("toy", response=b"r1")).response_id == "r1"


def test_the_built_in_formats_are_found_once_each_and_in_order():
    names = [wire_format.name for wire_format in formats()]
    assert names == [
        "anthropic.messages",
        "bedrock",
        "gemini",
        "llama.cpp",
        "mistral.chat",
        "ollama",
        "openai.chat",
        "openai.completions",
        "openai.responses",
        "sglang",
        "tgi",
    ]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/chat/completions", "openai.chat"),
        ("/openai/deployments/d/chat/completions", "openai.chat"),
        ("/openai/v1/chat/completions", "openai.chat"),
        ("/v1/completions", "openai.completions"),
        ("/openai/deployments/d/completions", "openai.completions"),
        ("/v1/responses", "openai.responses"),
        ("/openai/v1/responses", "openai.responses"),
        ("/v1/messages", "anthropic.messages"),
        ("/anthropic/v1/messages", "anthropic.messages"),
        ("/api/chat", "ollama"),
        ("/api/generate", "ollama"),
        ("/v1beta/models/gemini-x:generateContent", "gemini"),
        ("/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent", "gemini"),
        ("/model/anthropic.claude-x-v1%3A0/converse", "bedrock"),
        ("/model/m/converse-stream", "bedrock"),
        ("/model/m/invoke", "bedrock"),
        ("/model/m/invoke-with-response-stream", "bedrock"),
        ("/generate_stream", "tgi"),
        ("/completion", "llama.cpp"),
        ("/infill", "llama.cpp"),
        ("/v1/agents/completions", "mistral.chat"),
        ("/v1/fim/completions", "openai.completions"),
    ],
)
def test_the_path_names_the_format(path, name):
    assert format_for(path).name == name


@pytest.mark.parametrize(
    "path",
    ["/v1/embeddings", "/v1/responses/r1", "/v1/responses/r1/cancel", "/v1/messages/count_tokens", "/v1/messages/batches",
     "/v1/chat/completions/batch", "/v1/moderations", "/api/embed", "/metrics", "/", "",
     "/v1beta/models/gemini-x:countTokens", "/v1beta/models/gemini-x:batchGenerateContent", "/v1beta/interactions",
     "/chain/invoke", "/model//converse", "/agents/a/converse", "/model/m/count-tokens"],
)  # fmt: skip
def test_other_paths_are_opaque(path, capture):
    assert decode(capture("", path=path)) is None


def test_only_a_post_of_json_is_an_exchange(capture):
    assert decode(capture("openai.chat")) is not None
    assert decode(capture("openai.chat", method="GET")) is None
    assert (
        decode(capture("openai.chat", request_headers=(("content-type", "multipart/form-data; boundary=x"),))) is None
    )
    assert (
        decode(capture("openai.chat", request_headers=(("Content-Type", "application/json; charset=utf-8"),)))
        is not None
    )
    assert decode(capture("openai.chat", request_headers=())) is not None


def test_a_capture_says_its_format_itself_or_by_its_path(capture):
    assert decode(capture("nobody.knows", path="/v1/messages")) is None
    assert decode(capture("", path="/v1/messages")).provider_name == "anthropic"
    assert decode(capture("openai.chat", path="/behind/a/proxy")).provider_name == "openai"


@pytest.mark.parametrize(
    ("path", "body", "provider"),
    [
        ("/generate", {"inputs": "x"}, "tgi"),
        ("/generate", {"text": "x"}, "sglang"),
        ("/generate", {"input_ids": [1]}, "sglang"),
        ("/generate", {}, "tgi"),
        ("/invocations", {"inputs": "x"}, "tgi"),
        ("/invocations", {"messages": []}, "openai"),
        ("/invocations", {"prompt": "x"}, "openai"),
        ("/invocations", {"data": [1]}, None),
        ("/model/m/invoke", {"anthropic_version": "v"}, "aws.bedrock"),
        ("/model/m/invoke", {"inputText": "x"}, None),
    ],
)
@pytest.mark.parametrize("protocol", ["", "path"])
def test_on_a_shared_path_the_body_says_whose_it_is(path, body, provider, protocol, capture):
    given = capture(protocol and format_for(path).name, json.dumps(body).encode(), path=path)
    exchange = decode(given)
    assert (exchange and exchange.provider_name) == provider


@pytest.mark.parametrize(
    ("path", "named", "name"),
    [
        ("/v1/chat/completions", "mistral", "mistral.chat"),
        ("/v1/chat/completions", "mistral_ai", "mistral.chat"),
        ("/v1/chat/completions", "", "openai.chat"),
        ("/v1/chat/completions", "vllm", "openai.chat"),
        ("/v1/completions", "mistral", "openai.completions"),
        ("/generate", "tgi", "tgi"),
        ("/generate", "SGLang", "sglang"),
        ("/", "tgi", "tgi"),
        ("/v1/messages", "gemini", "anthropic.messages"),
    ],
)
def test_a_named_provider_decides_where_the_path_leaves_it_open(path, named, name):
    assert format_for(path, named).name == name


@pytest.mark.parametrize("path", ["/", "/v1/embeddings", "/v1/responses/r1/cancel"])
def test_a_name_does_not_make_an_opaque_path_an_exchange(path):
    assert format_for(path, "openai.responses") is None


def test_every_case_of_the_corpus_is_found_by_its_path(corpus):
    for case in corpus:
        found = decode(dataclasses.replace(case.capture, protocol=format_for(case.capture.path, case.protocol).name))
        assert found == decode(case.capture), case.name
