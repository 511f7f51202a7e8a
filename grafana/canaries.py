"""The dashboard *What do the canaries say?*"""  # noqa: INP001 - beside the script that uses it, no package

from __future__ import annotations

import layout
from events import events
from panels import AMBER, BLUE, GREEN, RED, SCRAPED, Json, dashed, graph, named, query, rate, stat, steps, table
from variants import evidence_panels, variant_panels
from verdicts import coded

CHOSEN = f'{SCRAPED}, suite=~"$suite", language=~"$language"'
GAP_STATES = ("ok", "insufficient_n", "watch", "exceeded")
GAP_LIMIT = 10.0
_RATIO: Json = {"unit": "percentunit", "decimals": 1}
_PTS: Json = {"unit": "none", "decimals": 1}
_COUNT: Json = {"unit": "short", "decimals": 0}
_SECONDS: Json = {"unit": "s", "decimals": 0}


def at_a_glance() -> list[Json]:
    """One row of numbers."""
    return [
        stat(
            "Are canaries asked?",
            "Whether the configuration turns them on, and whether they are asked as scheduled. On and not asked: the key, the "
            "secret or the model's name cannot be had; the log says which.",
            "none",
            f"max(kilter_canary_enabled{{{SCRAPED}}} + kilter_canary_up{{{SCRAPED}}})",
            steps((None, BLUE)),
            mappings=named({0: ("off", BLUE), 1: ("on, not asked", RED), 2: ("asked", GREEN)}),
        ),
        stat(
            "Lowest pass ratio",
            "Of all groups and languages in the window (a week unless configured). How sure it is stands in *Every cell*.",
            "percentunit",
            f"min(kilter_canary_pass_ratio{{{SCRAPED}}})",
            steps((None, RED), (0.8, AMBER), (0.95, GREEN)),
        ),
        stat(
            "Gaps exceeded",
            "Paired gaps (languages, formats, depth, decomposition) that are beyond 10 points, with an interval that says so.",
            "none",
            f'count(kilter_canary_gap_state{{{SCRAPED}, state="exceeded"}} == 1) or vector(0)',
            steps((None, GREEN), (1, RED)),
        ),
        stat(
            "Traffic that canaries cover",
            "Share of the traffic that is in a language which has canaries. The rest is seen by its own refusals only.",
            "percentunit",
            f"min(kilter_language_coverage_ratio{{{SCRAPED}}})",
            steps((None, RED), (0.8, AMBER), (0.95, GREEN)),
        ),
        stat(
            "Tokens left today",
            "Of the day's budget (UTC). At 0 no more are asked until midnight.",
            "percentunit",
            f"min(kilter_canary_budget_tokens_remaining{{{SCRAPED}}} / kilter_canary_budget_tokens{{{SCRAPED}}})",
            steps((None, RED), (0.05, AMBER), (0.2, GREEN)),
        ),
        stat(
            "Since the last reply",
            "Time since a canary of the suite that was asked longest ago got a whole reply. A score is as old as this.",
            "s",
            f"time() - min(kilter_canary_last_success_timestamp_seconds{{{SCRAPED}}} > 0)",
            steps((None, GREEN), (86400, AMBER), (604800, RED)),
        ),
    ]


