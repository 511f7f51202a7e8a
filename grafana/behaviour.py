"""The dashboard *Is the behaviour in control?*"""  # noqa: INP001 - beside the script that uses it, no package

from __future__ import annotations

from panels import (
    AMBER,
    BLUE,
    DATASOURCE,
    GREEN,
    RECORDED,
    RED,
    SCRAPED,
    Json,
    column,
    dashed,
    graph,
    panel,
    placed,
    query,
    rate,
    stat,
    steps,
    variable,
)

Z_LIMIT = 4
"""As in the alert RefusalRateChanged."""


def at_a_glance() -> list[Json]:
    """One row of numbers."""
    watched = {"0": {"text": "not watched", "color": RED}, "1": {"text": "watched", "color": GREEN}}
    overloaded = 'reason="overloaded"'
    lost = 'outcome=~"dropped_ring|dropped_budget|failed"'
    made = 'outcome=~"sampled|truncated|dropped_ring|dropped_budget|failed"'
    return [
        stat(
            "Is behaviour watched?",
            "Whether every monitor answers. Not watched: every panel about behaviour stands still and says nothing. "
            "Traffic goes on.",
            "none",
            f"min(kilter_monitor_up{{{SCRAPED}}})",
            steps((None, RED), (1, GREEN)),
            mappings=[{"type": "value", "options": watched}],
        ),
        stat(
            "Refusal alerts firing",
            "Strata whose refusal rate differs from the reference by the rule RefusalRateChanged. 0 does not prove "
            "that nothing changed: small or rare changes are below what the rule can see.",
            "none",
            'count(ALERTS{alertname="RefusalRateChanged", alertstate="firing", job=~"$job"}) or vector(0)',
            steps((None, GREEN), (1, RED)),
        ),
        stat(
            "Requests",
            "Requests answered a second, whatever the answer. No traffic: nothing can be seen of the behaviour.",
            "reqps",
            rate("kilter_requests_total"),
            steps((None, BLUE)),
        ),
        stat(
            "Requests that fail",
            "Share of requests whose answer Kilter could not pass on whole. Error answers of the model server are "
            "passed on and not counted. Pages above 5%.",
            "percentunit",
            f"({rate('kilter_upstream_errors_total')} + {rate('kilter_rejected_requests_total', match=overloaded)})"
            f" / {rate('kilter_requests_total')}",
            steps((None, GREEN), (0.01, AMBER), (0.05, RED)),
        ),
        stat(
            "Copies lost",
            "Share of copies lost before they were looked at. Long answers are lost first, so above 0.5% the refusal "
            "rates of this time read too high.",
            "percentunit",
            f"{rate('kilter_captures_total', match=lost)} / {rate('kilter_captures_total', match=made)}",
            steps((None, GREEN), (0.001, AMBER), (0.005, RED)),
        ),
        stat(
            "Conversations looked at",
            "The inclusion probability. Below what `sample` says, Kilter looks at fewer conversations because it "
            "cannot keep up; rates stay unbiased and get less exact.",
            "percentunit",
            f"min(kilter_inclusion_probability{{{SCRAPED}}})",
            steps((None, BLUE)),
        ),
    ]


def against_reference() -> list[Json]:
    """What this dashboard is for."""
    name = "{{behaviour}} {{stratum}} {{model}}"
    series = "stratum:kilter_event_ratio"
    rows = [
        ("Recent", f"{series}:recent"),
        ("Reference", f"{series}:reference"),
        ("Recent answers", "stratum:kilter_observations:recent"),
        ("Reference answers", "stratum:kilter_observations:reference"),
        ("z", f"{series}:zscore"),
    ]
    letters = [chr(ord("A") + i) for i in range(len(rows))]
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
        panel(
            "table",
            "Every stratum",
            "The numbers behind the two panels above. Fewer than 50 recent or 200 reference answers: too few for the "
            "alert, whatever the rates say.",
            "none",
            *(query(f"{metric}{{{RECORDED}}}", instant=True) for _, metric in rows),
            size=(24, 8),
            overrides=[
                column("Recent", "percentunit", decimals=1),
                column("Reference", "percentunit", decimals=1),
                column("Recent answers", "short", decimals=0),
                column("Reference answers", "short", decimals=0),
                column("z", "none", decimals=1),
            ],
            options={"showHeader": True, "sortBy": [{"displayName": "z", "desc": True}]},
            transformations=[
                {"id": "merge", "options": {}},
                {
                    "id": "organize",
                    "options": {
                        "excludeByName": {"Time": True, "__name__": True},
                        "renameByName": {f"Value #{letter}": row[0] for letter, row in zip(letters, rows, strict=True)},
                    },
                },
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
    quantile = rate("kilter_time_to_first_chunk_seconds_bucket", "le")
    return [
        graph(
            "Requests by status",
            "Answers a second by status class, the model server's own errors included. `none`: the client left before an answer.",
            "reqps",
            query(rate("kilter_requests_total", "status_class"), "{{status_class}}"),
        ),
        graph(
            "Time to the first chunk",
            "From the request's last byte sent to the model server to the first byte of its answer's body: the model "
            "server's time, not Kilter's.",
            "s",
            *(query(f"histogram_quantile({q}, {quantile})", f"p{100 * q:g}") for q in (0.5, 0.95, 0.99)),
        ),
        graph(
            "What became of the copies",
            "Exchanges a second by outcome. `sampled` were looked at, `skipped` are outside the sample or of no known "
            "format, `dropped_*` and `failed` are lost.",
            "reqps",
            query(rate("kilter_captures_total", "outcome"), "{{outcome}}"),
        ),
        graph(
            "Age of what was last looked at",
            "From the end of an exchange to its analysis. Rising: the monitor does not keep up, and changes are told "
            "later. It stands still while there is no traffic.",
            "s",
            query(f"kilter_analysis_lag_seconds{{{SCRAPED}}}", "{{instance}}"),
        ),
    ]


def dashboard() -> Json:
    """The whole, as Grafana loads it."""
    datasource = {"name": "datasource", "label": "Data Source", "type": "datasource", "query": "prometheus"}
    return {
        "id": None,
        "uid": "kilter-behaviour",
        "title": "Kilter: is the behaviour in control?",
        "description": "How the model behaves now against how it behaved before, and whether these numbers can be trusted.",
        "tags": ["kilter"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "links": [],
        "templating": {
            "list": [
                datasource,
                variable("job", "job", "kilter_build_info"),
                variable("instance", "instance", 'kilter_build_info{job=~"$job"}'),
                variable("model", "model", 'kilter_observations_total{job=~"$job"}'),
                variable("behaviour", "behaviour", 'kilter_observations_total{job=~"$job"}', "refusal_by_length"),
            ]
        },
        "annotations": {
            "list": [
                {
                    "name": "Refusal alerts",
                    "datasource": DATASOURCE,
                    "enable": True,
                    "iconColor": RED,
                    "expr": 'ALERTS{alertname="RefusalRateChanged", alertstate="firing", job=~"$job"}',
                    "step": "60s",
                    "titleFormat": "RefusalRateChanged",
                    "textFormat": "{{model}}, turns {{stratum}}",
                    "tagKeys": "model,stratum",
                }
            ]
        },
        "panels": placed(
            [
                ("At a glance", at_a_glance()),
                ("Is the behaviour in control?", against_reference()),
                ("What is it made of?", the_mix()),
                ("Can these numbers be trusted?", the_ground()),
            ]
        ),
    }
