"""The dashboard *Is the behaviour in control?*"""  # noqa: INP001 - beside the script that uses it, no package

from __future__ import annotations

import layout
from events import events
from panels import (
    BLUE,
    GREEN,
    RECORDED,
    RED,
    SCRAPED,
    Json,
    dashed,
    graph,
    named,
    panel,
    query,
    rate,
    stat,
    steps,
    table,
)
from verdicts import coded, family_panels, verdict_panels

BASELINE_STATES = (
    ("none", "none", BLUE),
    ("expected_missing", "expected, missing", RED),
    ("unusable", "not usable", RED),
    ("learning_next", "in use, next is learned", GREEN),
    ("in_use", "in use", GREEN),
)
Z_LIMIT = 4
"""As in the alert RefusalRateChanged."""


def at_a_glance() -> list[Json]:
    """One row of numbers."""
    watched = {0: ("not watched", RED), 1: ("watched", GREEN)}
    silent = "no_baseline|warming_up|no_user_key|too_few_users|undetectable"
    return [
        stat(
            "Is behaviour watched?",
            "Whether every monitor answers. Not watched: every panel about behaviour stands still and says nothing. "
            "Traffic goes on.",
            "none",
            f"min(kilter_monitor_up{{{SCRAPED}}})",
            steps((None, RED), (1, GREEN)),
            mappings=named(watched),
        ),
        stat(
            "Strata out of control",
            "Strata with an alarm that is not over. 0 does not prove that nothing changed: see how many say nothing, and "
            "`kilter power` for what the others could show.",
            "none",
            f'count(kilter_state{{{SCRAPED}, state="out_of_control"}} == 1) or vector(0)',
            steps((None, GREEN), (1, RED)),
        ),
        stat(
            "Not acknowledged",
            "Of them, those of which nobody has said what is done about it meanwhile. These are told by alerts.",
            "none",
            f"count(kilter_alarm_acknowledged{{{SCRAPED}}} == 0) or vector(0)",
            steps((None, GREEN), (1, RED)),
        ),
        stat(
            "Baseline",
            "Whether there is something to judge by. None: promote what was learned (`kilter baseline promote`). Not usable: it "
            "was labelled by another classifier, or counted by other rules.",
            "none",
            coded("kilter_baseline_state", SCRAPED, tuple(state for state, *_ in BASELINE_STATES), "job"),
            steps((None, BLUE)),
            mappings=named({number: words for number, (_, *words) in enumerate(BASELINE_STATES)}),
        ),
        stat(
            "Strata that say nothing",
            "Strata that are seen and not judged: without a baseline, too rare, from too few users, or without user keys. "
            "Their silence means nothing; *Every stratum* names the reason.",
            "none",
            f'count(kilter_state{{{SCRAPED}, state=~"{silent}"}} == 1) or vector(0)',
            steps((None, BLUE)),
        ),
        stat(
            "Requests",
            "Requests answered a second, whatever the answer. No traffic: nothing can be seen of the behaviour.",
            "reqps",
            rate("kilter_requests_total"),
            steps((None, BLUE)),
        ),
    ]


def against_the_day_before() -> list[Json]:
    """Without a baseline."""
    name = "{{behaviour}} {{stratum}} {{model}}"
    series = "stratum:kilter_event_ratio"
    return [
        graph(
            "Rate, recent against reference",
            "How often the behaviour was seen in the last 30 minutes (solid) and in the day that ended an hour ago "
            "(dashed), by stratum. A solid line that leaves its dashed one and stays away is a change. A line over few "
            "answers jumps by itself: see the table for how many there are.",
            "percentunit",
            query(f"{series}:recent{{{RECORDED}}}", name),
            query(f"{series}:reference{{{RECORDED}}}", f"{name} (reference)"),
            overrides=[dashed(r"/\(reference\)$/")],
        ),
        panel(
            "state-timeline",
            "Distance from the reference",
            "The two-proportion z of each stratum: blue far below the reference, green near it, red far above it. "
            f"Colour changes at {Z_LIMIT} standard errors, where the alert looks; it also asks for 5 points of "
            "difference and enough answers. z takes exchanges as independent and is looked at again and again: it has "
            "no stated false-alarm budget.",
            "none",
            query(f"{series}:zscore{{{RECORDED}}}", name),
            size=(12, 8),
            defaults={
                "decimals": 1,
                "thresholds": steps((None, BLUE), (-Z_LIMIT, GREEN), (Z_LIMIT, RED)),
                "color": {"mode": "thresholds"},
                "custom": {"fillOpacity": 70, "lineWidth": 0},
            },
            options={"showValue": "never", "mergeValues": True, "rowHeight": 0.9, "legend": {"showLegend": True}},
        ),
        table(
            "Against the day before, in numbers",
            "The numbers behind the two panels above. Fewer than 50 recent or 200 reference answers: too few for the "
            "alert, whatever the rates say.",
            [
                (heading, f"{metric}{{{RECORDED}}}", {"unit": unit, "decimals": decimals})
                for heading, metric, unit, decimals in (
                    ("Recent", f"{series}:recent", "percentunit", 1),
                    ("Reference", f"{series}:reference", "percentunit", 1),
                    ("Recent answers", "stratum:kilter_observations:recent", "short", 0),
                    ("Reference answers", "stratum:kilter_observations:reference", "short", 0),
                    ("z", f"{series}:zscore", "none", 1),
                )
            ],
        ),
    ]


