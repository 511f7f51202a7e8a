"""Panels about verdicts: what is judged against a baseline, and what it finds."""  # noqa: INP001 - beside the script that uses it, no package

from __future__ import annotations

from panels import AMBER, BLUE, GREEN, RED, SCRAPED, Json, band, dashed, graph, named, query, table, timeline

STATES: tuple[tuple[str, str], ...] = (
    ("no_baseline", "#8e8e8e"),
    ("warming_up", "#6d9fe0"),
    ("no_user_key", "#b0a0c8"),
    ("too_few_users", "#b0a0c8"),
    ("undetectable", "#c8b060"),
    ("in_control", GREEN),
    ("recovered", "#73bf69"),
    ("watch", AMBER),
    ("out_of_control", RED),
)
"""Every state that a stratum can be in, with its colour, from least to most asking for attention."""
GAP_LIMIT = 0.1

_BY = "behaviour, stratum, model"
_CHOSEN = f'{SCRAPED}, behaviour=~"$behaviour", model=~"$model"'
_OF_MODEL = f'{SCRAPED}, model=~"$model"'


def coded(metric: str, matchers: str, states: tuple[str, ...], by: str, label: str = "state") -> str:
    """A StateSet as one series: the number of the state that holds."""
    terms = [f'{number} * ({metric}{{{matchers}, {label}="{state}"}} == 1)' for number, state in enumerate(states)]
    return f"max by ({by}) ({' or '.join(terms)})"


def state_of(matchers: str) -> str:
    """The state of strata by its number in ``STATES``."""
    return coded("kilter_state", matchers, tuple(state for state, _ in STATES), _BY)


def states() -> dict[int, tuple[str, str]]:
    """Numbers with their word and colour."""
    return {number: (state.replace("_", " "), colour) for number, (state, colour) in enumerate(STATES)}


