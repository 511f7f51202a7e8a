"""The official SDKs read the corpus: it is what the providers' own types allow."""

from __future__ import annotations

import json

from anthropic.types import Message, RawMessageStreamEvent
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from sidecar.wire.sse import SseParser

TYPES = {
    "openai.chat": (ChatCompletion, ChatCompletionChunk),
    "openai.completions": (Completion, Completion),
    "openai.responses": (Response, ResponseStreamEvent),
    "anthropic.messages": (Message, RawMessageStreamEvent),
}


def test_the_sdk_reads_the_case(sdk_case):
    case = sdk_case
    document_type, event_type = TYPES[case.protocol]
    if case.kind == "json":
        if case.capture.status == 200:
            TypeAdapter(document_type).validate_json(case.capture.response_body)
        else:
            assert isinstance(json.loads(case.capture.response_body), dict)
        return
    parser = SseParser()
    events = parser.feed(case.capture.response_body) + parser.close()
    adapter = TypeAdapter(event_type)
    for event in events:
        # Errors and pings are the SDK's transport's business and have no type of theirs.
        if not event.startswith(b"[DONE]") and b'"error":{' not in event and b'"type":"ping"' not in event:
            adapter.validate_json(event)
