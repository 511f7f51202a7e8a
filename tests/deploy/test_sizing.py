"""The sizing page: its figures are those of the pages they come from, and its arithmetic is right."""

import math
import re
from pathlib import Path

import pytest
import yaml

from sidecar import config

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "deploy/SIZING.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
ROWS = re.findall(r"^\| [^|]+ \| ([\d,]+) \| ([\d,]+) \| ([\d.]+) \| (\d+) \| ([\d.]+) \|$", PAGE, flags=re.MULTILINE)


def number(text):
    return float(text.replace(",", ""))


def costs(row):
    """(MiB of idle streams, µs a request, µs a chunk) as README measured them."""
    line = next(line for line in README.splitlines() if line.startswith(f"| {row} |"))
    cells = [number(re.match(r"[\d.]+", cell.strip())[0]) for cell in line.split("|")[2:6]]
    return cells[0], cells[1], cells[3]


def test_the_costs_are_those_that_the_readme_measured():
    idle, request, chunk = costs("Kilter, everything looked at")
    _, request_off, chunk_off = costs("Kilter, not observing")
    assert f"| {request} µs of a worker |" in PAGE
    assert f"| {chunk} µs of a worker |" in PAGE
    assert f"| {request_off} µs and {chunk_off} µs |" in PAGE
    assert f"| 1,000 idle streams | {idle} a worker |" in PAGE
    assert f"`workers ≥ ({request} R + {chunk} C) / 600,000`" in PAGE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} requests, {row[1]} chunks")
def test_each_row_of_the_table_is_what_the_formula_gives(row):
    requests, chunks, cores, workers, monitor = map(number, row)
    _, request, chunk = costs("Kilter, everything looked at")
    busy = (request * requests + chunk * chunks) / 1e6
    assert cores == pytest.approx(busy, abs=0.01)
    assert workers == math.ceil(busy / 0.6)
    assert monitor == pytest.approx(670e-6 * requests, abs=0.01)


def test_the_memory_sum_is_right_and_the_manifests_give_that_much():
    capture = config.Config(upstream="http://m:1").capture
    ring, inflight = capture.ring_bytes >> 20, capture.inflight_bytes >> 20
    formula, one, three = re.search(
        r"`(54 \+ 38 W.*?)`\. That is (\d+) MiB with one worker and\na thousand streams \[c\], and (\d+) MiB", PAGE
    ).groups()
    assert f"{ring} (W + 1) + {inflight} W" in formula

    def most(workers, thousands):
        return 54 + 38 * workers + 260 + ring * (workers + 1) + inflight * workers + 8.4 * thousands

    assert (int(one), int(three)) == (int(most(1, 1)), int(most(3, 3)))
    values = yaml.safe_load((ROOT / "deploy/helm/kilter/values.yaml").read_text("utf-8"))
    assert values["resources"] == {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}
    assert most(3, 3) < 1024


def test_every_command_that_measures_exists():
    for path in set(re.findall(r"`(?:python|pytest -m slow) (tests/[^` ]+)", PAGE)):
        assert (ROOT / path).exists(), path
