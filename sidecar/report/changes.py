"""Changes of the model, each of them once.

A change shows itself in replies, listings and answers, each at its own time; every further sign of it is a record of its own
in the evidence log, with all signs so far.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sidecar.report.history import History

_VARIANT = ("model", "fingerprint", "generation")


@dataclass(frozen=True, slots=True)
class ModelChange:
    """``at_s``: of its first sign; ``data`` as told with its last. Probes after ``seq`` are of what came."""

    at_s: float
    seq: int
    data: Mapping[str, Any]


def changes(history: History) -> list[ModelChange]:
    """Those of the period, oldest first."""
    found: list[ModelChange] = []
    for entry in history.of("variant"):
        told = ModelChange(entry.at_s, entry.seq, entry.data)
        if found and len(entry.data.get("signs", ())) > 1:
            same = all(found[-1].data.get(key) == entry.data.get(key) for key in _VARIANT)
            found[-1] = replace(told, at_s=found[-1].at_s, seq=found[-1].seq if same else entry.seq)
        else:
            found.append(told)
    return found
