"""A copy of one exchange, as the monitor gets it, of which only the request matters."""

import dataclasses
import json

from sidecar.gateway.capture import Capture


def copied(document, **more):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    plain = Capture(
        "POST", "/v1/chat/completions", (), body, False, 200, (), b"", 0, 0, 0.0, 0.0, 0.0, 0.0, (), "", "none", None, "", 1.0,
        "complete", "openai.chat",
    )  # fmt: skip
    return dataclasses.replace(plain, **more)
