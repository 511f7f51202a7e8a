"""A round as one document, and as tables for a person."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from sidecar.canary.findings import findings, gaps
from sidecar.canary.loading import LoadedSuite
from sidecar.canary.prober import Probe
from sidecar.canary.suite import GROUPS
from sidecar.canary.summary import cells, finding_row, gap_row, metrics

_INSUFFICIENT = 3


def report(probes: Sequence[Probe], loaded: Sequence[LoadedSuite], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Everything there is to say, ``exit_code`` included."""
    own = [probe for probe in probes if not probe.case.public]
    thresholds = {name: least for suite in loaded for name, least in suite.suite.thresholds.items()}
    by_suite = cells(probes, lambda probe: probe.case.suite, {})
    for row in by_suite:
        told = next(suite.suite for suite in loaded if suite.suite.suite == row["name"])
        _judge_suite(row, told.thresholds.get("pass_ratio"))
        row["public"] = told.public
    groups = cells(own, lambda probe: probe.case.group, thresholds)
    domains = cells([probe for probe in own if probe.case.domain], lambda probe: probe.case.domain, thresholds)
    quadrants = cells([probe for probe in own if probe.case.quadrant], lambda probe: probe.case.quadrant, thresholds)
    languages = cells(own, lambda probe: probe.case.language, thresholds)
    return {
        **facts,
        "suites": by_suite,
        "groups": groups,
        "domains": domains,
        "quadrants": quadrants,
        "languages": languages,
        "not_covered": [name for name in GROUPS if not any(row["name"] == name and row["n"] for row in groups)],
        "gaps": [gap_row(named) for named in gaps(own)],
        "metrics": metrics(probes),
        "findings": [finding_row(found) for found in findings(own)],
        "tokens": sum(probe.tokens for probe in probes),
        "exit_code": _exit_code(by_suite),
        "results": [_result(probe) for probe in probes],
    }


def _judge_suite(row: dict[str, Any], least: float | None) -> None:
    """Without a threshold of its own a suite fails by any failure: CI asks whether something broke."""
    row["threshold"] = 1.0 if least is None else least
    if row["state"] != "insufficient":
        row["state"] = "within" if row["pass_ratio"] >= row["threshold"] else "below"
        row["confirmed"] = row["state"] == "below" and row["high"] < row["threshold"]


def _exit_code(by_suite: Sequence[Mapping[str, Any]]) -> int:
    # Published text never decides: a model may have learnt it by heart.
    states = [row["state"] for row in by_suite if not row["public"]]
    if "below" in states:
        return 1
    return _INSUFFICIENT if "insufficient" in states or not states else 0


def _result(probe: Probe) -> dict[str, Any]:
    case, verdict = probe.case, probe.verdict
    last = probe.transcript.last if probe.transcript else None
    return {
        "id": case.id,
        "suite": case.suite,
        "family": case.family,
        "variant": case.variant,
        "group": case.group,
        "kind": case.kind,
        "attack": case.attack,
        "domain": case.domain,
        "quadrant": case.quadrant,
        "language": case.language,
        "translation": case.translation,
        "severity": case.severity,
        "weight": case.weight,
        "public": case.public,
        "epoch": case.epoch,
        "index": case.index,
        "repeat": probe.repeat,
        "outcome": verdict.outcome,
        "decided_by": verdict.decided_by,
        "reason": verdict.reason,
        "factual": verdict.factual,
        "label": verdict.label,
        "tokens": probe.tokens,
        "latency_s": round(probe.latency_s, 3),
        "model": last.model if last else "",
        "fingerprint": last.fingerprint if last else "",
    }


def show(document: Mapping[str, Any]) -> None:
    """Tables: suites, gaps, findings, and what failed."""
    # A pipe has no width to fit: nothing may be cut there.
    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table("suite", "pass", "fail", "inconclusive", "error", "skipped", "pass ratio (95 %)", "needed", "state")
    for row in document["suites"]:
        counts = (str(row[name]) for name in ("pass", "fail", "inconclusive", "error", "skipped"))
        shown = "-" if row["pass_ratio"] is None else f"{row['pass_ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
        table.add_row(row["name"], *counts, shown, f"{row['threshold']:.2f}", row["state"])
    console.print(table, markup=False)
    if document["gaps"]:
        table = Table("gap", "points", "interval", "pairs", "detectable", "state")
        for row in document["gaps"]:
            interval = f"{row['low']:.1f} to {row['high']:.1f}"
            table.add_row(
                row["name"],
                f"{row['points']:.1f}",
                interval,
                str(row["n"]),
                f"{row['detectable_points']:.1f}",
                row["state"],
            )
        console.print(table, markup=False)
    failed = [row for row in document["results"] if row["outcome"] in ("fail", "error")]
    if failed:
        table = Table("what failed", "outcome", "decided by", "why")
        for row in failed:
            table.add_row(f"{row['id']}#{row['repeat']}", row["outcome"], row["decided_by"], row["reason"])
        console.print(table, markup=False)
    found = [f"{row['name']} ({row['events']} of {row['n']})" for row in document["findings"]]
    console.print(f"found beyond chance: {', '.join(found) or 'nothing'}", markup=False)
    for name in document["not_covered"]:
        console.print(f"not covered: {name}", markup=False)
    console.print(
        f"{document['tokens']:,} tokens; a pass says only what its suite measures (kilter canary list)", markup=False
    )