def passed() -> list[Json]:
    """What was passed."""
    return [
        graph(
            "Passed, by group",
            "Share of decided canaries that passed, in the window (a week unless configured). A step down in one group and not "
            "in the others is a sign of the model.",
            "percentunit",
            query(f"avg by (group) (kilter_canary_pass_ratio{{{CHOSEN}}})", "{{group}}"),
        ),
        graph(
            "Passed, by language",
            "The same by language, as the mean over groups. Groups differ in what they ask: compare languages by the paired gaps "
            "below.",
            "percentunit",
            query(f"avg by (language) (kilter_canary_pass_ratio{{{CHOSEN}}})", "{{language}}"),
        ),
        table(
            "Every cell",
            "Each suite, group and language: its pass ratio with its 95% interval, and from how many decided canaries. Few "
            "canaries, wide interval: it says little yet.",
            [
                ("Passed", f"max by (suite, group, language) (kilter_canary_pass_ratio{{{CHOSEN}}})", _RATIO),
                ("from", f"max by (suite, group, language) (kilter_canary_pass_ratio_low{{{CHOSEN}}})", _RATIO),
                ("to", f"max by (suite, group, language) (kilter_canary_pass_ratio_high{{{CHOSEN}}})", _RATIO),
                ("Decided", f"max by (suite, group, language) (kilter_canary_decided{{{CHOSEN}}})", _COUNT),
            ],
        ),
        graph(
            "Passed every time",
            "Chance that all of k tries of a prompt pass (pass^k), of the prompts that were asked so often. Far below the pass "
            "ratio: the model is unsteady, and one pass proves little.",
            "percentunit",
            query(f"kilter_canary_pass_hat_k{{{SCRAPED}}}", "k = {{k}}"),
        ),
        graph(
            "Refused though harmless",
            "Share of the harmless requests that were refused (solid) and the lower end of its 95% interval (dashed). A model "
            "that refuses more passes every other group more easily: look at both.",
            "percentunit",
            query(f"kilter_canary_over_refusal_ratio{{{SCRAPED}}}", "{{instance}}"),
            query(f"kilter_canary_over_refusal_ratio_low{{{SCRAPED}}}", "{{instance}} (lower end)"),
            overrides=[dashed(r"/\(lower end\)$/")],
        ),
    ]


def gaps() -> list[Json]:
    """What is worse another way."""
    by = "axis, language, step"
    return [
        graph(
            "Paired gaps",
            "Points by which the second way is worse than the first, asked in pairs: another language than English, an agentic "
            "format than chat, in steps than at once, deep in a conversation than at its beginning. Beyond 10 points (line) "
            "with an interval that says so it is exceeded.",
            "none",
            query(f"kilter_canary_gap_points{{{SCRAPED}}}", "{{axis}} {{language}} {{step}}"),
            signed=True,
            limits=(GAP_LIMIT,),
        ),
        table(
            "Paired gaps in numbers",
            "Each gap in points with its 95% interval, from how many pairs, and the least gap that so many pairs would show. A "
            "gap that is below what is detectable says nothing.",
            [
                ("Points", f"max by ({by}) (kilter_canary_gap_points{{{SCRAPED}}})", _PTS),
                ("from", f"max by ({by}) (kilter_canary_gap_points_low{{{SCRAPED}}})", _PTS),
                ("to", f"max by ({by}) (kilter_canary_gap_points_high{{{SCRAPED}}})", _PTS),
                ("Detectable", f"max by ({by}) (kilter_canary_gap_detectable_points{{{SCRAPED}}})", _PTS),
                ("Pairs", f"max by ({by}) (kilter_canary_gap_pairs{{{SCRAPED}}})", _COUNT),
                (
                    "State",
                    coded("kilter_canary_gap_state", SCRAPED, GAP_STATES, by),
                    {
                        "unit": "none",
                        "mappings": named(dict(enumerate(zip(GAP_STATES, (GREEN, BLUE, AMBER, RED), strict=True)))),
                    },
                ),
            ],
            (12, 8),
        ),
        graph(
            "Goodhart gap",
            "Points by which frozen prompts are passed more often than fresh ones of the same kind. Rising: the model knows the "
            "prompts, not the behaviour.",
            "none",
            query(f"kilter_canary_goodhart_gap_points{{{SCRAPED}}}", "{{group}}"),
            signed=True,
        ),
        graph(
            "Wrong and sure of it",
            "Of all facts asked, answers that were wrong without a word of doubt, by domain; and of the code that could be read, "
            "what holds a known weakness.",
            "percentunit",
            query(f"kilter_canary_confident_hallucination_ratio{{{SCRAPED}}}", "facts: {{domain}}"),
            query(f"kilter_canary_insecure_code_ratio{{{SCRAPED}}}", "code"),
            query(f"kilter_canary_confident_hallucination_ratio_low{{{SCRAPED}}}", "facts: {{domain}} (lower end)"),
            query(f"kilter_canary_insecure_code_ratio_low{{{SCRAPED}}}", "code (lower end)"),
            overrides=[dashed(r"/\(lower end\)$/")],
        ),
    ]


