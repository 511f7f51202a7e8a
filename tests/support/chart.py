"""The Helm chart, rendered by helm."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import yaml
from real import program

CHART = Path(__file__).parents[2] / "deploy/helm/kilter"
OPERATOR = ("--api-versions", "monitoring.coreos.com/v1")


def helm(*arguments, values=None):
    return subprocess.run(
        [program("helm"), *map(str, arguments), *(("-f", "-") if values is not None else ())],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        check=False,
    )


def rendered(values, *more, chart=CHART):
    done = helm("template", "r", chart, *more, values=values)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def the(documents, kind):
    return next(document for document in documents if document["kind"] == kind)
