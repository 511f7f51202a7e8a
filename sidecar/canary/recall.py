"""Results back into probes: the prompts follow from the secret, so a row and its suite say the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import get_args

from sidecar.canary.agenda import draw_of
from sidecar.canary.case import Case
from sidecar.canary.draws import secret_id
from sidecar.canary.expect import Factual, Outcome, Verdict
from sidecar.canary.generate import render
from sidecar.canary.loading import LoadedSuite
from sidecar.canary.prober import Probe
from sidecar.canary.results import Row


def recalled(rows: Iterable[Row], suites: Sequence[LoadedSuite], secret: bytes) -> list[Probe]:
    """A probe a row, without what was said. Left out: rows of another secret, and of prompts that a suite no longer has."""
    known = {suite.suite.suite: suite for suite in suites}
    own = secret_id(secret)
    rendered: dict[tuple[str, int, int], dict[str, Case]] = {}
    probes = []
    for row in rows:
        if row.secret_id != own or row.suite not in known:
            continue
        key = (row.suite, row.epoch, draw_of(known[row.suite], row))
        if key not in rendered:
            made = render(known[row.suite], secret, row.epoch, shift=key[2])
            rendered[key] = {case.id: case for case in made}
        case = rendered[key].get(row.case_id)
        if case is not None:
            probes.append(
                Probe(
                    case,
                    row.repeat,
                    _verdict(row),
                    row.at_s,
                    row.tokens,
                    model=row.model,
                    fingerprint=row.fingerprint,
                    generation=row.generation,
                    sampling=tuple((str(name), float(value)) for name, value in json.loads(row.sampling))
                    if row.sampling
                    else None,
                )
            )
    return probes


def _verdict(row: Row) -> Verdict:
    outcome: Outcome = next(word for word in get_args(Outcome) if word == row.outcome)
    factual: Factual = next(word for word in get_args(Factual) if word == row.factual)
    return Verdict(outcome, row.decided_by, row.reason, factual, row.label)
