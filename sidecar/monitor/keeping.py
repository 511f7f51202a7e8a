"""The store as the monitor uses it: one that fails stops nothing. It is counted, and the monitor goes on in memory."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from detectors.records.baseline import Baseline
from sidecar.monitor.succession import Succession
from sidecar.store.base import Store, StoreError
from sidecar.store.sqlite import NAME, SqliteStore

log = logging.getLogger("kilter.monitor")


class Keeping:
    """``store``: the one that is given, else the file in ``folder``; None where that cannot be used. ``errors`` counts what
    could not be kept or read.
    """

    def __init__(self, store: Store | None, folder: Path) -> None:
        self.store = store
        self.errors = 0
        try:
            self.store = store or SqliteStore(folder / NAME)
        except StoreError as error:
            self._failed(error)

    def keep(self, work: Callable[[Store], object]) -> None:
        """Does ``work`` with the store, if there is one."""
        if self.store is not None:
            try:
                work(self.store)
            except StoreError as error:
                self._failed(error)

    def keep_baseline(self, baseline: Baseline) -> None:
        """Keeps it for ever."""
        self.keep(lambda store: store.keep_baseline(baseline))

    def baselines(self) -> list[Baseline]:
        """Those that are kept, oldest first."""
        kept: list[Baseline] = []
        self.keep(lambda store: kept.extend(store.baselines()))
        return kept

    def restore(self, succession: Succession, now_s: float) -> float | None:
        """``succession`` goes on from the saved state, else from the last baseline. Unix seconds until which ticks were lost,
        None where the monitor before ended cleanly.
        """
        try:
            saved = self.store.saved() if self.store else None
            if saved is not None:
                succession.restore(saved.text)
                if saved.clean:
                    return None
                succession.forgot(now_s)
                return now_s
        except StoreError as error:
            self._failed(error)
        except Exception:  # whatever another Kilter has saved must not stop this one
            self.errors += 1
            log.exception("the saved state cannot be read; starting from the last baseline")
        kept = self.baselines()
        if kept:
            succession.use(kept[-1])
        return None

    def close(self) -> None:
        """Ends the use of the store."""
        if self.store:
            self.store.close()

    def _failed(self, error: StoreError) -> None:
        self.errors += 1
        log.error("the store cannot be used; going on without it", extra={"fields": {"why": str(error)}})
