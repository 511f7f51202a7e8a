"""Canary metrics: names and closed labels are there from the start, values when they are known."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from sidecar.canary import diagnosis, evidence, variants
from sidecar.export.canaries import GAP_STATES, SKIPS, Canaries, CanaryCollector, GapPoints, PassRatio, shown
from sidecar.export.variants import (
    CAUSES,
    EVIDENCE_STATES,
    KINDS,
    STATES,
    CellEvidence,
    DeltaRatio,
    DriftCause,
    Variants,
)

GAP = GapPoints("language", "bn", "", 12.0, 3.0, 20.0, 11.0, 60, "exceeded")
DEPTH = GapPoints("depth", "", "16", 1.0, -5.0, 6.0, 12.0, 18, "ok")


def exposed(canaries):
    registry = CollectorRegistry()
    registry.register(CanaryCollector(lambda: canaries))
    text = generate_latest(registry).decode()
    return list(text_string_to_metric_families(text)), registry.get_sample_value


def test_while_canaries_are_off_every_family_is_there_and_claims_nothing():
    families, value = exposed(Canaries())
    assert {family.name for family in families} == {
        family.name for family in exposed(Canaries(enabled=True, gaps=[GAP]))[0]
    }
    assert value("kilter_canary_enabled") == value("kilter_canary_up") == 0
    assert value("kilter_canary_insecure_code_ratio") is None
    assert value("kilter_language_coverage_ratio") is None
    assert [value("kilter_canary_skipped_total", {"reason": reason}) for reason in SKIPS] == [0] * len(SKIPS)


def test_a_gap_stands_in_points_with_its_interval_what_is_detectable_and_one_state():
    _, value = exposed(Canaries(enabled=True, gaps=[GAP, DEPTH]))
    labels = {"axis": "language", "language": "bn", "step": ""}
    shown = (
        ("kilter_canary_gap_points", "_low", "_high"),
        ("kilter_canary_gap_detectable_points", "kilter_canary_gap_pairs"),
    )
    assert [value(shown[0][0] + end, labels) for end in ("", *shown[0][1:])] == [12, 3, 20]
    assert [value(name, labels) for name in shown[1]] == [11, 60]
    states = {state: value("kilter_canary_gap_state", {**labels, "state": state}) for state in GAP_STATES}
    assert states == {"ok": 0, "watch": 0, "exceeded": 1, "insufficient_n": 0}
    assert value("kilter_canary_gap_points", {"axis": "depth", "language": "", "step": "16"}) == 1


def test_a_name_that_a_server_gave_is_shown_only_where_it_is_one():
    assert [shown(name) for name in ("", "a/b:c-1", 'x"y', "é", "x" * 101, "\n")] == ["", "a/b:c-1", *["other"] * 4]


def test_ratios_counts_and_budget_stand_under_closed_labels():
    cell = ("mine", "agentic", "en")
    canaries = Canaries(
        enabled=True,
        asking=True,
        probes={(*cell, "pass"): 3, (*cell, "fail"): 0},
        skipped={"busy": 2},
        ratios={cell: PassRatio(0.75, 0.2, 0.95, 4)},
        valid={"agentic": 4, "multilingual": 0},
        goodhart={"adversarial": 12.5},
        hallucination={"medical": 0.25},
        insecure_code=0.5,
        last_success={"mine": 0.0},
        exposure={"mine": 2},
        tokens_a_day=100,
        tokens_left=40,
        tokens=60,
        suites={"loaded": 3},
        covered=0.9,
        variants=Variants(last=("m", "f", "1"), parent="base", changes={"silent": 1}),
    )
    _, value = exposed(canaries)
    labels = dict(zip(("suite", "group", "language"), cell, strict=True))
    assert value("kilter_canary_probes_total", {**labels, "outcome": "fail"}) == 0
    assert value("kilter_canary_pass_ratio", labels) == 0.75
    assert value("kilter_canary_decided", labels) == 4
    assert value("kilter_canary_group_decided", {"group": "multilingual"}) == 0
    assert value("kilter_canary_goodhart_gap_points", {"group": "adversarial"}) == 12.5
    assert value("kilter_canary_confident_hallucination_ratio", {"domain": "medical"}) == 0.25
    assert value("kilter_canary_insecure_code_ratio") == 0.5
    assert value("kilter_canary_last_success_timestamp_seconds", {"suite": "mine"}) == 0
    assert value("kilter_canary_budget_tokens_remaining") == 40
    assert value("kilter_canary_suites", {"state": "broken"}) == 0
    assert (
        value("kilter_model_variant_info", {"model": "m", "fingerprint": "f", "generation": "1", "parent": "base"}) == 1
    )
    assert value("kilter_model_variant_changes_total", {"kind": "declared"}) == 0
    assert value("kilter_language_coverage_ratio") == pytest.approx(0.9)


def test_what_a_change_did_and_why_an_alarm_came_stand_under_closed_labels():
    delta = DeltaRatio("adversarial", (0.2, 0.05, 0.4), (0.25, 0.06, 0.5), 20, "exceeds_point", adversarial=True)
    never = DeltaRatio("other", (0.0, -0.1, 0.1), (float("nan"),) * 3, 6, "insufficient", adversarial=False)
    canaries = Canaries(
        variants=Variants(
            state="silent_change",
            evidence=1e6,
            stale=12,
            deltas=[delta, never],
            weighed=[CellEvidence("depth:16", 4.0, "confirmed")],
            causes=[DriftCause("refusal_by_length", "8-15", "m", "users", 60, 0.2)],
        ),
        languages={"tr": (0.4, True), "fi": (0.1, False)},
        pass_hat_k={1: 0.9, 2: 0.8},
        judge_drift=0.25,
        epoch={"mine": 2900},
    )
    _, value = exposed(canaries)
    assert value("kilter_model_variant_state", {"state": "silent_change"}) == 1
    assert [value("kilter_model_variant_state", {"state": state}) for state in STATES].count(1) == 1
    assert value("kilter_model_variant_evidence") == 6
    assert value("kilter_canary_stale_probes") == 12
    assert value("kilter_canary_finetune_delta", {"category": "adversarial", "mode": "relative"}) == 0.25
    assert value("kilter_canary_finetune_delta_low", {"category": "adversarial", "mode": "points"}) == 0.05
    assert value("kilter_canary_finetune_delta", {"category": "other", "mode": "relative"}) is None
    assert value("kilter_canary_finetune_verdict", {"category": "adversarial", "verdict": "exceeds_point"}) == 1
    assert value("kilter_canary_evidence", {"cell": "depth:16"}) == 4
    assert value("kilter_canary_evidence_state", {"cell": "depth:16", "state": "watch"}) == 0
    alarm = {"behaviour": "refusal_by_length", "stratum": "8-15", "model": "m"}
    assert value("kilter_drift_cause", {**alarm, "cause": "users"}) == 1
    assert value("kilter_drift_cause", {**alarm, "cause": "model"}) == 0
    assert value("kilter_drift_cause_pairs", alarm) == 60
    assert value("kilter_language_covered", {"language": "fi"}) == 0
    assert value("kilter_language_share", {"language": "tr"}) == 0.4
    assert value("kilter_canary_pass_hat_k", {"k": "2"}) == 0.8
    assert value("kilter_judge_drift_ratio") == 0.25
    assert value("kilter_canary_epoch", {"suite": "mine"}) == 2900
    assert canaries.to_dict()["variants"]["deltas"][1]["relative"] == [None] * 3


def test_the_closed_sets_are_those_of_the_canaries():
    assert (KINDS, STATES, CAUSES, EVIDENCE_STATES) == (
        variants.KINDS,
        variants.STATES,
        diagnosis.CAUSES,
        evidence.STATES,
    )
