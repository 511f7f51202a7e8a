"""How every stratum of live traffic stands at the end of the period, and what its baseline could have shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from detectors.records.verdict import State
from detectors.stats.parameters import ScanParameters
from detectors.stats.power import smallest_shift
from detectors.stats.spending import FAVOURING
from detectors.watch.rules import Rules
from sidecar.report.history import History, Series

DAY_S = 86400.0

Standing = Literal["within", "watch", "exceeded", "insufficient", "not_measured"]
STANDINGS: tuple[Standing, ...] = ("exceeded", "watch", "insufficient", "not_measured", "within")
"""Worst first."""

STANDING_OF: Mapping[State, Standing] = {
    "in_control": "within",
    "watch": "watch",
    "recovered": "watch",
    "out_of_control": "exceeded",
    "warming_up": "insufficient",
    "too_few_users": "insufficient",
    "undetectable": "insufficient",
    "no_baseline": "not_measured",
    "no_user_key": "not_measured",
}


@dataclass(frozen=True, slots=True)
class Stratum:
    """Rates in [0, 1], differences in [-1, 1]; None where there is nothing to say. ``detectable``: the least rise that this
    baseline typically shows within a day of its own traffic. ``threshold``: a smaller difference is no alarm.
    ``alarms``: how often it went out of control in the period.
    """

    series: Series
    state: State
    standing: Standing
    estimate: float | None
    reference: float | None
    difference: float | None
    low: float | None
    high: float | None
    n: int
    users: float
    detectable: float | None
    threshold: float | None
    alarms: int


def strata(history: History) -> list[Stratum]:
    """By series. Each from what was said of it last: a change of its state, or the day's ``standing``."""
    standing = history.before.get("standing")
    said = _by_series(standing.data) if standing else {}
    told = standing.seq if standing else 0
    said.update({series: entry.data for series, entry in history.states.items() if entry.seq > told})
    alarms: dict[Series, int] = {}
    for entry in history.entries:
        if entry.kind == "standing":
            said = _by_series(entry.data)
        elif entry.kind in ("verdict", "alarm"):
            said[entry.series] = entry.data
            alarms[entry.series] = alarms.get(entry.series, 0) + (entry.kind == "alarm")
    rules = rules_of(history)
    baseline = _baseline(history)
    shown = _detectable(baseline, rules) if baseline else {}
    return [_stratum(series, said[series], shown.get(series), rules, alarms.get(series, 0)) for series in sorted(said)]


def rules_of(history: History) -> Rules:
    """Those that the configuration set at the end of the period, else the built-in ones."""
    config = history.at_end("config")
    values = config.data["values"] if config else {}
    plain = Rules()
    return Rules(
        tick_s=values.get("ticks.length_s", plain.tick_s),
        grace_s=values.get("ticks.grace_s", plain.grace_s),
        period_s=values["budget.period_days"] * DAY_S if "budget.period_days" in values else plain.period_s,
        false_alarm_budget=values.get("budget.false_alarms", plain.false_alarm_budget),
        most_strata=values.get("budget.most_strata", plain.most_strata),
        margin=values.get("verdicts.margin", plain.margin),
        floor=values.get("verdicts.floor", plain.floor),
        floor_relative=values.get("verdicts.floor_relative", plain.floor_relative),
        least_users=values.get("verdicts.least_users", plain.least_users),
    )


def _by_series(standing: Mapping[str, Any]) -> dict[Series, Mapping[str, Any]]:
    return {(one["behaviour"], one["stratum"], one["model"]): one for one in standing["verdicts"]}


def _baseline(history: History) -> Mapping[str, Any] | None:
    """The one in use at the end of the period."""
    standing = history.at_end("standing")
    used = [entry.data["id"] for entry in history.of("baseline") if "strata" in entry.data]
    named = used[-1] if used else standing.data["baseline"] if standing else ""
    return history.baselines.get(named)


def _detectable(baseline: Mapping[str, Any], rules: Rules) -> dict[Series, float]:
    ticks = baseline["ticks"] * baseline["tick_s"] / rules.tick_s
    weights = sum(weight for *_, weight, _ in baseline["strata"])
    found = {}
    for behaviour, stratum, model, events, trials, weight, odds_margin in baseline["strata"]:
        pace = trials / ticks
        scan = ScanParameters(
            events,
            trials,
            rules.ticks_per_period,
            pace,
            rules.false_alarm_budget * weight / weights,
            odds_margin,
            FAVOURING,
        )
        shift = smallest_shift(scan, pace * DAY_S / rules.tick_s) if events < trials else float("nan")
        if shift == shift:  # noqa: PLR0124  # nan: not within a day
            found[behaviour, stratum, model] = max(shift, rules.floor_at(events / trials))
    return found


def _stratum(series: Series, said: Mapping[str, Any], detectable: float | None, rules: Rules, alarms: int) -> Stratum:
    state: State = said["state"]
    reference = said.get("reference")
    return Stratum(
        series,
        state,
        STANDING_OF[state],
        said.get("estimate"),
        reference,
        said.get("difference"),
        said.get("interval_low"),
        said.get("interval_high"),
        said.get("n_current", 0),
        said.get("users", 0.0),
        detectable,
        None if reference is None else rules.floor_at(reference),
        alarms,
    )
