"""What OpenAI's and Anthropic's own clients make of recorded bytes, in the words of an Exchange.

Nothing here asks Kilter's decoders. The clients get the bytes from a server that plays them.
"""

from __future__ import annotations

import contextlib
import http.server
import itertools
import json
import threading

import anthropic
import openai
from anthropic.types import Message, RawMessageStreamEvent
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent

TYPES = {
    "openai.chat": (ChatCompletion, ChatCompletionChunk),
    "openai.completions": (Completion, Completion),
    "openai.responses": (Response, ResponseStreamEvent),
    "anthropic.messages": (Message, RawMessageStreamEvent),
}
CONTENT_TYPES = {"sse": "text/event-stream", "json": "application/json"}


class Seen:
    """What the client has seen: texts by choice, finishes by choice, tokens, model, id."""

    def __init__(self):
        self.texts, self.finishes = {}, {}
        self.input_tokens = self.output_tokens = self.model = self.response_id = None
        self.ended = False
        self.first_content_at = None

    def say(self, at, text, choice=0):
        self.texts[choice] = self.texts.get(choice, "") + (text or "")
        if text and self.first_content_at is None:
            self.first_content_at = at


def expected(protocol, body, status, kind, said, ended):
    """The expected Exchange, fields at their default left out."""
    request = asked(protocol, body)
    fields = {"operation_name": "text_completion" if protocol == "openai.completions" else "chat"}
    fields |= {"provider_name": protocol.split(".")[0]} | request
    if status != 200:
        fields |= {"status": status, "error_type": error(protocol, status, said), "time_to_first_chunk_s": 0.25}
        return fields
    seen = Seen()
    for at, event in enumerate(events(protocol, kind, said)):
        READERS[protocol](seen, at, event)
    if seen.model:
        fields["response_model"] = seen.model
    if seen.response_id:
        fields["response_id"] = seen.response_id
    choices = sorted(seen.texts)
    fields["output_messages"] = [spoken(seen, choice) for choice in choices]
    fields["finish_reasons"] = [seen.finishes[choice] for choice in choices if choice in seen.finishes]
    fields["input_tokens"], fields["output_tokens"] = seen.input_tokens, seen.output_tokens
    fields["time_to_first_chunk_s"] = 0.25 + 0.125 * (seen.first_content_at if kind == "sse" else 0)
    if said.count(b"data: null"):
        fields["parse_unknown"] = said.count(b"data: null")
    if ended != "complete":
        fields |= {"ended": ended, "truncated": not seen.ended}
    return {key: value for key, value in fields.items() if value not in (None, [])}


def spoken(seen, choice):
    said = {"role": "assistant", "text": seen.texts[choice], "finish_reason": seen.finishes.get(choice)}
    return {key: value for key, value in said.items() if value}


def asked(protocol, body):
    """What the request says. Contents are plain texts here, and nobody calls a tool."""
    try:
        document = json.loads(body)
    except ValueError:
        return {"history_complete": "unknown"}
    sent = document.get("messages") or document.get("input") or document.get("prompt") or []
    if isinstance(sent, str):
        sent = [sent]
    messages = [{"role": "user", "content": each} if isinstance(each, str) else each for each in sent]
    system = document.get("system") or document.get("instructions")
    if system:
        messages = [{"role": "system", "content": system}, *messages]
    turns = sum(role == "user" for role, _ in itertools.groupby(each["role"] for each in messages))
    fields = {
        "request_model": document.get("model"),
        "input_messages": [{"role": each["role"], "text": each["content"]} for each in messages],
        "turns": 1 if protocol == "openai.completions" else turns,
        "stream": document.get("stream"),
        "tools_offered": [each.get("name") or each["function"]["name"] for each in document.get("tools", [])],
    }
    return {key: value for key, value in fields.items() if value not in (None, [])}


@contextlib.contextmanager
def client(protocol, status, kind, said):
    """The vendor's client, in front of a server that answers each request with these bytes."""

    class Player(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-type", CONTENT_TYPES[kind])
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_):
            pass

    vendor = anthropic.Anthropic if protocol.startswith("anthropic") else openai.OpenAI
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Player) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with vendor(api_key="none", base_url=url, max_retries=0) as speaker:
            yield speaker
        server.shutdown()


def events(protocol, kind, said):
    """The objects that the client gives its user, one an event."""
    whole, part = TYPES[protocol]
    vendor = anthropic if protocol.startswith("anthropic") else openai
    with client(protocol, 200, kind, said) as speaker:
        if kind == "json":
            return [speaker.post("/", body={}, cast_to=whole)]
        return list(speaker.post("/", body={}, cast_to=whole, stream=True, stream_cls=vendor.Stream[part]))


def error(protocol, status, said):
    """The most specific name of the error that the client raises."""
    vendor = anthropic if protocol.startswith("anthropic") else openai
    with client(protocol, status, "json", said) as speaker:
        try:
            speaker.post("/", body={}, cast_to=TYPES[protocol][0])
        except vendor.APIStatusError as raised:
            detail = raised.body.get("error", raised.body)
            return detail["code"] if isinstance(detail.get("code"), str) else detail["type"]
    raise AssertionError("the client raised nothing")


def read_choices(seen, at, event):
    if event is None:  # llama.cpp begins a stream of several prompts with null
        return
    seen.model, seen.response_id = event.model, event.id
    for choice in event.choices:
        said = getattr(choice, "delta", None) or getattr(choice, "message", None)
        seen.say(at, choice.text if said is None else said.content, choice.index)
        if choice.finish_reason:
            seen.finishes[choice.index] = choice.finish_reason
            seen.ended = True
    if event.usage:
        seen.input_tokens, seen.output_tokens = event.usage.prompt_tokens, event.usage.completion_tokens


def read_response(seen, at, event):
    if event.object == "response" if hasattr(event, "object") else False:
        whole = event
    else:
        whole = getattr(event, "response", None)
        if event.type == "response.output_text.delta":
            seen.say(at, event.delta)
        if whole is None:
            return
    seen.response_id = whole.id
    seen.model = getattr(whole, "model", None) or seen.model
    if whole.status == "in_progress":
        seen.texts.setdefault(0, "")
        return
    seen.texts[0] = whole.output_text
    seen.finishes[0], seen.ended = whole.status, True
    if seen.first_content_at is None:
        seen.first_content_at = at
    seen.input_tokens, seen.output_tokens = whole.usage.input_tokens, whole.usage.output_tokens


def read_message(seen, at, event):
    whole = event if event.type == "message" else event.message if event.type == "message_start" else None
    if whole is not None:
        seen.model, seen.response_id = whole.model, whole.id
        given = (whole.usage.input_tokens, whole.usage.cache_creation_input_tokens, whole.usage.cache_read_input_tokens)
        seen.input_tokens, seen.output_tokens = sum(each or 0 for each in given), whole.usage.output_tokens
        seen.say(at, "".join(block.text for block in whole.content if block.type == "text"))
        stop = whole.stop_reason
    elif event.type == "message_delta":
        seen.output_tokens, stop = event.usage.output_tokens, event.delta.stop_reason
    else:
        stop = None
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            seen.say(at, event.delta.text)
    if stop:
        seen.finishes[0], seen.ended = stop, True


READERS = {
    "openai.chat": read_choices,
    "openai.completions": read_choices,
    "openai.responses": read_response,
    "anthropic.messages": read_message,
}
