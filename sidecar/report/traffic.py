"""How much was asked and looked at, in which languages, and which of them canaries cover."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sidecar.canary.lint import low_resource
from sidecar.canary.prober import Probe
from sidecar.report.history import History

_SUMS = ("requests", "upstream_errors", "copies", "lost_copies", "canary_tokens")


def traffic(history: History) -> dict[str, Any]:
    """Sums over the ``traffic`` records of the period."""
    sums: dict[str, Any] = dict.fromkeys(_SUMS, 0)
    by = {name: Counter[str]() for name in ("languages", "labels", "canaries_skipped")}
    for entry in history.of("traffic"):
        for name in _SUMS:
            sums[name] += entry.data[name]
        for name, counted in by.items():
            counted.update(entry.data[name])
    return {**sums, **{name: dict(sorted(counted.items())) for name, counted in by.items()}}


def languages(counted: dict[str, int], asked: Sequence[Probe]) -> list[dict[str, Any]]:
    """The mix of the traffic against the canaries, largest share first. ``share`` is of the exchanges whose language is
    known; None where there was no traffic in a language that was only asked in.
    """
    known = {tag: count for tag, count in counted.items() if tag not in ("und", "other")}
    total = sum(known.values())
    decided = Counter(
        probe.case.language for probe in asked if not probe.case.public and probe.verdict.outcome in ("pass", "fail")
    )
    rows = [
        {
            "language": tag,
            "exchanges": known.get(tag, 0),
            "share": known[tag] / total if tag in known else None,
            "canaries_decided": decided.get(tag, 0),
            "low_resource": low_resource(tag),
            "covered": decided.get(tag, 0) > 0,
        }
        for tag in {*known, *decided}
    ]
    return sorted(rows, key=lambda row: (-row["exchanges"], row["language"]))


def coverage(rows: Sequence[dict[str, Any]]) -> float | None:
    """Share of the exchanges that are in a language with decided canaries; None without traffic."""
    total = sum(row["exchanges"] for row in rows)
    return sum(row["exchanges"] for row in rows if row["covered"]) / total if total else None
