"""Bandit's findings are answered in the line they are about, with a reason: ``# noqa: S608  # our own names``."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_finding_of_medium_severity_or_more_is_answered_where_it_stands():
    command = [
        sys.executable,
        "-m",
        "bandit",
        "--quiet",
        "--recursive",
        "-ll",
        "--format",
        "json",
        "sidecar",
        "detectors",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["errors"] == []
    assert report["metrics"]["_totals"]["loc"] > 10_000
    unanswered = []
    for finding in report["results"]:
        source = (ROOT / finding["filename"]).read_text("utf-8").splitlines()
        of_statement = "\n".join(source[number - 1] for number in finding["line_range"])
        if not re.search(rf"# noqa: (\w+, )*S{finding['test_id'][1:]}(, \w+)*  # \S", of_statement):
            unanswered.append(f"{finding['filename']}:{finding['line_number']}: {finding['issue_text']}")
    assert unanswered == []
