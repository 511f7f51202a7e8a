"""The mirror of users' sampling parameters, held up to traffic: some requests a second are enough, and more would cost.

Only what was answered, in the format and of the model that canaries ask; of a request's document nothing but those numbers is
looked at.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from sidecar.canary.mirror import Mirror, Sampling
from sidecar.gateway.capture import Capture
from sidecar.wire.body import request_document

EVERY_S = 0.25
_OK = 200
_WITHIN = {"ollama": "options"}


class Mirroring:
    """``api``: the wire format that canaries ask in. ``clock``: monotonic seconds."""

    def __init__(self, api: str, clock: Callable[[], float]) -> None:
        self._api = api
        self._clock = clock
        self._mirror = Mirror(random.Random(), _WITHIN.get(api, ""))
        self._next_s = clock()

    def see(self, capture: Capture, model: str) -> None:
        """An exchange of live traffic; counted where it asked ``model``, or names none. Never raises for what it holds."""
        if capture.protocol != self._api or capture.status != _OK or self._clock() < self._next_s:
            return
        self._next_s = self._clock() + EVERY_S
        document, whole = request_document(capture)
        if whole and document.get("model", model) == model:
            self._mirror.see(document)

    def drawn(self) -> Sampling | None:
        """As users send it; None while too little was seen."""
        return self._mirror.drawn()
