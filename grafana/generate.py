"""Writes the dashboards and Grafana's alert rules: run ``python grafana/generate.py`` after a change of what they are made from.

``python grafana/generate.py DIR`` writes them below DIR instead.
"""  # noqa: INP001 - a script beside what it writes, no package

from __future__ import annotations

import json
import sys
from pathlib import Path

import alert_rules
import behaviour
import canaries
import health
import yaml

DASHBOARDS = {
    "behaviour.json": behaviour.dashboard,
    "canaries.json": canaries.dashboard,
    "health.json": health.dashboard,
}
HEAD = "# Written by generate.py from deploy/prometheus/rules/*.yaml: change those.\n"


def main(folder: Path) -> None:
    """One file a dashboard, one for all alert rules."""
    dashboards, alerting = folder / "dashboards", folder / "provisioning/alerting"
    for directory in (dashboards, alerting):
        directory.mkdir(parents=True, exist_ok=True)
    for name, dashboard in DASHBOARDS.items():
        (dashboards / name).write_text(json.dumps(dashboard(), indent=2) + "\n", encoding="utf-8")
    rules = yaml.safe_dump(alert_rules.alert_rules(), sort_keys=False, width=120, allow_unicode=True)
    (alerting / "kilter.yaml").write_text(HEAD + rules, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
