"""The numbers by which observations are counted and judged. All are Kilter's own defaults."""

from __future__ import annotations

from dataclasses import dataclass

COUNTING = 1
"""Version of the unit rules: raised when the same traffic would be counted otherwise."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Seconds, rates in [0, 1], counts.

    A tick of ``tick_s`` is waited for at most ``grace_s`` after its end. ``false_alarm_budget`` is the chance of any
    false alarm in ``period_s`` over all strata of a baseline, at most ``most_strata`` of them. Within ``margin`` of its
    reference a rate is no drift; an alarm is raised only where the interval of the difference excludes ``floor`` (or
    ``floor_relative`` of a reference rate below ``low_rate``). Below ``least_users`` equal users nothing is
    judged. How near strata are to an alarm is worked out every ``evidence_ticks`` ticks, since it costs more than the
    alarm itself, which is tested at every tick. A baseline is ready after ``learn_days`` days with data and ``learn_trials`` trials in some stratum.
    """

    tick_s: float = 60.0
    grace_s: float = 600.0
    period_s: float = 30 * 86400.0
    false_alarm_budget: float = 0.007
    most_strata: int = 80
    margin: float = 0.005
    floor: float = 0.02
    floor_relative: float = 0.25
    low_rate: float = 0.04
    least_users: float = 30.0
    evidence_ticks: int = 10
    learn_days: int = 7
    learn_trials: int = 2000

    def __post_init__(self) -> None:
        if not (self.tick_s > 0 and self.grace_s >= 0 and self.period_s >= self.tick_s):
            raise ValueError(
                f"need tick_s > 0, grace_s >= 0 and period_s >= tick_s, got {self.tick_s}, {self.grace_s} and {self.period_s}"
            )
        if not (0 < self.false_alarm_budget < 1 and 0 < self.margin < 1 and 0 < self.floor < 1):
            raise ValueError(
                "need false_alarm_budget, margin and floor in (0, 1), "
                f"got {self.false_alarm_budget}, {self.margin} and {self.floor}"
            )
        if self.most_strata < 1:
            raise ValueError(f"need most_strata >= 1, got {self.most_strata}")

    @property
    def ticks_per_period(self) -> int:
        """Whole ticks of a budget period."""
        return round(self.period_s / self.tick_s)

    def floor_at(self, rate: float) -> float:
        """The least difference worth an alarm at a reference ``rate``: never below the margin.

        >>> rules = Rules()
        >>> rules.floor_at(0.2), rules.floor_at(0.04), rules.floor_at(0.001)
        (0.02, 0.02, 0.005)
        """
        return self.floor if rate >= self.low_rate else min(self.floor, max(self.margin, self.floor_relative * rate))