def asking() -> list[Json]:
    """Coverage, exposure, budget."""
    return [
        graph(
            "What came of the canaries",
            "Canaries a second by outcome. `error` and `inconclusive` are no failures of the model, and in no ratio; many of "
            "them make every number above weaker.",
            "cps",
            query(rate("kilter_canary_probes_total", "outcome"), "{{outcome}}"),
        ),
        graph(
            "Due and not asked",
            "Canaries a second that were left out, by reason. `busy`: users were served first. `budget`: the tokens of the day or "
            "minute are spent. `circuit_open`: the server is left alone after errors.",
            "cps",
            query(rate("kilter_canary_skipped_total", "reason"), "{{reason}}"),
        ),
        graph(
            "Decided, by group",
            "Decided canaries of each group in the window. A group at 0 says nothing, and its silence is no pass.",
            "short",
            query(f"kilter_canary_group_decided{{{SCRAPED}}}", "{{group}}"),
        ),
        graph(
            "Exposure",
            "Uses of the most used prompt of each suite, as a share of those after which its prompts are drawn anew. What has been "
            "asked often may have been learned; at 100% and above no fresh prompts came.",
            "percentunit",
            query(
                f'kilter_canary_exposure_max{{{SCRAPED}, suite=~"$suite"}}'
                f' / kilter_canary_exposure_limit{{{SCRAPED}, suite=~"$suite"}}',
                "{{suite}}",
            ),
            limits=(1,),
        ),
        table(
            "Rotation",
            "Of each suite the number of its epoch, how long epochs are, and when fresh prompts were last begun. Older than two "
            "epochs: rotation stands still.",
            [
                ("Epoch", f'max by (suite) (kilter_canary_epoch{{{SCRAPED}, suite=~"$suite"}})', _COUNT),
                ("Length", f'max by (suite) (kilter_canary_epoch_seconds{{{SCRAPED}, suite=~"$suite"}})', _SECONDS),
                (
                    "Age of the prompts",
                    f'time() - max by (suite) (kilter_canary_last_draw_timestamp_seconds{{{SCRAPED}, suite=~"$suite"}} > 0)',
                    _SECONDS,
                ),
            ],
            (12, 8),
        ),
        table(
            "Languages of the traffic",
            "Each language, its share of the traffic, and whether it has canaries. One that is much used and has none is seen by "
            "its own refusals only.",
            [
                ("Share", f"max by (language) (kilter_language_share{{{SCRAPED}}})", _RATIO),
                ("Canaries", f"max by (language) (kilter_language_covered{{{SCRAPED}}})", {"unit": "bool_yes_no"}),
            ],
            (12, 8),
        ),
        graph(
            "Tokens",
            "Tokens that canaries took, a second, and what is left of the day's budget.",
            "short",
            query(f"kilter_canary_budget_tokens_remaining{{{SCRAPED}}}", "left today {{instance}}"),
            query(rate("kilter_canary_tokens_total", "instance"), "a second {{instance}}"),
        ),
        graph(
            "Suite files",
            "Files as they are (`loaded`), in their last good form because they cannot be read now (`kept`), and never readable "
            "(`broken`).",
            "short",
            query(f"kilter_canary_suites{{{SCRAPED}}}", "{{state}} {{instance}}"),
        ),
    ]


def dashboard() -> Json:
    """The whole, as Grafana loads it."""
    seen = 'kilter_canary_probes_total{job=~"$job"}'
    return layout.dashboard(
        "kilter-canaries",
        "Kilter: what do the canaries say?",
        "What the model does with questions of Kilter's own: passed, paired gaps, whether they are known, and how many were asked.",
        [layout.variable("suite", "suite", seen), layout.variable("language", "language", seen)],
        events(),
        {
            "At a glance": at_a_glance(),
            "What is passed?": passed(),
            "Is it the same model?": variant_panels(),
            "Where is it worse?": [*gaps(), *evidence_panels()],
            "How much was asked?": asking(),
        },
    )
