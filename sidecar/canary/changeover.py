"""What a change of the variant did: prompts that the earlier one was asked, asked again of the one that came.

The earlier one is gone, so both cannot be asked in turn; its answers of the window stand for it. Frozen and published prompts
are left out, as in ``sidecar.canary.compare``, whose verdicts these are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from sidecar.canary.compare import Delta, deltas
from sidecar.canary.prober import Probe
from sidecar.canary.recheck import Recheck
from sidecar.canary.results import Compared
from sidecar.canary.variants import Change, Variant

State = Literal["asking", "done"]

RUN = "change-"
MOST = 400
"""Prompts that are asked again."""
LONGEST_S = 3 * 86400.0
"""Then what is known by then is the result."""


class Changeover:
    """Of ``change``. ``probes``: those of the window, stale ones too, oldest first."""

    def __init__(self, change: Change, probes: Iterable[Probe]) -> None:
        self.change = change
        before = change.before
        self.recheck = Recheck(
            (
                probe
                for probe in probes
                if Variant(probe.model, probe.fingerprint, probe.generation) == before
                and not (probe.case.public or probe.case.frozen or probe.case.greedy)
            ),
            MOST,
        )

    @property
    def run(self) -> str:
        """By which its results and its rows are found."""
        return f"{RUN}{round(self.change.at_s)}"

    @property
    def state(self) -> State:
        """Whether it goes on."""
        return "asking" if self.recheck.next else "done"

    def deltas(self) -> list[Delta]:
        """By category, as far as is known."""
        return deltas(self.recheck.pairs)

    def rows(self, found: Iterable[Delta], at_s: float) -> list[Compared]:
        """As they are kept."""
        names = name(self.change.before), name(self.change.after)
        return [
            Compared(
                at_s,
                self.run,
                *names,
                delta.category,
                delta.drop.pairs,
                delta.passed_a,
                delta.passed_b,
                100 * delta.drop.points,
                100 * delta.drop.low,
                100 * delta.drop.high,
                delta.verdict,
            )
            for delta in found
        ]


def name(variant: Variant) -> str:
    """For a person.

    >>> name(Variant("m")), name(Variant("m", "fp_1", 2))
    ('m', 'm fp_1 +2')
    """
    generation = f"+{variant.generation}" if variant.generation else ""
    return " ".join(part for part in (variant.model, variant.fingerprint, generation) if part)
