"""What the page shows of the canaries: by group, the worst cell first."""

from __future__ import annotations

from dataclasses import dataclass

from sidecar.admin.drawing import RateDrawing, percent, rate_drawing
from sidecar.export.canaries import Canaries, PassRatio


@dataclass(frozen=True, slots=True)
class CanaryRow:
    """A cell of canaries."""

    suite: str
    language: str
    passed: str
    interval: str
    decided: int
    drawing: RateDrawing


@dataclass(frozen=True, slots=True)
class CanaryGroup:
    """A group, with its worst cell first."""

    name: str
    passed: int
    decided: int
    rows: tuple[CanaryRow, ...]


def canary_groups(canaries: Canaries) -> tuple[CanaryGroup, ...]:
    """By name of the group."""
    groups: dict[str, list[tuple[float, CanaryRow, PassRatio]]] = {}
    for (suite, group, language), one in canaries.ratios.items():
        interval = f"{percent(one.low)} to {percent(one.high)}"
        drawing = rate_drawing(one.ratio, one.low, one.high, float("nan"), 1.0)
        row = CanaryRow(suite, language, percent(one.ratio), interval, one.decided, drawing)
        groups.setdefault(group, []).append((one.ratio, row, one))
    return tuple(
        CanaryGroup(
            name,
            round(sum(one.ratio * one.decided for _, _, one in cells)),
            sum(one.decided for _, _, one in cells),
            tuple(row for _, row, _ in sorted(cells, key=lambda cell: (cell[0], cell[1].suite, cell[1].language))),
        )
        for name, cells in sorted(groups.items())
    )
