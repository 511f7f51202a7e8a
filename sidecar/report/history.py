"""The records of a period, and what held when it began."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sidecar.evidence.chain import Head
from sidecar.evidence.payloads import FOLDER
from sidecar.evidence.verify import Verdict, verify

Series = tuple[str, str, str]
"""behaviour, stratum, model."""

_UNUSED = frozenset({"head"})
_OF_STRATA = frozenset({"verdict", "alarm"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One record. ``at_s`` is Unix time. ``payload``: its words, None where it has none or they were erased."""

    seq: int
    at_s: float
    kind: str
    data: Mapping[str, Any]
    payload: Mapping[str, Any] | None = None

    @property
    def series(self) -> Series:
        """Of a verdict, an alarm or an acknowledgement."""
        return str(self.data["behaviour"]), str(self.data["stratum"]), str(self.data["model"])


@dataclass(slots=True)
class History:
    """``entries``: of ``from_s`` <= time < ``until_s``, as they stand in the log. ``before``: the last of each kind before
    that; ``states``: the last verdict or alarm of each stratum before it. ``baselines``: every one that is told whole, by id.
    ``first_s``, ``last_s``: the first record that is kept at all, and the last before ``until_s``; None without any.
    """

    from_s: float
    until_s: float
    verdict: Verdict = field(default_factory=Verdict)
    entries: list[Entry] = field(default_factory=list)
    before: dict[str, Entry] = field(default_factory=dict)
    states: dict[Series, Entry] = field(default_factory=dict)
    baselines: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    first_s: float | None = None
    last_s: float | None = None

    def of(self, *kinds: str) -> list[Entry]:
        """Those of the period."""
        return [entry for entry in self.entries if entry.kind in kinds]

    def at_end(self, kind: str) -> Entry | None:
        """The last of its kind up to the end of the period."""
        return next((entry for entry in reversed(self.entries) if entry.kind == kind), self.before.get(kind))

    def take(self, entry: Entry) -> None:
        """The next record of the log."""
        if self.first_s is None:
            self.first_s = entry.at_s
        if entry.at_s >= self.until_s:
            return
        self.last_s = entry.at_s
        if entry.kind == "baseline" and "strata" in entry.data:
            self.baselines[str(entry.data["id"])] = entry.data
        if entry.at_s >= self.from_s:
            if entry.kind not in _UNUSED:
                self.entries.append(entry)
            return
        self.before[entry.kind] = entry
        if entry.kind in _OF_STRATA:
            self.states[entry.series] = entry


def read(
    directory: Path,
    key: bytes,
    from_s: float,
    until_s: float,
    outside: Head | None = None,
    progress: Callable[[int], None] | None = None,
) -> History:
    """Reads and verifies the whole log. Where it is broken, what follows the first bad record is not used, and
    ``verdict.broken`` says so. OSError where it cannot be read.
    """
    history = History(from_s, until_s)

    def seen(content: dict[str, Any]) -> None:
        words = _words(directory, content["seq"]) if "payload" in content else None
        history.take(Entry(content["seq"], unix(content["at"]), content["kind"], content["data"], words))

    history.verdict = verify(directory, key, outside, progress, seen)
    return history


def unix(at: str) -> float:
    """Unix seconds of a record's time."""
    return datetime.fromisoformat(at).timestamp()


def clock(at_s: float) -> str:
    """UTC, ISO 8601, whole seconds."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _words(directory: Path, seq: int) -> Mapping[str, Any] | None:
    try:
        content = json.loads((directory / FOLDER / f"{seq}.json").read_bytes())
        words = json.loads(content["payload"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return words if isinstance(words, dict) else None
