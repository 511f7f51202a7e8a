"""How commands speak with a running Kilter: its admin address and the token in its state directory."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

LIMIT_S = 5.0


class AdminError(Exception):
    """``str()`` says what happened and the next step."""


class AdminClient:
    """``address`` is ``host:port``; ``state`` the state directory of the running Kilter, for its token."""

    def __init__(self, address: str, state: Path) -> None:
        self.address = address
        self._state = state

    def get(self, path: str) -> bytes:
        """A page of the admin listener. AdminError when it cannot be had."""
        return self._ask(urllib.request.Request(f"http://{self.address}{path}"))  # fixed scheme

    def put(self, path: str, content: dict[str, Any]) -> bytes:
        """A write, with the token. AdminError when refused or unreachable."""
        try:
            token = (self._state / "admin_token").read_text(encoding="ascii").strip()
        except OSError as error:
            raise AdminError(
                f"{self._state}/admin_token: {error.strerror} (--state names the directory of the running Kilter)"
            ) from None
        request = urllib.request.Request(  # fixed scheme
            f"http://{self.address}{path}",
            json.dumps(content).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            method="PUT",
        )
        return self._ask(request)

    def _ask(self, request: urllib.request.Request) -> bytes:
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:  # noqa: S310  # fixed scheme
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            with error:
                text = error.read(200).decode(errors="replace").strip()
            raise AdminError(f"{self.address}: {error.code}: {text}") from None
        except (urllib.error.URLError, OSError):
            raise AdminError(
                f"{self.address}: nothing answers (is Kilter running? --admin names its admin address)"
            ) from None
