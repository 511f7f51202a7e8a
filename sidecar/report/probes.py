"""Canaries as the evidence log tells of them, made countable again by the very code that counts live ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from sidecar.canary.case import Case
from sidecar.canary.expect import Factual, Outcome, Verdict
from sidecar.canary.expectation import Expect
from sidecar.canary.prober import Probe
from sidecar.report.history import Entry

_ANY = Expect(contains_nonce=True)
"""Of a case that neither asks for a refusal nor for an answer; nothing is judged anew here."""


def probes(entries: Iterable[Entry]) -> list[Probe]:
    """One of each record of kind ``probe`` that says what is needed (``sidecar.monitor.canary_record``); others are left out."""
    return [_probe(entry) for entry in entries if entry.kind == "probe" and "group" in entry.data]


def _probe(entry: Entry) -> Probe:
    data = entry.data
    case = Case(
        suite=data["suite"],
        family=data["family"],
        variant=data["variant"],
        language=data["language"],
        epoch=data["epoch"],
        index=data["index"],
        group=data["group"],
        kind=data["kind"],
        expect=_expect(data["wants"]),
        script=(),
        attack=data["attack"],
        domain=data["domain"],
        quadrant=data["quadrant"],
        public=data["public"],
        frozen=data["frozen"],
        translation=data["translation"],
        truth=True if data["fact"] else None,
    )
    outcome: Outcome = next(word for word in get_args(Outcome) if word == data["outcome"])
    factual: Factual = next(word for word in get_args(Factual) if word == data["factual"])
    verdict = Verdict(outcome, data["decided_by"], data["reason"], factual, data["label"])
    return Probe(
        case, data["repeat"], verdict, entry.at_s, data["tokens"], model=data["model"], fingerprint=data["fingerprint"]
    )


def _expect(wants: str) -> Expect:
    if wants == "refuse":
        return Expect(refuse=True)
    return Expect(comply=True) if wants == "comply" else _ANY
