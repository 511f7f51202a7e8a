"""Writes ``operator.yaml``, the rules as the Prometheus operator takes them: run it after a change of ``rules/``.

``python deploy/prometheus/generate.py FILE`` writes to FILE instead.
"""  # noqa: INP001 - a script beside what it writes, no package

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
LABELS = {"app.kubernetes.io/name": "kilter"}
HEAD = """\
# Written by generate.py from rules/*.yaml: change those.
# The operator looks for the labels that its ruleSelector and podMonitorSelector name, often `release: …`: add yours.
# runbook_url and dashboard_url are relative: put your own address in front of them.
"""


class _Block(yaml.SafeDumper):
    """Long strings as blocks, as a person would write them."""


_Block.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style=">" if len(text) > 100 else None),
)


def groups() -> list[dict[str, Any]]:
    """Of every rule file, in the order of their names."""
    files = sorted((HERE / "rules").glob("*.yaml"))
    return [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]


def _kind(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "kilter", "labels": LABELS}
    return {"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": metadata, "spec": spec}


def documents() -> list[dict[str, Any]]:
    """A PodMonitor for the pods of ``deploy/kubernetes``, and the PrometheusRule."""
    endpoint = {
        "port": "admin",
        "path": "/metrics",
        "interval": "15s",
        # The name that rules and dashboards look for.
        "relabelings": [{"targetLabel": "job", "replacement": "kilter"}],
    }
    monitor = {"selector": {"matchLabels": {"app.kubernetes.io/name": "model"}}, "podMetricsEndpoints": [endpoint]}
    return [_kind("PodMonitor", monitor), _kind("PrometheusRule", {"groups": groups()})]


def main(path: Path) -> None:
    """Both in one file."""
    dumped = yaml.dump_all(documents(), Dumper=_Block, sort_keys=False, width=120, allow_unicode=True)
    path.write_text(HEAD + dumped, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "operator.yaml")