def verdict_panels() -> list[Json]:
    """Every stratum, and the chosen ones in numbers."""
    name = "{{behaviour}} {{stratum}} {{model}}"
    low, high = "lower end", "upper end"
    live = f"kilter_rate_reference{{{_CHOSEN}}} + kilter_difference_ratio{{{_CHOSEN}}}"

    def end(which: str) -> str:
        return f"kilter_rate_reference{{{_CHOSEN}}} + kilter_difference_ratio_{which}{{{_CHOSEN}}}"

    return [
        timeline(
            "Every stratum",
            "The state of each stratum of every behaviour and model. Red: out of control, an alarm that stays until the rate "
            "is shown to be back or a new baseline is promoted. Amber: evidence is near an alarm, or an alarm waits for "
            "its confirmation. Green: in control. Grey and pale: it says nothing, for the reason named. Of the "
            "strata that are watched, all share one false-alarm budget.",
            query(state_of(_OF_MODEL), name),
            states(),
            (24, 12),
        ),
        graph(
            "Rate against its reference",
            "The live rate (solid) and that of the baseline (dashed) of the chosen behaviour. The live rate is that since "
            "the change where there is one, else that of the recent past. The two lines apart are not yet a change: see the "
            "band beside this.",
            "percentunit",
            query(live, name),
            query(f"kilter_rate_reference{{{_CHOSEN}}}", f"{name} (baseline)"),
            overrides=[dashed(r"/\(baseline\)$/")],
        ),
        graph(
            "Difference with its band",
            "Live rate minus that of the baseline, of the chosen stratum that is furthest away, and its 95% interval. A band "
            "that is clear of 0 by the floor (2 points unless configured) is what confirms an alarm; one that holds 0 says "
            "that nothing need have moved.",
            "percentunit",
            query(f"max(kilter_difference_ratio_low{{{_CHOSEN}}} {_FURTHEST})", low),
            query(f"max(kilter_difference_ratio_high{{{_CHOSEN}}} {_FURTHEST})", high),
            query(f"max(kilter_difference_ratio{{{_CHOSEN}}} {_FURTHEST})", "difference"),
            signed=True,
            overrides=band(low, high),
        ),
        graph(
            "Evidence against its threshold",
            "log10 of the e-value of the window nearest to an alarm (solid), and of the value that is one (dashed). A solid "
            "line that reaches its dashed one is an alarm; steps of 1 are ten times the evidence. Worked out every ten ticks.",
            "none",
            query(f"kilter_evidence{{{_CHOSEN}}}", name),
            query(f"kilter_evidence_threshold{{{_CHOSEN}}}", f"{name} (threshold)"),
            signed=True,
            overrides=[dashed(r"/\(threshold\)$/")],
        ),
        graph(
            "From how many users",
            "The effective number of users behind each stratum: how many equal ones they amount to. Below 30 (unless "
            "configured) no alarm is raised, whatever the rate: one busy client is no change of the model.",
            "short",
            query(f"kilter_effective_users{{{_CHOSEN}}}", name),
            limits=(30,),
        ),
        table(
            "The verdicts in numbers",
            "Of each stratum of the chosen behaviour: its state, the rate of the baseline, how far the live rate is from it "
            "with its 95% interval, what canaries that were asked again for an alarm say of its cause, the least rise that half of all "
            "drifts of that size would show within a day at the baseline's pace (nothing: none would), and whether somebody has "
            "acknowledged the alarm.",
            [
                ("State", state_of(_CHOSEN), {"unit": "none", "mappings": _STATE_WORDS}),
                ("Baseline", f"max by ({_BY}) (kilter_rate_reference{{{_CHOSEN}}})", _POINTS),
                ("Difference", f"max by ({_BY}) (kilter_difference_ratio{{{_CHOSEN}}})", _POINTS),
                ("from", f"max by ({_BY}) (kilter_difference_ratio_low{{{_CHOSEN}}})", _POINTS),
                ("to", f"max by ({_BY}) (kilter_difference_ratio_high{{{_CHOSEN}}})", _POINTS),
                (
                    "Cause",
                    coded("kilter_drift_cause", _CHOSEN, _CAUSES, _BY, label="cause"),
                    {"unit": "none", "mappings": _CAUSE_WORDS},
                ),
                (
                    "Detectable within a day",
                    f"max by ({_BY}) (kilter_detectable_difference_ratio{{{_CHOSEN}}})",
                    _POINTS,
                ),
                ("Users", f"max by ({_BY}) (kilter_effective_users{{{_CHOSEN}}})", {"unit": "short", "decimals": 0}),
                (
                    "Acknowledged",
                    f"max by ({_BY}) (kilter_alarm_acknowledged{{{_CHOSEN}}})",
                    {"unit": "bool_yes_no"},
                ),
            ],
        ),
    ]


