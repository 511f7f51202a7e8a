"""Completes the keys of a record: which conversation, which user.

While every conversation is looked at a worker need not know whose a request is, and does not
read its body. The keys come from the functions of ``gateway.admission`` on the bytes that the
worker would have read, so they are the same whoever works them out; before and after a time of
scarce room, and in every worker.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from sidecar.gateway.admission import Identity, body_says, conversation_key, user_key
from sidecar.gateway.capture import Capture
from sidecar.gateway.keyed_hash import KeyedHash
from sidecar.settings import CaptureSettings


class Naming:
    """``recognised`` is told by what each conversation was recognised: one of ``admission.KEY_KINDS``."""

    def __init__(
        self,
        install_key: bytes,
        settings: CaptureSettings,
        random_bytes: Callable[[int], bytes],
        recognised: Callable[[str], None],
    ) -> None:
        self._keyed = KeyedHash(install_key)
        self._settings = settings
        self._random_bytes = random_bytes
        self._recognised = recognised

    def read(self, record: bytes) -> Capture:
        """The capture with its keys. ValueError as ``Capture.from_bytes``."""
        return self.named(Capture.from_bytes(record))

    def named(self, capture: Capture) -> Capture:
        """``capture``, fresh from a worker, with its keys."""
        said = body_says(capture.request_body[: capture.keyed_bytes])
        identity = Identity(
            conversation=_key(capture.conversation_key),
            user=_key(capture.user_key),
            credential=_key(capture.credential_key),
        )
        conversation, kind = conversation_key(self._keyed, said, identity, self._settings, self._random_bytes)
        user = user_key(self._keyed, said, identity)
        self._recognised(kind)
        return dataclasses.replace(
            capture,
            conversation_key=conversation.hex(),
            key_kind=kind,
            user_key=None if user is None else user.hex(),
        )


def _key(text: str | None) -> bytes | None:
    return bytes.fromhex(text) if text else None
