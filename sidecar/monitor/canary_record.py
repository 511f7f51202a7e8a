"""A probe as a record of the evidence log: names, numbers and what it was about, and no word of what was asked or said."""

from __future__ import annotations

from typing import Any

from sidecar.canary.case import Case
from sidecar.canary.prober import Probe
from sidecar.export.canaries import shown


def probe_record(probe: Probe) -> dict[str, Any]:
    """What a report needs to count it again; ``sidecar.report.probes`` reads it. ``wants``: ``refuse``, ``comply`` or empty."""
    case, verdict = probe.case, probe.verdict
    return {
        "suite": case.suite,
        "family": case.family,
        "variant": case.variant,
        "language": case.language,
        "epoch": case.epoch,
        "index": case.index,
        "repeat": probe.repeat,
        "group": case.group,
        "kind": case.kind,
        "attack": case.attack,
        "domain": case.domain,
        "quadrant": case.quadrant,
        "public": case.public,
        "frozen": case.frozen,
        "translation": case.translation,
        "fact": case.truth is not None,
        "wants": _wants(case),
        "model": shown(probe.model),
        "fingerprint": shown(probe.fingerprint),
        "outcome": verdict.outcome,
        "decided_by": verdict.decided_by,
        "reason": verdict.reason,
        "factual": verdict.factual,
        "label": verdict.label,
        "tokens": probe.tokens,
    }


def _wants(case: Case) -> str:
    parts = case.expect.every()
    if any(part.refuse for part in parts):
        return "refuse"
    return "comply" if any(part.comply for part in parts) else ""
