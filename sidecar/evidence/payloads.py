"""What can hold text, beside the chain: a file a payload, and only its salted hash in the record.

The salt lies with the payload and goes with it, so that after an erasure nobody can tell from the hash
whether a guessed text was the one.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from sidecar.evidence.segments import write_whole

FOLDER = "payloads"
SALT_BYTES = 16


def _hash(salt: bytes, text: str) -> str:
    return hashlib.sha256(salt + text.encode()).hexdigest()


class Payloads:
    """The payloads of the log in ``directory``, each under the number of its record."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / FOLDER

    def keep(self, seq: int, payload: Mapping[str, Any]) -> str:
        """Keeps it and returns its hash. OSError where it cannot be written, ValueError where it is no JSON."""
        text = json.dumps(payload, sort_keys=True, separators=(",", ":"), allow_nan=False)
        salt = secrets.token_bytes(SALT_BYTES)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        write_whole(self._path(seq), json.dumps({"salt": salt.hex(), "payload": text}).encode())
        return _hash(salt, text)

    def check(self, seq: int, expected: str) -> Literal["whole", "missing", "altered"]:
        """Whether the payload of a record is the one that it had when it was written."""
        try:
            content = json.loads(self._path(seq).read_bytes())
            same = _hash(bytes.fromhex(content["salt"]), content["payload"]) == expected
        except FileNotFoundError:
            return "missing"
        except (ValueError, KeyError, TypeError):
            return "altered"
        return "whole" if same else "altered"

    def erase(self, seq: int) -> bool:
        """Removes payload and salt; False where there was none."""
        try:
            self._path(seq).unlink()
        except FileNotFoundError:
            return False
        return True

    def _path(self, seq: int) -> Path:
        return self._folder / f"{seq}.json"
