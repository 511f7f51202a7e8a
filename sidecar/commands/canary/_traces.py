"""What ``contamination`` and ``exclusions`` look for: suites, with the prompts of the epochs that were asked."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from sidecar.canary import duration
from sidecar.canary.contamination import Trace, traces
from sidecar.canary.draws import secret_id
from sidecar.canary.loading import LoadedSuite
from sidecar.canary.results import Results, StoreError
from sidecar.commands.run import ConfigExit
from sidecar.config import state_dir


def of_suites(
    loaded: Iterable[LoadedSuite], secret: bytes, state: str, *, coming: int, salt: bytes = b""
) -> tuple[Trace, ...]:
    """The traces of all suites: what results tell of as asked, the present epoch, and ``coming`` ones after it."""
    used = _used(secret, state)
    found: list[Trace] = []
    for suite in loaded:
        now = int(time.time()) // duration.seconds(suite.suite.rotation.epoch)
        asked = {(epoch, 0) for epoch in range(now, now + coming + 1)} | used.get(suite.suite.suite, set())
        try:
            found += traces(suite, secret, sorted(asked), salt)
        except ValueError as error:
            raise ConfigExit(f"{suite.shown}: {error}") from None
    return tuple(found)


def _used(secret: bytes, state: str) -> dict[str, set[tuple[int, int]]]:
    path = state_dir(state) / "canary.db"
    if not Path(path).is_file():
        return {}
    own = secret_id(secret)
    used: dict[str, set[tuple[int, int]]] = {}
    try:
        with Results(path) as results:
            for row in results.rows():
                if row.secret_id == own:
                    # A family of several draws a round uses them up sooner; looking at more is no harm.
                    used.setdefault(row.suite, set()).update((row.epoch, shift) for shift in range(row.draw + 1))
    except StoreError as error:
        raise ConfigExit(str(error)) from None
    return used
