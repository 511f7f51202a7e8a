"""What the canaries of the period found: of the model that answers now; what another one said is stale, and counted apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sidecar.canary.expect import OUTCOMES
from sidecar.canary.findings import gaps
from sidecar.canary.loading import LoadedSuite
from sidecar.canary.prober import Probe
from sidecar.canary.results import Compared
from sidecar.canary.suite import GROUPS, QUADRANTS
from sidecar.canary.summary import cells, gap_row, metrics
from sidecar.report.changes import changes
from sidecar.report.history import History
from sidecar.report.probes import probes
from sidecar.report.strata import Standing

_GAP: Mapping[str, Standing] = {
    "ok": "within",
    "watch": "watch",
    "exceeded": "exceeded",
    "insufficient_n": "insufficient",
}
_DELTA: Mapping[str, Standing] = {
    "within": "within",
    "exceeds_point": "exceeded",
    "exceeds_confirmed": "exceeded",
    "insufficient": "insufficient",
}
_CELL_KEYS = ("name", *OUTCOMES, "pass_ratio", "low", "high", "n", "threshold", "standing")


def current(history: History) -> list[Probe]:
    """Those of the period since the model changed last."""
    changed = max((change.seq for change in changes(history)), default=0)
    return probes(entry for entry in history.entries if entry.seq > changed)


def canaries(history: History, loaded: Sequence[LoadedSuite]) -> dict[str, Any]:
    """Tables by group, quadrant, domain and language; gaps; named rates; by variant over the whole period."""
    every, now = probes(history.entries), current(history)
    own = [probe for probe in now if not probe.case.public]
    limits = {name: least for suite in loaded for name, least in suite.suite.thresholds.items()}
    measured = metrics(now)
    return {
        "asked": len(every),
        "stale": len(every) - len(now),
        "outcomes": {outcome: sum(p.verdict.outcome == outcome for p in now) for outcome in OUTCOMES},
        "groups": _table(own, lambda probe: probe.case.group, limits, GROUPS),
        "quadrants": _table(own, lambda probe: probe.case.quadrant, limits, QUADRANTS),
        "domains": _table(own, lambda probe: probe.case.domain, limits),
        "languages": _table(own, lambda probe: probe.case.language, limits),
        "public": _table([p for p in now if p.case.public], lambda probe: probe.case.suite, limits),
        "variants": _table(every, lambda probe: f"{probe.model} {probe.fingerprint}".strip() or "not told", limits),
        "gaps": [{**gap_row(named), "standing": _GAP[named.gap.state]} for named in gaps(own)],
        "rates": {name: row for name, row in measured.items() if isinstance(row, dict) and "ratio" in row},
        "safety_balance": measured["safety_balance"],
        "pass_hat_k": measured["pass_hat_k"],
    }


def _table(
    asked: Iterable[Probe],
    key: Callable[[Probe], str],
    limits: Mapping[str, float],
    needed: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """One row a value of ``key``, also those ``needed`` that nobody asked for; empty values are left out."""
    rows = {row["name"]: row for row in cells([probe for probe in asked if key(probe)], key, limits)}
    for name in needed:
        rows.setdefault(name, {"name": name, **dict.fromkeys(OUTCOMES, 0), "n": 0, "state": "not_asked"})
    return [{k: {**row, "standing": _standing(row)}.get(k) for k in _CELL_KEYS} for _, row in sorted(rows.items())]


def _standing(row: Mapping[str, Any]) -> Standing:
    if row["state"] == "within":
        return "within"
    if row["state"] == "below":
        return "exceeded" if row["confirmed"] else "watch"
    return "not_measured" if row["state"] == "not_asked" else "insufficient"


def comparisons(history: History, filed: Iterable[Compared]) -> list[dict[str, Any]]:
    """Of two models, oldest first: those in the log (``sealed``), and those that only the file of results has, which
    `kilter canary compare` writes.
    """
    row: dict[str, Any]
    found: list[dict[str, Any]]
    names = ("a", "b", "category", "units", "passed_a", "passed_b", "points", "low", "high", "verdict")
    found = [
        {"at_s": entry.at_s, **{name: entry.data.get(name) for name in names}, "sealed": True}
        for entry in history.of("comparison")
    ]
    figures = names[2:-1]  # the log shows names as they may stand in a label, the file as they are
    sealed = {tuple(row[name] for name in figures) for row in found}
    found += [
        {"at_s": one.at_s, **{name: getattr(one, name) for name in names}, "sealed": False}
        for one in filed
        if history.from_s <= one.at_s < history.until_s and tuple(getattr(one, name) for name in figures) not in sealed
    ]
    for row in found:
        passed, units = row["passed_a"], row["units"]
        row["relative_percent"] = None if not passed or not units else row["points"] / (passed / units)
        row["standing"] = _DELTA.get(str(row["verdict"]), "insufficient")
    return sorted(found, key=lambda row: (row["at_s"], row["category"]))


def skipped(history: History) -> dict[str, int]:
    """Canaries that were due and not asked, by reason."""
    counted: Counter[str] = Counter()
    for entry in history.of("traffic"):
        counted.update(entry.data["canaries_skipped"])
    return dict(sorted(counted.items()))
