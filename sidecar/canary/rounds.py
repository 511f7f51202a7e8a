"""A round: every case once (or as often as it repeats), one at a time, each result kept at once."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from random import Random

from sidecar.canary.case import Case
from sidecar.canary.prober import Probe, Prober
from sidecar.canary.results import Results, Row

Seen = Callable[[Probe], None]


async def ask_round(
    cases: Sequence[Case],
    prober: Prober,
    results: Results,
    *,
    run: str,
    secret_id: str,
    repeats: int | None = None,
    seen: Seen = lambda _: None,
) -> list[Probe]:
    """Asks ``cases``, suites in turn, so that a budget that runs out leaves no suite unasked.

    ``repeats`` instead of each case's own. ``seen`` is told of every probe as it ends. Cancelling keeps
    what was asked so far in ``results``.
    """
    probes: list[Probe] = []
    for case in in_turn(cases):
        for repeat in range(repeats or case.repeats):
            probe = await prober.probe(case, repeat)
            probes.append(probe)
            if probe.transcript is not None:
                results.add(row(probe, run, secret_id))
            seen(probe)
    return probes


async def ask_both(
    cases: Sequence[Case],
    probers: tuple[Prober, Prober],
    results: Results,
    rng: Random,
    *,
    runs: tuple[str, str],
    secret_id: str,
    repeats: int | None = None,
    seen: Seen = lambda _: None,
) -> list[tuple[Probe, Probe]]:
    """Asks two models the same ``cases``, each case of both before the next, in an order that ``rng`` draws each time:
    whatever else changes meanwhile changes for both. ``runs``: under which names their results are kept.
    """
    pairs: list[tuple[Probe, Probe]] = []
    for case in in_turn(cases):
        for repeat in range(repeats or case.repeats):
            pair: dict[int, Probe] = {}
            for at in rng.sample((0, 1), 2):
                pair[at] = probe = await probers[at].probe(case, repeat)
                if probe.transcript is not None:
                    results.add(row(probe, runs[at], secret_id))
                seen(probe)
            pairs.append((pair[0], pair[1]))
    return pairs


def in_turn(cases: Iterable[Case]) -> list[Case]:
    """One family of each suite after the other; the members of a family stay together, since they are compared."""
    suites: dict[str, dict[str, list[Case]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        suites[case.suite][case.pair].append(case)
    rounds = zip_longest(*(families.values() for families in suites.values()), fillvalue=())
    return [case for families in rounds for family in families for case in family]


def row(probe: Probe, run: str, secret_id: str) -> Row:
    """A probe as it is stored: without a word of what was said."""
    case, verdict = probe.case, probe.verdict
    return Row(
        at_s=probe.at_s,
        run=run,
        suite=case.suite,
        family=case.family,
        variant=case.variant,
        language=case.language,
        epoch=case.epoch,
        draw=case.index,
        repeat=probe.repeat,
        secret_id=secret_id,
        family_group=case.group,
        kind=case.kind,
        attack=case.attack,
        domain=case.domain,
        quadrant=case.quadrant,
        frozen=case.frozen,
        public=case.public,
        model=probe.model,
        fingerprint=probe.fingerprint,
        outcome=verdict.outcome,
        decided_by=verdict.decided_by,
        reason=verdict.reason,
        factual=verdict.factual,
        label=verdict.label,
        tokens=probe.tokens,
        latency_s=probe.latency_s,
        generation=probe.generation,
        sampling="" if probe.sampling is None else json.dumps(probe.sampling),
    )
