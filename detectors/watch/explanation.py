"""The sentence of a verdict: what, where, by how much, since when, how sure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from detectors.records.baseline import OVERALL, REST
from detectors.records.verdict import Verdict
from detectors.stats.clopper_pearson import lower_bound, upper_bound
from detectors.watch.rules import Rules

_ALPHA = 0.05

_NAMES = {OVERALL: "all strata, at the baseline's mix", REST: "the small strata together"}


def subject(behaviour: str, stratum: str) -> str:
    """What the verdict is about.

    >>> subject("refusal_by_language", "tr"), subject("tool_loop", "overall")
    ('refusal by language, tr', "tool loop, all strata, at the baseline's mix")
    """
    return f"{behaviour.replace('_', ' ')}, {_NAMES.get(stratum, stratum)}"


def unnamed(behaviour: str, stratum: str) -> str:
    """What is said where users must be told apart and nobody names any."""
    return f"{subject(behaviour, stratum)}: no request of the last day names its user, so nothing is counted"


def rate_with(rate: float, interval: Sequence[float]) -> str:
    """A rate and its interval, in percent.

    >>> rate_with(0.31, (0.26, 0.37)), rate_with(0.004, (0.001, 0.0125))
    ('31 % [26, 37]', '0.4 % [0.1, 1.2]')
    """
    digits = 0 if interval[1] >= 0.1 else 1
    low, high = (f"{100 * end:.{digits}f}" for end in interval)
    return f"{100 * rate:.{digits}f} % [{low}, {high}]"


def points(difference: float) -> str:
    """A difference in points.

    >>> points(0.19), points(-0.012)
    ('+19 points', '-1.2 points')
    """
    return f"{100 * difference:+.{0 if abs(difference) >= 0.095 else 1}f} points"


def clock(at_s: float, now_s: float) -> str:
    """A time, with its date where that is not today (UTC).

    >>> clock(1_700_000_000, 1_700_000_600), clock(1_700_000_000, 1_700_090_000)
    ('22:13 UTC', '2023-11-14 22:13 UTC')
    """
    at, now = datetime.fromtimestamp(at_s, UTC), datetime.fromtimestamp(now_s, UTC)
    return at.strftime("%H:%M UTC" if at.date() == now.date() else "%Y-%m-%d %H:%M UTC")


def budget(alpha: float, period_s: float, hypotheses: int) -> str:
    """What the alarms may cost.

    >>> budget(0.007, 30 * 86400, 38)
    'budget: 0.7 % in 30 days over 38 strata'
    """
    days = period_s / 86400
    length = f"{days:g} days" if days >= 1 else f"{period_s / 60:g} minutes"
    return f"budget: {100 * alpha:g} % in {length} over {hypotheses} strata"


def explained(verdict: Verdict, rules: Rules, hypotheses: int, own: tuple[float, ...], mix: float | None) -> str:
    """The sentence of a tested stratum. ``own`` is the interval of its live rate; ``mix``: how much of a change of the
    crude rate comes from another mix of layers, None for a stratum of one.
    """
    what = subject(verdict.behaviour, verdict.stratum)
    if verdict.n_current == 0:
        return f"{what}: nothing counted yet"
    events = round(verdict.reference * verdict.n_reference)
    bounds = [float(of(events, verdict.n_reference, _ALPHA / 2)) for of in (lower_bound, upper_bound)]
    rates = f"{rate_with(verdict.estimate, own)} against {rate_with(verdict.reference, bounds)}"
    since = f" since {clock(verdict.changed_at_s, verdict.at_s)}" if verdict.changed_at_s is not None else ""
    moved = f" and {points(mix)} by another mix" if mix is not None else ""
    tail = ""
    if verdict.state == "undetectable":
        floor = 100 * rules.floor_at(verdict.reference)
        tail = f"; a baseline of {verdict.n_reference} cannot show a change of {floor:.1f} points"
    elif verdict.state == "too_few_users":
        tail = f"; not judged below {rules.least_users:g} equal users"
    return (
        f"{what}: {rates}; {points(verdict.difference)}{moved}{since}, {verdict.n_current} conversations of "
        f"{verdict.users:.0f} users{tail}; {budget(rules.false_alarm_budget, rules.period_s, hypotheses)}"
    )
