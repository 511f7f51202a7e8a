"""Frameworks and the sections that serve them, and what is never measured: read from ``mapping.yaml``."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import yaml

SECTIONS = (
    "status",
    "uptime",
    "variants",
    "traffic",
    "languages",
    "suites",
    "canaries",
    "metrics",
    "language_gaps",
    "finetune",
    "drift",
    "selftest",
    "calibration",
    "unmeasured",
    "mapping",
    "integrity",
)
"""Every section of a report, in its order; also the anchors of the HTML form."""


@cache
def mapping() -> dict[str, Any]:
    """``as_of``, ``sources_read``, ``frameworks`` with their rows (``ref``, ``about``, ``sections``, ``not``), and ``limits``."""
    raw: dict[str, Any] = yaml.safe_load(resources.files("sidecar.report").joinpath("mapping.yaml").read_text("utf-8"))
    for framework in raw["frameworks"]:
        framework.setdefault("applies", "")
        for row in framework["rows"]:
            row.setdefault("not", "")
    return raw
