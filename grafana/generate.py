"""Writes the dashboards: run ``python grafana/generate.py`` after a change of what they are made from.

``python grafana/generate.py DIR`` writes them into DIR instead.
"""  # noqa: INP001 - a script beside what it writes, no package

from __future__ import annotations

import json
import sys
from pathlib import Path

import behaviour

DASHBOARDS = {"behaviour.json": behaviour.dashboard}


def main(folder: Path) -> None:
    """One file a dashboard."""
    for name, dashboard in DASHBOARDS.items():
        (folder / name).write_text(json.dumps(dashboard(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "dashboards")
