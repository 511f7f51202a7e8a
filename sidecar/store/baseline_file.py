"""A baseline as a file to carry about: exported, reviewed, put into a ConfigMap, imported elsewhere.

{"kilter_baseline": 1, "sha256": "<of the baseline's canonical JSON>", "baseline": {...}}
"""

from __future__ import annotations

import hashlib
import json

from detectors.records.baseline import Baseline

FORMAT = 1


def dumped(baseline: Baseline) -> str:
    """The file's text; the same baseline gives the same bytes."""
    text = baseline.to_json()
    parts = {"kilter_baseline": FORMAT, "sha256": _digest(text), "baseline": json.loads(text)}
    return json.dumps(parts, indent=1, sort_keys=True) + "\n"


def parsed(text: str) -> Baseline:
    """The baseline. ValueError where it is none, or not as it was written."""
    try:
        parts = json.loads(text)
        found, stated, raw = parts["kilter_baseline"], parts["sha256"], parts["baseline"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ValueError("need a file written by `kilter baseline export`") from None
    if found != FORMAT:
        raise ValueError(f"need a baseline file of format {FORMAT}")
    actual = _digest(json.dumps(raw, sort_keys=True))
    if actual != stated:
        raise ValueError(
            f"sha256: the file was changed after it was written: it says {str(stated)[:16]}…, and is {actual[:16]}…"
        )
    return Baseline.from_json(json.dumps(raw))


def _digest(canonical: str) -> str:
    return hashlib.sha256(canonical.encode()).hexdigest()
