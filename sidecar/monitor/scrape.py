"""The exposition that a scraper is given, worked out ahead of it."""

from __future__ import annotations

from collections.abc import Callable

from sidecar.export.exposition import Exposition


class Scrape:
    """``soon(work)`` calls ``work`` once, a little later."""

    def __init__(self, exposition: Exposition, soon: Callable[[Callable[[], object]], object]) -> None:
        self._exposition = exposition
        self._soon = soon
        self._asked = False
        self._closed = 0

    def text(self) -> bytes:
        """What a scraper is told now."""
        self._asked = True
        return self._exposition.text()

    def ahead(self, closed: int) -> None:
        """``closed`` ticks are judged: what another one has changed is worked out and written now, so that the next scrape need
        not wait for it. Where nobody scrapes nothing is.
        """
        if self._asked and closed != self._closed:
            self._closed = closed
            self._soon(self._exposition.text)
