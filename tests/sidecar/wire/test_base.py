"""Formats are found by being there; what is no exchange of a known format is opaque."""

from __future__ import annotations

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
    assert names == ["anthropic.messages", "ollama", "openai.chat", "openai.completions", "openai.responses"]


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
    ],
)
def test_the_path_names_the_format(path, name):
    assert format_for(path).name == name


@pytest.mark.parametrize(
    "path",
    ["/v1/embeddings", "/v1/responses/r1", "/v1/responses/r1/cancel", "/v1/messages/count_tokens", "/v1/messages/batches",
     "/v1/chat/completions/batch", "/v1/moderations", "/api/embed", "/metrics", "/", ""],
)  # fmt: skip
def test_other_paths_are_opaque(path, capture):
    assert format_for(path) is None
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
