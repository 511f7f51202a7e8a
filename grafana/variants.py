"""Panels about the model that answers canaries: whether it is the same, and what its last change did."""  # noqa: INP001 - beside the script that uses it, no package

from __future__ import annotations

from panels import AMBER, BLUE, GREEN, RED, SCRAPED, Json, dashed, graph, query, table, timeline
from verdicts import coded

STATES = ("unknown", "same", "declared_change", "silent_change")
_WORDS = {
    0: ("not known yet", BLUE),
    1: ("the same", GREEN),
    2: ("changed, as it says", AMBER),
    3: ("changed silently", RED),
}
_COUNT: Json = {"unit": "short", "decimals": 0}
_RATIO: Json = {"unit": "percentunit", "decimals": 1}


def variant_panels() -> list[Json]:
    """The model."""
    return [
        timeline(
            "Is it the model that was learned?",
            "By what its replies say, and by how it answers a fixed set of questions. Changed silently: it answers otherwise, and "
            "says that it is the same. A change is shown for a day.",
            query(coded("kilter_model_variant_state", SCRAPED, STATES, "instance"), "{{instance}}"),
            _WORDS,
            (12, 8),
        ),
        graph(
            "Evidence of a silent change",
            "log10 of the evidence that the model no longer answers as it did. A change is told at 5 (line).",
            "none",
            query(f"kilter_model_variant_evidence{{{SCRAPED}}}", "{{instance}}"),
            limits=(5,),
        ),
        table(
            "Which model answered",
            "Model and fingerprint as the server says them of itself, how often it has changed silently (generation), and what it "
            "was tuned from. Scores belong to the variant that earned them.",
            [
                (
                    "Now",
                    f"max by (instance, model, fingerprint, generation, parent) (kilter_model_variant_info{{{SCRAPED}}})",
                    _COUNT,
                )
            ],
            (12, 8),
        ),
        graph(
            "Changes of the model",
            "Times that another model, or another build of it, answered canaries since the monitor's start, and probes of the "
            "window that another variant answered: they are in no figure here.",
            "short",
            query(f"kilter_model_variant_changes_total{{{SCRAPED}}}", "{{kind}} {{instance}}"),
            query(f"kilter_canary_stale_probes{{{SCRAPED}}}", "stale probes {{instance}}"),
        ),
        graph(
            "What the last change did",
            "Drop of the pass ratio at the last change, by category: relative to what it was (solid), and in points (dashed). Beyond "
            "15% either way it asks for a review (line). `being measured` is 1 while both are still asked.",
            "percentunit",
            query(f'kilter_canary_finetune_delta{{{SCRAPED}, mode="relative"}}', "{{category}}"),
            query(f'kilter_canary_finetune_delta{{{SCRAPED}, mode="points"}}', "{{category}} (points)"),
            query(f"kilter_canary_comparing{{{SCRAPED}}}", "being measured {{instance}}"),
            signed=True,
            limits=(0.15,),
            overrides=[dashed(r"/\\(points\\)$/")],
        ),
        table(
            "The last change in numbers",
            "Of each category the relative drop with its 95% interval, and on how many families it rests. An interval that holds 0 "
            "says that nothing need have changed. Empty until a change was measured.",
            [
                ("Drop", f'max by (category) (kilter_canary_finetune_delta{{{SCRAPED}, mode="relative"}})', _RATIO),
                ("from", f'max by (category) (kilter_canary_finetune_delta_low{{{SCRAPED}, mode="relative"}})', _RATIO),
                ("to", f'max by (category) (kilter_canary_finetune_delta_high{{{SCRAPED}, mode="relative"}})', _RATIO),
                ("Families", f"max by (category) (kilter_canary_finetune_units{{{SCRAPED}}})", _COUNT),
            ],
            (12, 8),
        ),
    ]


def evidence_panels() -> list[Json]:
    """How sure the canaries are of it."""
    return [
        graph(
            "Evidence of gaps and changes",
            "log10 of the e-value of each gap or change, over its flips. Watch from 1.3 on (line); what is confirmed over all of "
            "them together, within the canaries' share of the false-alarm budget, says its state.",
            "none",
            query(f"kilter_canary_evidence{{{SCRAPED}}}", "{{cell}}"),
            signed=True,
            limits=(1.3,),
        ),
        table(
            "Evidence in numbers",
            "Gaps and changes that are watched or confirmed; none here: nothing is.",
            [
                ("log10 e", f"max by (cell) (kilter_canary_evidence{{{SCRAPED}}})", {"unit": "none", "decimals": 2}),
                (
                    "Confirmed",
                    f'max by (cell) (kilter_canary_evidence_state{{{SCRAPED}, state="confirmed"}})',
                    {"unit": "bool_yes_no"},
                ),
            ],
            (12, 8),
        ),
    ]
