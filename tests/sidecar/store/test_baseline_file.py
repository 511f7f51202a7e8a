"""A baseline is carried about with its hash, and one that was edited is refused."""

import json

import pytest

from detectors.records.baseline import Baseline, Layer, Reference
from sidecar.store.baseline_file import dumped, parsed

REFERENCE = Reference("refusal_by_length", "1", "m", (Layer("1", 5, 100),), 60.0, 1.0, 1.1, float("nan"), 0.1)
BASELINE = Baseline((REFERENCE,), (), 60.0, 1440, 1, 0.0, 86400.0, 86400.0, "digest", 1)


def test_a_file_gives_the_same_baseline_and_the_same_bytes():
    text = dumped(BASELINE)
    assert parsed(text).id == BASELINE.id
    assert dumped(parsed(text)) == text


def test_a_file_that_was_changed_is_refused_by_its_hash():
    parts = json.loads(dumped(BASELINE))
    parts["baseline"]["references"][0]["odds_margin"] = 9.0
    with pytest.raises(ValueError, match="sha256: the file was changed"):
        parsed(json.dumps(parts))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"kilter_baseline": 2, "sha256": "", "baseline": {}}', "[" * 100_000]
)
def test_anything_else_is_refused_in_words(text):
    with pytest.raises(ValueError, match="need a"):
        parsed(text)
