"""Situations that the status page must show well, as the monitor would describe them."""

from __future__ import annotations

import math

from detectors.catalog import behaviours
from detectors.records.verdict import Alarm, Example, Verdict
from detectors.stats.rate_gap import RateGap
from detectors.watch.gaps import Gap
from detectors.watch.rules import Rules
from sidecar.admin.status import Copies, Status, Traffic, behaviours_status, detectable
from sidecar.export.canaries import Canaries, GapPoints, PassRatio
from sidecar.export.variants import DeltaRatio, DriftCause, Variants
from sidecar.store.base import Acknowledgement

NOW = 1_764_560_000.0
BASELINE = "2f8b67802ee9"
BEHAVIOURS = {
    "refusal_by_language": ("en", "de", "tr", "overall"),
    "refusal_by_length": ("1", "2-3", "4-7", "8-15", "overall"),
    "hollow_refusal": ("1", "2-3", "rest"),
    "tool_transition": ("search>read_page", "search>send_email", "start>search"),
}
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>'\"&amp;{{7*7}}"


def verdict(
    behaviour, stratum, state="in_control", *, model="llama-3.3-70b", rate=0.05, reference=0.05, n=2400, **more
):
    spread = 2.2 * math.sqrt(max(rate * (1 - rate), 0.001) / max(n, 1))
    fields = {
        "e_value": 3.0, "decision_interval": 2e5, "estimate": rate, "reference": reference, "difference": rate - reference,
        "interval_low": rate - reference - spread, "interval_high": rate - reference + spread, "n_reference": 9000,
        "n_current": n, "users": 310.0, "baseline_id": BASELINE,
        "explanation": f"{behaviour.replace('_', ' ')}, {stratum}: {100 * rate:.0f} % against {100 * reference:.1f} %; "
        f"{100 * (rate - reference):+.0f} points, {n} conversations of 310 users; budget: 0.7 % in 30 days over 15 strata",
        **more,
    }  # fmt: skip
    return Verdict(behaviour, stratum, model, state, NOW, **fields)


def usual(**changed):
    """Verdicts of every stratum, ``changed`` by ``behaviour__stratum``."""
    found = {
        (behaviour, stratum): verdict(behaviour, stratum, rate=0.03 + 0.01 * number, reference=0.03 + 0.01 * number)
        for behaviour, strata in BEHAVIOURS.items()
        for number, stratum in enumerate(strata)
    }
    return [*{**found, **{(one.behaviour, one.stratum): one for one in changed.values()}}.values()]


CANARIES = Canaries(
    enabled=True,
    asking=True,
    ratios={
        ("policy_proxy", "adversarial", "en"): PassRatio(0.97, 0.9, 0.99, 72),
        ("policy_proxy", "adversarial", "tr"): PassRatio(0.61, 0.48, 0.73, 64),
        ("translations", "multilingual", "bn"): PassRatio(0.8, 0.6, 0.92, 30),
    },
    gaps=[
        GapPoints("language", "tr", "", 36.0, 22.0, 49.0, 12.0, 64, "exceeded"),
        GapPoints("depth", "", "16", 3.0, -5.0, 11.0, 14.0, 40, "insufficient_n"),
    ],
    valid={"adversarial": 136, "multilingual": 30},
    tokens_a_day=200_000,
    tokens_left=61_000,
    variant=("llama-3.3-70b", "fp-8c1"),
    variants=Variants(
        last=("llama-3.3-70b", "fp-8c1", "1"),
        changes={"declared": 1, "silent": 0},
        state="declared_change",
        stale=12,
        deltas=[
            DeltaRatio("adversarial", (0.18, 0.05, 0.3), (0.2, 0.06, 0.33), 40, "exceeds_confirmed", adversarial=True)
        ],
        causes=[DriftCause("refusal_by_language", "tr", "llama-3.3-70b", "model", 40, 900.0)],
    ),
    covered=0.93,
)


def status(verdicts=(), totals=None, **more):
    facts = {
        "version": "0.1.0", "at_s": NOW, "upstream": "http://127.0.0.1:8000", "observing": True, "window_s": 3600.0,
        "traffic": Traffic(182_344, 12, 0, 31, 7), "copies": Copies(182_001, 0, 1.0, 0, 182_001, 0, 0, 0.04),
        "labels": {"llama-3.3-70b": {"refusal": 9012, "hollow_refusal": 301, "compliance": 172_004, "empty": 11, "aborted": 673}},
        "baseline": {
            "state": "in_use", "unusable_because": None, "in_use": BASELINE, "classifier": "c", "learning": None,
            "baselines": [{"id": BASELINE, "promoted_at_s": NOW - 9e5, "days": 7, "strata": 15, "models": ["llama-3.3-70b"], "classifier": "c"}],
        },
    }  # fmt: skip
    verdicts = tuple(verdicts)
    counted = totals if totals is not None else {one.series: (120.0, 2400) for one in verdicts}
    watched = behaviours_status(behaviours(), counted, verdicts)
    return Status(**{**facts, **more}, behaviours=watched, verdicts=verdicts, detectable=detectable(verdicts, Rules()))


