"""Which windows are tested when: the plan that the false-alarm budget is divided over.

Ticks are gathered into blocks of about 16 planned trials. Window lengths are the roundings of
sqrt(2)^j blocks, or of 2^j where every layer has counts of its own to remember; a window of w blocks
is tested every max(1, w // 8) blocks, since neighbouring long windows say nearly the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

TRIALS_PER_BLOCK = 16
LENGTHS_PER_OCTAVE, LENGTHS_PER_OCTAVE_LAYERED = 2, 1


@dataclass(frozen=True, slots=True)
class Plan:
    """``ticks_per_block`` ticks make a block, ``blocks`` blocks one budget period.

    Of length ``lengths[i]`` (blocks) a test falls due every ``strides[i]`` blocks, so
    ``tests[i]`` times a period.
    """

    ticks_per_block: int
    blocks: int
    lengths: tuple[int, ...]
    strides: tuple[int, ...]
    tests: tuple[int, ...]


def ticks_per_block(trials_per_tick: float, ticks_per_budget: int) -> int:
    """Ticks for about 16 planned trials, at least 1 and at most the whole period.

    >>> ticks_per_block(50, 43200), ticks_per_block(2, 43200), ticks_per_block(0, 43200)
    (1, 8, 43200)
    """
    if trials_per_tick * ticks_per_budget <= TRIALS_PER_BLOCK:
        return ticks_per_budget
    return max(1, round(TRIALS_PER_BLOCK / trials_per_tick))


def plan(block: int, ticks_per_budget: int, lengths_per_octave: int = LENGTHS_PER_OCTAVE) -> Plan:
    """The plan for blocks of ``block`` ticks.

    >>> plan(1, 100).lengths
    (1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91)
    >>> plan(1, 100, lengths_per_octave=1).lengths
    (1, 2, 4, 8, 16, 32, 64)
    """
    blocks = ticks_per_budget // block
    ratio = 2.0 if lengths_per_octave == 1 else math.pow(2.0, 1 / lengths_per_octave)
    powers = (round(ratio**j) for j in range(lengths_per_octave * blocks.bit_length() + 1))
    lengths = tuple(sorted({length for length in powers if length <= blocks}))
    strides = tuple(max(1, length // 8) for length in lengths)
    return Plan(block, blocks, lengths, strides, tuple(blocks // stride for stride in strides))
