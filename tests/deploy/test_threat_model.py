"""Each claim of the threat model names a test, and that test exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CLAIMS = [
    line.split("|")[1:-1]
    for line in (ROOT / "deploy" / "THREAT_MODEL.md").read_text().split("## What stops them")[1].splitlines()
    if line.startswith("| ")
][1:]


def test_every_claim_names_a_test_that_exists():
    assert len(CLAIMS) > 15
    for threat, _, held_by in CLAIMS:
        names = re.findall(r"`(tests/[^`]+)`", held_by)
        assert names, f"nothing holds: {threat}"
        for name in names:
            path, _, function = name.partition("::")
            text = (ROOT / path).read_text()
            assert f"def {function or 'test_'}" in text, name
