"""Does the same variant of a model pass less than it used to? Each family against its own past, one e-value a cell.

A cell is a group in a language (``time:adversarial``, ``time:multilingual:bn``) or a rung of a ladder (``time:depth:16``). In
it a family counts once a draw: what was asked again of one draw is no new trial, nor is what shares it. A member of a family
(direct twin, frozen form, a side of a flip) is compared with that same member's past only, so that a mix of prompts that moves
is no drop. If nothing changed, the results of one member are exchangeable, and whatever its pass rate is, the last of n + 1
results is a failure with a chance of at most q = (k + 1) / (n + 1), k of the n before it having failed. So

    f = r / q where it fails, (1 - r) / (1 - q) where it passes,   r = q + d (1 - q)

is at most a factor of a conformal test martingale, for any d in (0, 1). A drop begins at some time nobody knows: the e-value is
the weighted sum over starts, 1 / (j (j + 1)) for the j-th, one start every ``ROUND`` results, and over ``DROPS``.
It may be looked at after every result. Nothing is said of a member's first result, and nothing of one that passes more.

Vovk, Nouretdinov & Gammerman (2003), ICML, 768-775; Vovk (2021), Statistical Science 36(4), 595-611.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import exp, fsum, log
from typing import Any

from sidecar.canary.case import Case
from sidecar.canary.prober import Probe

DROPS = (0.15, 0.3, 0.6)
"""Shares of what passed that may fail after a change; what is measured lies between them."""
ROUND = 10
MOST_UNITS = 4_000
"""More than an epoch's; of earlier ones nothing is asked again."""
_BASE_LANGUAGE = "en"
_MOST_LOG = 700.0
_DECIDED = ("pass", "fail")

Member = tuple[str, str, str, str]
"""(cell, suite, family, member)."""
Unit = tuple[str, str, str, str, int, int, int]
"""(cell, suite, family, side, epoch, draw, repeat): what counts once."""


@dataclass(slots=True)
class _Cell:
    """``logs``: by drop, log of the sum over the starts so far, of their weight times their factors."""

    counted: int = 0
    failed: int = 0
    logs: list[float] = field(default_factory=lambda: [float("-inf")] * len(DROPS))

    def start(self) -> None:
        if self.counted % ROUND == 0:
            weight = -log(self._starts + 1) - log(self._starts + 2)
            self.logs = [_log_sum(one, weight) for one in self.logs]

    def take(self, failed: int, earlier: int, *, fails: bool) -> None:
        self.start()
        self.counted += 1
        self.failed += fails
        q = (failed + 1) / (earlier + 1)
        for at, drop in enumerate(DROPS):
            self.logs[at] += log(1 + drop * (1 - q) / q) if fails else log(1 - drop)

    @property
    def _starts(self) -> int:
        return self.counted // ROUND

    @property
    def log_e(self) -> float:
        # Weights of starts to come: 1 / (J + 1) in all, each with no factor yet.
        begun = -(-self.counted // ROUND)
        return log(fsum(exp(min(_log_sum(one, -log(begun + 1)), _MOST_LOG)) for one in self.logs) / len(DROPS))


@dataclass(frozen=True, slots=True)
class Trend:
    """Of a cell: ``failed`` of ``counted`` results that had a past, and the log of the e-value that they fail more now."""

    cell: str
    counted: int
    failed: int
    log_e: float


class OverTime:
    """Results since the variant began, in the order in which they came."""

    def __init__(self) -> None:
        self._cells: dict[str, _Cell] = {}
        self._past: dict[Member, tuple[int, int]] = {}
        self._seen: dict[Unit, None] = {}
        self._until_s = float("-inf")
        self.counted = 0

    def take(self, probes: Iterable[Probe]) -> None:
        """Counts what is new among ``probes``, oldest first. Published texts and short greedy prompts count nowhere."""
        for probe in probes:
            case = probe.case
            if probe.at_s <= self._until_s or probe.verdict.outcome not in _DECIDED or case.public or case.greedy:
                continue
            self._until_s = probe.at_s
            unit = _unit(case, probe.repeat)
            if unit not in self._seen:
                self._seen[unit] = None
                self.counted += 1
                member = f"{case.variant}|{'frozen' if case.frozen else ''}"
                self._count((*unit[:3], member), fails=probe.verdict.outcome == "fail")
        while len(self._seen) > MOST_UNITS:
            del self._seen[next(iter(self._seen))]

    def _count(self, member: Member, *, fails: bool) -> None:
        failed, earlier = self._past.get(member, (0, 0))
        self._past[member] = failed + fails, earlier + 1
        if earlier:
            self._cells.setdefault(member[0], _Cell()).take(failed, earlier, fails=fails)

    def trends(self) -> list[Trend]:
        """Every cell of which there is one."""
        return [Trend(name, cell.counted, cell.failed, cell.log_e) for name, cell in sorted(self._cells.items())]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "cells": {
                name: [cell.counted, cell.failed, [_plain(one) for one in cell.logs]]
                for name, cell in self._cells.items()
            },
            "past": [[*member, *counts] for member, counts in self._past.items()],
            "seen": [list(unit) for unit in self._seen],
            "counted": self.counted,
            "until_s": _plain(self._until_s),
        }

    def restore(self, raw: Mapping[str, Any]) -> None:
        """Goes on from ``to_dict``. KeyError, TypeError or ValueError where it is none."""
        cells = {
            str(name): _Cell(int(counted), int(failed), [_number(one) for one in logs])
            for name, (counted, failed, logs) in raw["cells"].items()
        }
        if any(len(cell.logs) != len(DROPS) for cell in cells.values()):
            raise ValueError("other drops were weighed")
        past = {
            (str(cell), str(suite), str(family), str(member)): (int(failed), int(earlier))
            for cell, suite, family, member, failed, earlier in raw["past"]
        }
        seen: dict[Unit, None] = {
            (str(cell), str(suite), str(family), str(side), int(epoch), int(draw), int(repeat)): None
            for cell, suite, family, side, epoch, draw, repeat in raw["seen"]
        }
        self.counted, self._until_s = int(raw["counted"]), _number(raw["until_s"])
        self._cells, self._past, self._seen = cells, past, seen


def _unit(case: Case, repeat: int) -> Unit:
    if "=" in case.variant:
        cell = f"time:{case.variant.replace('=', ':')}"
    else:
        cell = f"time:{case.group}" + ("" if case.language == _BASE_LANGUAGE else f":{case.language}")
    # The two sides of a flip are drawn apart, and so is a frozen form, which is a trial each time it is asked.
    side = "frozen" if case.frozen else case.variant if case.variant in ("yes", "no") else ""
    return cell, case.suite, case.family, side, case.epoch, case.index, repeat if case.frozen else 0


def _log_sum(one: float, other: float) -> float:
    high, low = max(one, other), min(one, other)
    return high if low == float("-inf") else high + log(1 + exp(low - high))


def _plain(value: float) -> float | None:
    return None if value == float("-inf") else value


def _number(value: Any) -> float:
    return float("-inf") if value is None else float(value)
