"""The canary suites that were asked, or could have been: what they hold, how often it was used, what has expired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sidecar.canary.loading import LoadedSuite
from sidecar.canary.prober import Probe
from sidecar.canary.suite import first_day
from sidecar.report.history import History

SOON_DAYS = 30


def suites(history: History, asked: Sequence[Probe], loaded: Iterable[LoadedSuite]) -> list[dict[str, Any]]:
    """One row a suite, by name; ``file`` is None for one that was asked and is not at hand now."""
    known = {suite.suite.suite: suite for suite in loaded}
    names = sorted({*known, *(probe.case.suite for probe in asked)})
    return [_suite(name, known.get(name), history, [p for p in asked if p.case.suite == name]) for name in names]


def _suite(name: str, loaded: LoadedSuite | None, history: History, asked: Sequence[Probe]) -> dict[str, Any]:
    uses = Counter((p.case.id, p.case.epoch) for p in asked)
    opened = [entry.data for entry in history.of("epoch") if entry.data["suite"] == name]
    row: dict[str, Any] = {
        "suite": name,
        "file": loaded.shown if loaded else None,
        "asked": len(asked),
        "decided": sum(probe.verdict.outcome in ("pass", "fail") for probe in asked),
        "last_asked_s": max((probe.at_s for probe in asked), default=None),
        "prompts": len(uses),
        "most_uses": max(uses.values(), default=0),
        "epochs": sorted({probe.case.epoch for probe in asked}),
        "commitments": [{key: one[key] for key in ("epoch", "draw", "prompts_sha256")} for one in opened],
        "public": any(probe.case.public for probe in asked),
        "max_uses": None,
        "epoch_length": None,
        "reviewed_at": None,
        "languages": sorted({probe.case.language for probe in asked}),
        "translation": {},
        "facts": {"total": 0, "expired": 0, "expire_soon": 0, "next_expiry": None},
        "not_measured": "",
    }
    if loaded is not None:
        row.update(_of_the_file(loaded, history.until_s))
    return row


def _of_the_file(loaded: LoadedSuite, at_s: float) -> dict[str, Any]:
    suite, today = loaded.suite, datetime.fromtimestamp(at_s, UTC).date()
    wordings = [
        (language, wording)
        for family in suite.families
        for prompts in (family.prompts, *(twin.prompts for twin in (family.twin, family.direct) if twin))
        for language, wording in prompts.items()
    ]
    expiries = [first_day(family.truth.expires) for family in suite.families if family.truth]
    coming = sorted(day for day in expiries if day > today)
    return {
        "public": suite.public,
        "max_uses": suite.rotation.max_uses,
        "epoch_length": suite.rotation.epoch,
        "reviewed_at": suite.reviewed_at,
        "languages": sorted({language for language, _ in wordings} | {f.language for f in suite.families if f.turns}),
        "translation": dict(sorted(Counter(wording.status or "source" for _, wording in wordings).items())),
        "facts": {
            "total": len(expiries),
            "expired": sum(day <= today for day in expiries),
            "expire_soon": sum((day - today).days <= SOON_DAYS for day in coming),
            "next_expiry": coming[0].isoformat() if coming else None,
        },
        "not_measured": suite.not_measured,
    }
