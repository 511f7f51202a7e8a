"""A report as one JSON document, of which the other forms are renderings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from detectors.catalog import behaviours
from detectors.features.calibration import classifier_digest, shipped
from detectors.stats.clopper_pearson import lower_bound, upper_bound
from sidecar import __version__
from sidecar.canary.loading import LoadedSuite
from sidecar.canary.results import Compared
from sidecar.report import canaries, traffic
from sidecar.report.changes import changes
from sidecar.report.drift import Drift, drifts
from sidecar.report.history import History, clock
from sidecar.report.mapping import mapping
from sidecar.report.strata import STANDINGS, Standing, Stratum, strata
from sidecar.report.suites import suites
from sidecar.report.unmeasured import unmeasured, waived
from sidecar.report.uptime import gaps, watched_ratio

FORM = 1
_GAP: Mapping[str, Standing] = {
    "ok": "within",
    "watch": "watch",
    "exceeded": "exceeded",
    "insufficient": "insufficient",
}
_BETA = 0.025


def document(
    history: History,
    loaded: Sequence[LoadedSuite] = (),
    filed: Sequence[Compared] = (),
    *,
    generated_s: float,
    suites_unread: str = "",
) -> dict[str, Any]:
    """Every section. ``loaded``: the suites at hand; ``filed``: comparisons of the file of results; ``suites_unread``: why
    suites could not be read, or empty. Ratios in [0, 1], points of a hundred, times as ISO 8601 in UTC.
    """
    asked = canaries.current(history)
    counted = traffic.traffic(history)
    seen = strata(history)
    found: dict[str, Any] = {
        "form": FORM,
        "header": _header(history, generated_s),
        "uptime": _uptime(history),
        "variants": _variants(history),
        "traffic": counted,
        "languages": traffic.languages(counted["languages"], asked),
        "suites": _timed(suites(history, asked, loaded), "last_asked_s"),
        "suites_unread": suites_unread,
        "canaries": canaries.canaries(history, loaded),
        "metrics": [_metric(one) for one in seen],
        "language_gaps": _language_gaps(history),
        "finetune": _timed(canaries.comparisons(history, filed), "at_s"),
        "drift": [_drift(one) for one in drifts(history)],
        "selftest": _selftest(history),
        "integrity": _integrity(history),
        "mapping": mapping(),
    }
    found["language_coverage"] = traffic.coverage(found["languages"])
    found["status"] = _status(found, seen)
    found["calibration"] = _calibration(history, found)
    words = _words(history)
    found["waivers"] = waived(words, history.until_s)
    found["unmeasured"] = unmeasured(found, found["waivers"])
    return found


def _words(history: History) -> Mapping[str, Any]:
    config = history.at_end("config")
    return (config.payload if config else None) or {}


def _header(history: History, generated_s: float) -> dict[str, Any]:
    words, config = _words(history), history.at_end("config")
    started = [entry.data["version"] for entry in history.of("start")]
    if "start" in history.before:
        started.insert(0, history.before["start"].data["version"])
    return {
        "system": words.get("system") or "",
        "purpose": words.get("purpose") or "",
        "from": clock(history.from_s),
        "until": clock(history.until_s),
        "days": round((history.until_s - history.from_s) / 86400, 2),
        "generated_at": clock(generated_s),
        "written_by": __version__,
        "versions": list(dict.fromkeys(started)),
        "upstream": config.data["values"].get("upstream", "") if config else "",
        "config_sha256": config.data["sha256"] if config else "",
        "config_changes": [
            {"at": clock(entry.at_s), "changed": entry.data["changed"]}
            for entry in history.of("config")
            if entry.data["changed"]
        ],
        "chain_head": str(history.verdict.head),
        "annotations": [
            {"at": clock(entry.at_s), "text": (entry.payload or {}).get("text")} for entry in history.of("annotation")
        ],
    }


def _uptime(history: History) -> dict[str, Any]:
    found = gaps(history)
    return {
        "watched_ratio": watched_ratio(history, found),
        "gaps": [
            {
                "from": clock(one.from_s),
                "until": clock(one.until_s),
                "seconds": one.seconds,
                "why": one.why,
                "lost": one.lost,
            }
            for one in found
        ],
    }


def _variants(history: History) -> list[dict[str, Any]]:
    return [
        {
            "at": clock(change.at_s),
            "kind": change.data.get("kind", ""),
            "model": change.data.get("model", ""),
            "fingerprint": change.data.get("fingerprint", ""),
            "signs": list(change.data.get("signs", ())),
        }
        for change in changes(history)
    ]


def _metric(one: Stratum) -> dict[str, Any]:
    behaviour, stratum, model = one.series
    row = asdict(one)
    del row["series"]
    return {"behaviour": behaviour, "stratum": stratum, "model": model, **row}


def _language_gaps(history: History) -> list[dict[str, Any]]:
    """Of live traffic, as they stood last."""
    standing = history.at_end("standing")
    rows = standing.data["gaps"] if standing else []
    return [{"low": None, "high": None, "estimate": None, **row, "standing": _GAP[row["state"]]} for row in rows]


def _drift(one: Drift) -> dict[str, Any]:
    behaviour, stratum, model = one.series
    times = {
        "changed_at": one.changed_at_s,
        "alarmed_at": one.alarmed_at_s,
        "acknowledged_at": one.acknowledged_at_s,
        "back_at": one.back_at_s,
    }
    return {
        "behaviour": behaviour,
        "stratum": stratum,
        "model": model,
        "record": one.seq,
        **{name: None if at_s is None else clock(at_s) for name, at_s in times.items()},
        "detect_s": one.detect_s,
        "acknowledge_s": one.acknowledge_s,
        "by": one.by,
        "control": one.control,
        "explanation": one.explanation,
        "cause": one.cause,
        "carried": one.carried,
        **one.numbers,
    }


def _selftest(history: History) -> dict[str, Any]:
    runs = [
        {"at": clock(entry.at_s), "passed": entry.data["passed"], "drills": entry.data["drills"]}
        for entry in history.of("selftest")
    ]
    passed = [run["at"] for run in runs if run["passed"]]
    return {"runs": runs, "last_passed": passed[-1] if passed else None}


def _integrity(history: History) -> dict[str, Any]:
    told = history.verdict
    return {
        "consistent": told.broken is None,
        "broken": told.broken,
        "broken_seq": told.broken_seq,
        "records": told.records,
        "first_seq": told.first_seq,
        "first_at": told.first_at,
        "head": str(told.head),
        "last_at": told.last_at,
        "unaltered_through": told.unaltered_through,
        "unaltered_until": told.unaltered_until,
        "erased": told.erased,
        "missing": told.missing,
        "erasures": [{"at": clock(e.at_s), "records": len(e.data["records"])} for e in history.of("erasure")],
        "frozen": history.at_end("freeze") is not None,
        "clock_set_back": len(history.of("clock")),
        "torn": len(history.of("torn")),
    }


def _status(found: Mapping[str, Any], seen: Sequence[Stratum]) -> dict[str, Any]:
    rows = []
    for behaviour in behaviours():
        if behaviour.context or behaviour.compares is not None:
            continue
        own = [one for one in seen if one.series[0] == behaviour.name]
        rows.append(
            {
                "name": behaviour.name,
                "question": behaviour.question,
                "standing": _worst([one.standing for one in own]),
                "strata": {name: n for name in STANDINGS if (n := sum(one.standing == name for one in own))},
                "states": sorted({one.state for one in own}),
                "alarms": sum(one.alarms for one in own),
            }
        )
    canary = found["canaries"]
    return {
        "behaviours": rows,
        "canary_groups": [{"name": row["name"], "standing": row["standing"]} for row in canary["groups"]],
        "quadrants": [{"name": row["name"], "standing": row["standing"]} for row in canary["quadrants"]],
        "canary_gaps": _worst([row["standing"] for row in canary["gaps"]]),
        "language_gaps": _worst([row["standing"] for row in found["language_gaps"]]),
        "finetune": _worst([row["standing"] for row in found["finetune"]]),
    }


def _worst(standings: Sequence[Standing]) -> Standing:
    """``within`` where something is and nothing is worse than ``insufficient``: what could not be judged is listed apart."""
    for standing in ("exceeded", "watch", "within", "insufficient"):
        if standing in standings:
            return standing
    return "not_measured"


def _calibration(history: History, found: Mapping[str, Any]) -> dict[str, Any]:
    standing, config = history.at_end("standing"), history.at_end("config")
    digest = standing.data["classifier"] if standing else ""
    known = shipped() if digest in ("", classifier_digest()) else {}
    rows = []
    for tag in [row["language"] for row in found["languages"]]:
        row: dict[str, Any] = {"language": tag, "calibrated": tag in known}
        if tag in known:
            one = known[tag]
            for name, events, trials in (
                ("sensitivity", one.detected, one.positives),
                ("specificity", one.cleared, one.negatives),
            ):
                row[name] = {
                    "ratio": events / trials,
                    "low": float(lower_bound(events, trials, _BETA)),
                    "high": float(upper_bound(events, trials, _BETA)),
                    "n": trials,
                }
        rows.append(row)
    judge = config.data["values"].get("canary.judge.model", "") if config else ""
    return {"classifier": digest, "languages": rows, "judge": judge}


def _timed(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """With a time in ISO 8601 in the place of Unix seconds."""
    for row in rows:
        at_s = row.pop(name)
        row[name.removesuffix("_s")] = None if at_s is None else clock(at_s)
    return rows