def gap(language, estimate, state):
    found = RateGap(estimate, estimate - 0.04, estimate + 0.04, state, calibrated=language != "tr")
    return Gap("language_gap", language, "llama-3.3-70b", "en", 2400, found)


def in_control():
    gaps = (gap("de", 0.02, "ok"), gap("tr", 0.07, "watch"))
    return status(usual(), gaps=gaps, canaries=CANARIES)


def in_alarm(**more):
    """One stratum alarms and is not acknowledged, one is, one is watched, one has recovered."""
    since = {"changed_at_s": NOW - 5400, "e_value": 7e6}
    moved = verdict("refusal_by_language", "tr", "out_of_control", rate=0.31, reference=0.06, n=412, **since)
    seen = verdict("hollow_refusal", "1", "out_of_control", rate=0.22, reference=0.03, n=380, **since)
    watched = verdict("refusal_by_length", "8-15", "watch", rate=0.09, reference=0.06, n=900, e_value=2e4)
    back = verdict("tool_transition", "start>search", "recovered", rate=0.051, reference=0.05)
    examples = tuple(
        Example(NOW - 60.0 * number, f"chatcmpl-{number:04x}7f3a9c", f"{number:032x}" if number % 2 else "", "shop")
        for number in range(20)
    )
    alarms = (Alarm("a1b2c3d4e5f6", moved, examples), Alarm("0f0e0d0c0b0a", seen, examples[:3]))
    acknowledged = {
        "0f0e0d0c0b0a": Acknowledgement("0f0e0d0c0b0a", NOW - 1800, "Ada", "the new system prompt is rolled back")
    }
    verdicts = usual(a=moved, b=seen, c=watched, d=back)
    return status(
        verdicts,
        **{"alarms": alarms, "acknowledged": acknowledged, "gaps": (gap("tr", 0.25, "exceeded"),), "canaries": CANARIES, **more},
    )  # fmt: skip


def learning(ready=False):
    return {
        "state": "none", "unusable_because": None, "in_use": None, "classifier": "c", "baselines": [],
        "learning": {"ticks": 900, "days": 3, "days_wanted": 7, "trials": 811, "trials_wanted": 2000, "ready": ready},
    }  # fmt: skip


def without_a_baseline():
    series = [
        (behaviour, stratum, "llama-3.3-70b") for behaviour, strata in BEHAVIOURS.items() for stratum in strata[:3]
    ]
    return status(totals=dict.fromkeys(series, (40.0, 811)), baseline=learning())


def warming_up():
    return status([verdict(b, s, "warming_up", n=20, rate=0.05) for b, strata in BEHAVIOURS.items() for s in strata])


def undetectable():
    few = {"n_reference": 120, "n": 60, "rate": 0.08, "reference": 0.05}
    return status([verdict(b, s, "undetectable", **few) for b, strata in BEHAVIOURS.items() for s in strata])


def paused():
    return status(usual(), observing=False)


def hostile():
    """Names of models, tools, languages, applications, and the words of people, made to break out of the page."""
    moved = verdict(
        "tool_transition", f"search>{HOSTILE}", "out_of_control", model=HOSTILE, rate=0.6, explanation=HOSTILE
    )
    untested = ("refusal_by_language", HOSTILE, HOSTILE)
    alarm = Alarm("a1b2c3d4e5f6", moved, (Example(NOW, HOSTILE, HOSTILE, HOSTILE),))
    seen = {"a1b2c3d4e5f6": Acknowledgement("a1b2c3d4e5f6", NOW, HOSTILE, HOSTILE)}
    canaries = Canaries(
        enabled=True,
        ratios={(HOSTILE, HOSTILE, HOSTILE): PassRatio(0.5, 0.2, 0.8, 10)},
        gaps=[GapPoints(HOSTILE, HOSTILE, HOSTILE, 1.0, 0.0, 2.0, 5.0, 9, "ok")],
        variant=(HOSTILE, HOSTILE),
    )
    found = Gap("language_gap", HOSTILE, HOSTILE, "en", 9, RateGap(0.1, 0.0, 0.2, "ok", calibrated=False))
    return status(
        usual(a=moved), {untested: (3.0, 10)}, alarms=(alarm,), acknowledged=seen, canaries=canaries, gaps=(found,),
        labels={HOSTILE: {"refusal": 1}}, upstream=HOSTILE, version=HOSTILE,
    )  # fmt: skip


SITUATIONS = {
    "in control": in_control, "in alarm": in_alarm, "without a baseline": without_a_baseline, "warming up": warming_up,
    "undetectable": undetectable, "paused": paused, "hostile": hostile,
}  # fmt: skip