def the_mix() -> list[Json]:
    """What could explain a change."""
    by_model = 'model=~"$model"'
    return [
        graph(
            "What answers are",
            "Shares of the labels. `refusal`: refusing words and nothing delivered. `hollow_refusal`: refusing words "
            "and the content delivered all the same. The refusal rate counts `refusal` only.",
            "percentunit",
            query(rate("kilter_responses_total", "label", by_model), "{{label}}"),
            stacked=True,
        ),
        graph(
            "Languages asked in",
            "Shares of the languages that people write in. When the mix moves at the same time as a rate, look here "
            "first: the model may be the same and its users others.",
            "percentunit",
            query(rate("kilter_languages_total", "language"), "{{language}}"),
            stacked=True,
        ),
        graph(
            "Rate in the monitor's own window",
            "`kilter_rate`: the share over `ticks.window_s` (an hour unless configured) as each Kilter counts it, by the "
            "time at which requests began. Empty after an hour without traffic.",
            "percentunit",
            query(
                f'kilter_rate{{{SCRAPED}, behaviour=~"$behaviour", {by_model}}}',
                "{{behaviour}} {{stratum}} {{model}} {{instance}}",
            ),
        ),
        graph(
            "Blocks and structured refusals",
            "Answers that the server itself marked: a policy blocked the input or the output, or the model used a "
            "refusal field. Self-hosted models have none; their refusals are read from the text.",
            "reqps",
            query(rate("kilter_signals_total", "signal"), "{{signal}}"),
        ),
    ]


def the_ground() -> list[Json]:
    """Whether the numbers above can be trusted."""
    return [
        graph(
            "What became of the copies",
            "Exchanges a second by outcome. `sampled` were looked at, `skipped` are outside the sample or of no known "
            "format, `dropped_*` and `failed` are lost. Long answers are lost first: where more than 0.5% are, refusal rates "
            "read too high.",
            "reqps",
            query(rate("kilter_captures_total", "outcome"), "{{outcome}}"),
        ),
        graph(
            "Age of what was last judged",
            "Since the end of the last tick that was judged. It stands at the length of a tick and the grace that answers "
            "have (600 seconds unless configured) at most; rising without end: nothing is judged any more.",
            "s",
            query(f"time() - (kilter_judged_until_timestamp_seconds{{{SCRAPED}}} > 0)", "{{instance}}"),
        ),
    ]


def dashboard() -> Json:
    """The whole, as Grafana loads it."""
    seen = 'kilter_observations_total{job=~"$job"}'
    return layout.dashboard(
        "kilter-behaviour",
        "Kilter: is the behaviour in control?",
        "How the model behaves now against how it behaved before, and whether these numbers can be trusted.",
        [layout.variable("model", "model", seen), layout.variable("behaviour", "behaviour", seen, "refusal_by_length")],
        events(),
        {
            "At a glance": at_a_glance(),
            "Is the behaviour in control?": verdict_panels(),
            "Languages, hollow refusals, persistence, tools": family_panels(),
            "What is it made of?": the_mix(),
            "Against the day before": against_the_day_before(),
            "Can these numbers be trusted?": the_ground(),
        },
    )
