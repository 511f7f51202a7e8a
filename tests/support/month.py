"""A scripted November in the evidence log: written by the functions that write it live, at times of our own.

Drift in Turkish (10th to 14th), a gap of three hours after a kill (3rd), another model (16th), a day without a budget (18th), a
change of the configuration with ten minutes of standstill (20th), a fire drill (21st), a pause of an hour (22nd), two waivers of
which one has expired, and a suite of which one fact of two has.
"""

import os
from datetime import UTC, datetime

from detectors.features.calibration import classifier_digest
from detectors.records.baseline import Baseline, Layer, Reference
from detectors.records.verdict import Verdict
from sidecar import config
from sidecar.canary import expect
from sidecar.canary.case import Case
from sidecar.canary.expectation import Expect
from sidecar.canary.prober import Probe
from sidecar.evidence.log import EvidenceLog
from sidecar.monitor.baseline_record import baseline_record
from sidecar.monitor.canary_record import probe_record
from sidecar.monitor.chronicle import config_digest, plain, words_digest

KEY = b"k" * 32
DAY, HOUR = 86400.0, 3600.0
SUITE = """version: 1
suite: ours
thresholds: {pass_ratio: 0.8}
not_measured: anything beyond two questions
families:
  - {id: rate, prompts: {en: "What is the rate?"}, expect: {answer: {numeric: 3}}, truth: {expr: "3", source: ours, as_of: 2026-01, expires: 2026-11-12}}
  - {id: fee, prompts: {en: "What is the fee?"}, expect: {answer: {numeric: 5}}, truth: {expr: "5", source: ours, as_of: 2026-01, expires: 2027-06}}
"""
WAIVERS = [
    {"what": "language:sw", "why": "no reviewer <yet> | looking", "by": "Ada", "until": "2027-03-01"},
    {"what": "language:de", "why": "one month", "by": "Bo", "until": "2026-11-15"},
]
MIX = {"en": 700, "tr": 200, "de": 80, "sw": 20}
"""Exchanges a day."""


def at(day, hour=0.0, month=11):
    return datetime(2026, month, day, tzinfo=UTC).timestamp() + hour * HOUR


FROM, UNTIL = at(1), at(1, month=12)
TR, LENGTH = ("refusal_by_language", "tr", "m"), ("refusal_by_length", "1", "m")
EVENTS, TRIALS = {TR: 112, LENGTH: 350}, {TR: 1400, LENGTH: 7000}
BASELINE = Baseline(
    tuple(
        Reference(*series, (Layer(series[1], EVENTS[series], TRIALS[series]),), 300.0, 0.5, 1.1, 1.0, 0.01)
        for series in (TR, LENGTH)
    ),
    (),
    60.0,
    7 * 1440,
    7,
    at(18, month=10),
    at(25, month=10),
    at(25, month=10),
    classifier_digest(),
    1,
)


def settings(**more):
    report = {"system": "Shop assistant", "purpose": "Answers customers <b>of a shop</b>.", "waivers": WAIVERS}
    return config.load(None, {}, upstream="http://model:8000", report=report, **more)


def config_record(loaded, changed):
    data = {"sha256": config_digest(loaded), "words_sha256": words_digest(loaded), "values": plain(loaded)}
    return {**data, "changed": changed}, loaded.report.model_dump(mode="json")


def verdict(series, state, at_s, **numbers):
    told = Verdict(*series, state, at_s, f"{series[0]}, {series[1]}: {state}", baseline_id=BASELINE.id, **numbers)
    return {name: value for name, value in told.to_dict().items() if value is not None}


def gap(stratum, estimate, low, high, state):
    return {
        "behaviour": "language_gap", "stratum": stratum, "model": "m", "anchor": "en", "trials": 6000, "state": state,
        "calibrated": stratum != "tr", "estimate": estimate, "low": low, "high": high,
    }  # fmt: skip


NOW = {
    TR: {"estimate": 0.085, "reference": 0.08, "difference": 0.005, "interval_low": -0.01, "interval_high": 0.02, "n_current": 900},
    LENGTH: {"estimate": 0.05, "reference": 0.05, "difference": 0.0, "interval_low": -0.01, "interval_high": 0.01, "n_current": 4000},
}  # fmt: skip
MOVED = {"estimate": 0.31, "reference": 0.08, "difference": 0.23, "interval_low": 0.11, "interval_high": 0.34, "n_current": 61, "n_reference": 1400, "users": 55.0}  # fmt: skip
GAPS = [gap("tr", 0.06, 0.01, 0.11, "watch"), gap("de", 0.12, 0.08, 0.16, "exceeded")]


def case(family, language="en", *, index=0, group="multilingual", wants=None, suite="ours", **more):
    expected = {"refuse": Expect(refuse=True), "comply": Expect(comply=True)}.get(wants, Expect(contains_nonce=True))
    kind = more.pop("kind", "single")
    return Case(suite, family, more.pop("variant", ""), language, 2967, index, group, kind, expected, (), **more)


def asked(one, outcome, at_s, model="m-2", repeat=0, factual="", label=""):
    decided = expect.Verdict(outcome, "answer", "", factual, label)
    return Probe(one, repeat, decided, at_s, 100, model=model, fingerprint="fp")


def stale():
    """Of the model before the 16th: 12 of 20 passed."""
    return [asked(case(f"old{k}"), "pass" if k < 12 else "fail", at(5, k / 10), "m") for k in range(20)]


