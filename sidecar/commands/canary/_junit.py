"""A round as JUnit XML, which every CI reads. No text of a prompt or reply is in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from sidecar.canary.prober import Probe

_TAGS = {"fail": "failure", "error": "error", "skipped": "skipped", "inconclusive": "skipped"}


def write(path: Path, probes: Sequence[Probe]) -> None:
    """One test case a probe, one test suite a suite. An inconclusive probe is a skipped test that says so."""
    root = ET.Element("testsuites", name="kilter canary")
    for name in dict.fromkeys(probe.case.suite for probe in probes):
        own = [probe for probe in probes if probe.case.suite == name]
        counts = {tag: sum(_TAGS.get(p.verdict.outcome) == tag for p in own) for tag in ("failure", "error", "skipped")}
        suite = ET.SubElement(
            root,
            "testsuite",
            name=name,
            tests=str(len(own)),
            failures=str(counts["failure"]),
            errors=str(counts["error"]),
            skipped=str(counts["skipped"]),
            time=f"{sum(p.latency_s for p in own):.3f}",
        )
        for probe in own:
            case = probe.case
            test = ET.SubElement(
                suite,
                "testcase",
                classname=f"{name}.{case.family}",
                name=f"{case.id}#{probe.repeat}",
                time=f"{probe.latency_s:.3f}",
            )
            verdict = probe.verdict
            if tag := _TAGS.get(verdict.outcome):
                message = f"{verdict.outcome}, by {verdict.decided_by}: {verdict.reason}".removesuffix(": ")
                ET.SubElement(test, tag, message=message, type=verdict.decided_by)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
