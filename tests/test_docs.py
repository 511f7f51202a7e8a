"""The documents say what the code does: commands, configuration keys, metrics, behaviours.

``KILTER_WRITE_DOCS=1 pytest tests/test_docs.py`` writes the two reference tables of sidecar/README.md.
"""

import os
import re
from pathlib import Path

import click
import pytest
from prometheus_client import CollectorRegistry

from detectors.records.verdict import Verdict
from detectors.stats.rate_gap import RateGap
from detectors.watch.gaps import Drift, Gap
from detectors.watch.rules import Rules
from sidecar import cli, config
from sidecar.export import variants
from sidecar.export.canaries import Canaries, CanaryCollector, GapPoints, PassRatio
from sidecar.export.evidence import EvidenceExporter
from sidecar.export.fleet import FleetCollector
from sidecar.export.prometheus import PrometheusExporter
from sidecar.export.samples import SampleExporter
from sidecar.export.verdicts import Judged, VerdictCollector
from sidecar.fleet.status import FleetStatus
from sidecar.gateway.counters import schema
from sidecar.monitor.selftest import Selftest
from sidecar.monitor.steady_clock import SteadyClock
from sidecar.supervisor.exposition import FACTS, Processes
from sidecar.wire.base import formats

ROOT = Path(__file__).parent.parent
ONE = Verdict("b", "s", "m", "in_control", 0.0, "", 1.0, 1.0, 0.1, 0.1, 0.0, -1.0, 1.0, 1, 1, 1.0, None, "id")
JUDGED = Judged(
    verdicts=[ONE],
    gaps=[Gap("b", "s", "m", "en", 1, RateGap(0.0, -1.0, 1.0, "ok", calibrated=False), Drift(0.0, -1.0, 1.0))],
    heard={"b": 0.0},
    alarms={"b": 0},
    left_out={"repeat": 0},
    invalid_ticks={"losses": 0},
    ticks=0,
    unfinished=0,
    suppressed=0,
    judged_until_s=0.0,
    baseline_id="id",
    classifier="c",
    baseline_state="in_use",
    baseline_ready=False,
    budget=0.007,
    store_errors=0,
    annotations=0,
    acknowledged={("b", "s", "m"): False},
    detectable={("b", "s", "m"): 0.1},
)
CANARIES = Canaries(
    probes={("s", "g", "en", "pass"): 1},
    ratios={("s", "g", "en"): PassRatio(1.0, 0.1, 1.0, 1)},
    gaps=[GapPoints("language", "tr", "", 0.0, -1.0, 1.0, 9.0, 1, "ok")],
    valid={"g": 1},
    goodhart={"g": 0.0},
    hallucination={"d": 0.0},
    hallucination_low={"d": 0.0},
    insecure_code=0.0,
    insecure_code_low=0.0,
    over_refusal=0.0,
    over_refusal_low=0.0,
    pass_hat_k={1: 1.0},
    last_success={"s": 0.0},
    exposure={"s": 1},
    exposure_limit={"s": 3},
    epoch={"s": 0},
    epoch_s={"s": 1.0},
    last_draw={"s": 0.0},
    variants=variants.Variants(
        last=("m", "f", "0"),
        deltas=[variants.DeltaRatio("c", (0.0,) * 3, (0.0,) * 3, 1, "within", adversarial=True)],
        weighed=[variants.CellEvidence("c", 0.0, "none")],
        causes=[variants.DriftCause("b", "s", "m", "asking", 0, 1.0)],
    ),
    languages={"en": (1.0, True)},
    covered=1.0,
    judge_drift=0.0,
)
REFERENCE = ROOT / "sidecar" / "README.md"
PAGES = sorted(page for page in ROOT.glob("**/*.md") if not {".git", "node_modules", ".venv"} & set(page.parts))
SUFFIXES = ("_bucket", "_sum", "_count")


def config_table():
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for key, default, text in config.every_key():
        shown = "needed" if default is None else '`""`' if default == "" else f"`{default}`".replace("()", "[]")
        rows.append(f"| `{key}` | {shown} | {text} |")
    return rows


def every_metric():
    """(name, kind, labels, help) of whatever a running Kilter exposes."""
    for metric in schema([]):
        yield metric.name, metric.kind, [name for name, _ in metric.labels], metric.help
    for family in Processes(
        lambda: {"supervisor": None}, lambda: {"worker-0": 0}, lambda: dict.fromkeys(FACTS, 0.0)
    ).collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        yield name, family.type, list(family.samples[0].labels), family.documentation
    registry = CollectorRegistry()
    PrometheusExporter(registry, [], lambda: {("b", "s", "m"): (1.0, 1)})
    registry.register(VerdictCollector(lambda: JUDGED))
    registry.register(CanaryCollector(lambda: CANARIES))
    registry.register(FleetCollector(FleetStatus))
    EvidenceExporter(Path("/nonexistent"), registry, 0.0)
    SampleExporter(None, registry, lambda: 0.0)
    Selftest(lambda: None, Rules(), lambda *_: None, registry, lambda: 0.0, 0.0)
    SteadyClock(lambda: 0.0, lambda: 0.0).shown(registry)
    for collector in list(registry._collector_to_names):
        for family in collector.collect():
            name = family.name + ("_total" if family.type == "counter" else "")
            labels = getattr(collector, "_labelnames", None)
            yield (
                name,
                family.type,
                list(family.samples[0].labels) if labels is None else list(labels),
                family.documentation,
            )


def metric_table():
    rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for name, kind, labels, text in sorted(every_metric()):
        rows.append(f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {text} |")
    return rows


TABLES = {"configuration": config_table, "metrics": metric_table}


def with_tables(text):
    for name, table in TABLES.items():
        body = "\n".join(table()).replace("\\", "\\\\")
        text = re.sub(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", rf"\1{body}\n\2", text, flags=re.DOTALL)
    return text


def test_the_reference_tables_are_those_of_the_code():
    if os.environ.get("KILTER_WRITE_DOCS"):
        REFERENCE.write_text(with_tables(REFERENCE.read_text()))
    text = REFERENCE.read_text()
    assert all(f"<!-- {name} -->" in text for name in TABLES)
    assert text == with_tables(text), "run KILTER_WRITE_DOCS=1 pytest tests/test_docs.py"


def test_every_command_has_help_with_an_example_and_stands_in_a_document():
    documents = "".join(page.read_text() for page in PAGES)
    context = click.Context(cli.main)
    for name in cli.main.list_commands(context):
        command = cli.main.get_command(context, name)
        assert command is not None, name
        assert command.help, name
        assert "Examples:" in (command.epilog or ""), name
        assert f"kilter {name}" in documents, name
        assert all(option.help for option in command.params if isinstance(option, click.Option)), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_metric_that_a_document_names_exists(page):
    known = {name for name, *_ in every_metric()}
    named = set(re.findall(r"\bkilter_[a-z0-9_]+\b", page.read_text()))
    unknown = {
        name
        for name in named
        if name not in known and not any(name.removesuffix(suffix) in known for suffix in SUFFIXES)
    }
    assert not unknown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_command_that_a_document_names_exists(page):
    named = set(re.findall(r"(?:^|`|\$ |&& )kilter ([a-z]+)\b", page.read_text(), flags=re.MULTILINE))
    assert named <= set(cli.main.list_commands(click.Context(cli.main)))


def test_every_wire_format_stands_in_the_reference():
    text = REFERENCE.read_text()
    for wire in formats():
        assert f"`{wire.name}`" in text, wire.name