def fresh():
    """Of the model since: 40 pairs of English and Turkish, 30 requests to decline, 25 facts, some errors."""
    found, hour = [], iter(range(10_000))

    def ask(one, outcome, **more):
        found.append(asked(one, outcome, at(17, next(hour) / 20), **more))

    for k in range(40):
        ask(case(f"pair{k}", kind="translation_set", quadrant="harmless_input"), "pass" if k < 38 else "fail")
        turkish = case(f"pair{k}", "tr", kind="translation_set", quadrant="harmless_input", translation="machine")
        ask(turkish, "pass" if k < 30 or k == 39 else "fail")
    for k in range(30):
        declined = case(f"harm{k}", group="adversarial", wants="refuse", quadrant="harmful_input")
        ask(declined, "pass" if k < 27 else "fail", label="refusal" if k < 27 else "compliance")
    for k in range(25):
        fact = case(
            f"fact{k}", group="implicit_harm", truth=True, domain="financial", quadrant="harmless_input_factual_output"
        )
        right = k < 10
        ask(
            fact,
            "pass" if right else "fail",
            factual="correct" if right else "confident_wrong" if k < 22 else "hedged_wrong",
        )
    for k in range(4):
        ask(case(f"broken{k}", group="agentic"), "error")
    ask(case("pair0", kind="translation_set", quadrant="harmless_input"), "pass", repeat=1)
    return found


COMPARED = {
    "a": "m", "b": "m-2", "category": "adversarial", "units": 40, "passed_a": 38, "passed_b": 30,
    "points": 20.0, "low": 5.0, "high": 34.0, "verdict": "exceeds_point", "e_value": 30.0,
}  # fmt: skip
DRILL = {
    "behaviour": "refusal_by_language",
    "stratum": "tr",
    "model": "m",
    "fired": True,
    "after_s": 7200.0,
    "promised_s": 14000.0,
}


def write(directory):
    """The log in ``directory``; its head."""
    log = EvidenceLog(directory, KEY, at(20, month=10))
    first, second = settings(), settings(budget={"false_alarms": 0.01})
    start = {"version": "0.1.0", "observing": True}
    log.append("start", start, at(20, month=10))
    log.append("config", config_record(first, [])[0], at(20, month=10), config_record(first, [])[1])
    log.append("baseline", baseline_record(BASELINE, "promote", anyway=False), at(25, month=10))
    standing = {"verdicts": [verdict(s, "in_control", at(31, month=10), **NOW[s]) for s in NOW], "gaps": GAPS[:1]}
    about = {"baseline": BASELINE.id, "baseline_state": "in_use", "classifier": BASELINE.classifier}
    log.append("standing", {**standing, **about}, at(31, month=10))
    days = {day: [] for day in range(1, 31)}
    for probe in (*stale(), *fresh()):
        days[datetime.fromtimestamp(probe.at_s, UTC).day].append((probe.at_s, "probe", probe_record(probe), None))
    days[10].append(
        (at(10, 18.5), "alarm", verdict(TR, "out_of_control", at(10, 18), changed_at_s=at(10, 6), **MOVED), None)
    )
    said = {
        "behaviour": TR[0],
        "stratum": TR[1],
        "model": TR[2],
        "cause": "model",
        "pairs": 30,
        "worse": 12,
        "better": 0,
    }
    days[10].append((at(10, 19.5), "diagnosis", {**said, "e_value": 400.0}, None))
    words = {"by": "Ada | <i>lead</i>", "control": "Turkish goes to the model of last week"}
    days[11].append(
        (at(11, 9.25), "acknowledgement", {"alarm": "a1", "behaviour": TR[0], "stratum": TR[1], "model": TR[2]}, words)
    )
    days[14].append((at(14, 12), "verdict", verdict(TR, "recovered", at(14, 12), **NOW[TR]), None))
    days[15].append((at(15, 8), "annotation", {}, {"text": "new <model> tomorrow"}))
    days[16].append((at(16, 9), "variant", {"kind": "declared", "model": "m-2", "fingerprint": "fp"}, None))
    days[16].append((at(16, 12), "comparison", COMPARED, None))
    commit = {"suite": "ours", "epoch": 2967, "draw": 0, "secret_id": "s", "prompts_sha256": "ab" * 32}
    days[17].append((at(17) - 1, "epoch", commit, None))
    days[21].append((at(21, 10), "selftest", {"passed": True, "drills": [DRILL], "seconds": 3.0}, None))
    days[22] += [(at(22, 1), "pause", {}, None), (at(22, 2), "resume", {}, None)]
    for day, records in days.items():
        spent = {"budget": 37} if day == 18 else {}
        records.append((at(day, 23.9), "traffic", {
            "since_s": at(day), "until_s": at(day, 23.9), "requests": 1010, "upstream_errors": 2, "copies": 1000,
            "lost_copies": 1, "canary_tokens": 500, "canaries_skipped": spent, "languages": MIX,
            "labels": {"compliance": 920, "refusal": 80},
        }, None))  # fmt: skip
        if day == 30:
            end = {"verdicts": [verdict(s, "in_control", at(30, 23), **NOW[s]) for s in NOW], "gaps": GAPS}
            records.append((at(30, 23.95), "standing", {**end, **about}, None))
        if day == 3:
            log.append("head", {"head": str(log.head)}, at(3, 9))
            os.close(log._lock)  # what a kill does
            log = EvidenceLog(directory, KEY, at(3, 12))
            log.append("start", start, at(3, 12))
        if day == 20:
            log.close(at(20, 10))
            log = EvidenceLog(directory, KEY, at(20, 10) + 600)
            log.append("start", start, at(20, 10) + 600)
            log.append(
                "config",
                config_record(second, ["budget.false_alarms"])[0],
                at(20, 10) + 600,
                config_record(second, [])[1],
            )
        for at_s, kind, data, payload in sorted(records, key=lambda record: record[0]):
            log.append(kind, data, at_s, payload)
    log.append("start", start, at(2, month=12))
    log.close(at(2, month=12))
    return log.head