def family_panels() -> list[Json]:
    """What has an alert of its own: languages, tools, hollow refusals, persistence."""
    gaps = 'behaviour="language_gap"'

    def of(behaviour: str) -> list[Json]:
        matchers = f'{_OF_MODEL}, behaviour="{behaviour}"'
        return [
            query(f"kilter_rate{{{matchers}}}", "{{stratum}} {{model}}"),
            query(f"kilter_rate_reference{{{matchers}}}", "{{stratum}} {{model}} (baseline)"),
        ]

    return [
        graph(
            "Language gaps",
            "Refusal rate of each language minus that of English, corrected for what the classifier gets wrong in both, since "
            "the promotion. Beyond 10 points either way (lines) with an interval clear of 0 it asks for a compensating control.",
            "percentunit",
            query(f"kilter_gap_ratio{{{_OF_MODEL}, {gaps}}}", "{{stratum}} {{model}}"),
            signed=True,
            limits=(-GAP_LIMIT, GAP_LIMIT),
        ),
        table(
            "Language gaps in numbers",
            "Each gap with its 95% interval, which holds at every moment, its state, and by how much it has moved since the "
            "baseline. `insufficient`: too few answers to tell a gap of 10 points from none.",
            [
                ("Gap", f"max by (stratum, model) (kilter_gap_ratio{{{_OF_MODEL}, {gaps}}})", _POINTS),
                ("from", f"max by (stratum, model) (kilter_gap_ratio_low{{{_OF_MODEL}, {gaps}}})", _POINTS),
                ("to", f"max by (stratum, model) (kilter_gap_ratio_high{{{_OF_MODEL}, {gaps}}})", _POINTS),
                (
                    "State",
                    coded("kilter_gap_state", f"{_OF_MODEL}, {gaps}", _GAP_STATES, "stratum, model"),
                    {"unit": "none", "mappings": _GAP_WORDS},
                ),
                ("Moved", f"max by (stratum, model) (kilter_gap_drift_ratio{{{_OF_MODEL}, {gaps}}})", _POINTS),
            ],
            (12, 8),
        ),
        graph(
            "Refusals that deliver",
            "Of answers that read as refusals, the share that delivers the content all the same, by length of the conversation "
            "(solid), and in the baseline (dashed). Who counts refusing words does not see it rise.",
            "percentunit",
            *of("hollow_refusal"),
            overrides=[dashed(r"/\(baseline\)$/")],
        ),
        graph(
            "Giving in",
            "Of requests that were refused at every attempt before, the share that is done at this attempt (solid), and in the "
            "baseline (dashed). Aggregates over users; needs requests that name them.",
            "percentunit",
            *of("persistence_yield"),
            overrides=[dashed(r"/\(baseline\)$/")],
        ),
        table(
            "Which tool follows which",
            "Of the conversations that come to a tool (from), the share that goes on to another tool or to an answer (to): now, "
            "and in the baseline. Rows without a baseline are transitions that it did not know.",
            [
                ("Now", _halves(f'kilter_rate{{{_OF_MODEL}, behaviour="tool_transition"}}'), _POINTS),
                ("Baseline", _halves(f'kilter_rate_reference{{{_OF_MODEL}, behaviour="tool_transition"}}'), _POINTS),
            ],
            (12, 8),
        ),
        graph(
            "Moved, and moved at the same mix",
            "Solid: how far the chosen behaviour is from the day before, all strata together. Dashed: how far it is from "
            "its baseline at the baseline's own mix of strata. Solid moves and dashed does not: the users changed, not "
            "the model.",
            "percentunit",
            query(
                f"sum by (behaviour, model) (stratum:kilter_events:recent{{{_RECORDED}}})"
                f" / sum by (behaviour, model) (stratum:kilter_observations:recent{{{_RECORDED}}})"
                f" - sum by (behaviour, model) (stratum:kilter_events:reference{{{_RECORDED}}})"
                f" / sum by (behaviour, model) (stratum:kilter_observations:reference{{{_RECORDED}}})",
                "{{behaviour}} {{model}}",
            ),
            query(f'kilter_difference_ratio{{{_CHOSEN}, stratum="overall"}}', "{{behaviour}} {{model}} (same mix)"),
            signed=True,
            overrides=[dashed(r"/\(same mix\)$/")],
        ),
    ]


def _halves(series: str) -> str:
    """A series of transitions, its stratum parted at the arrow."""
    source = f'label_replace({series}, "from", "$1", "stratum", "(.+)>.+")'
    return f'max by (from, to, model) (label_replace({source}, "to", "$1", "stratum", ".+>(.+)"))'


_RECORDED = 'job=~"$job", behaviour=~"$behaviour", model=~"$model"'
_POINTS: Json = {"unit": "percentunit", "decimals": 1}
_GAP_STATES = ("ok", "insufficient", "watch", "exceeded")
_CAUSES = ("unknown", "asking", "users", "model")
_CAUSE_WORDS = named(
    {0: ("not known", BLUE), 1: ("being asked", BLUE), 2: ("the users changed", AMBER), 3: ("the model changed", RED)}
)
_STATE_WORDS = named(states())
_GAP_WORDS = named(dict(enumerate(zip(_GAP_STATES, (GREEN, BLUE, AMBER, RED), strict=True))))
_FURTHEST = f"and topk(1, abs(kilter_difference_ratio{{{_CHOSEN}}}))"
