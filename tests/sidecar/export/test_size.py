"""A scrape of 500 strata stays below a megabyte, also where every one is tested and models are named as hubs name them."""

import itertools

from prometheus_client import CollectorRegistry

from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation
from detectors.records.verdict import Verdict
from sidecar.export.base import Seen
from sidecar.export.exposition import Exposition
from sidecar.export.prometheus import PrometheusExporter
from sidecar.export.verdicts import Judged, VerdictCollector

MODELS = [f"meta-llama/Llama-3.{number}-70B-Instruct" for number in range(10)]
LANGUAGES, TURNS = ("ar", "de", "en", "es", "fr", "hi", "id", "ja", "ko", "pt"), ("1", "2-3", "4-7")
STRATA = [
    *(("refusal_by_language", language) for language in LANGUAGES),
    *(("refusal_by_length", turns) for turns in (*TURNS, "8-15", "16+")),
    *(("refusal_by_language_and_length", f"{language}:{turns}") for language in LANGUAGES for turns in TURNS),
    *((behaviour, "overall") for behaviour in ("refusal_by_language", "refusal_by_length", "hollow_refusal")),
    ("hollow_refusal", "1"),
    ("tool_transition", "start>search"),
]
SERIES = [(*stratum, model) for stratum, model in itertools.product(STRATA, MODELS)]
REST_BYTES = 66_000
"""The data plane, canaries and everything else that does not grow with strata: what a Kilter without traffic shows."""


def judged():
    numbers = {"e_value": 12.3456789, "decision_interval": 654321.9, "estimate": 0.1234567, "reference": 0.1023456}
    ends = {"difference": 0.0211111, "interval_low": -0.0123456, "interval_high": 0.0456789}
    verdicts = [
        Verdict(*series, "in_control", 0.0, "", **numbers, **ends, users=310.123456, baseline_id="id")
        for series in SERIES
    ]
    return Judged(
        verdicts=verdicts, gaps=[], heard={}, alarms={}, left_out={}, invalid_ticks={}, ticks=1, unfinished=0, suppressed=0,
        judged_until_s=0.0, baseline_id="id", classifier="c", baseline_state="in_use", baseline_ready=False, budget=0.007,
        store_errors=0, annotations=0, acknowledged={}, detectable=dict.fromkeys(SERIES, 0.0625),
    )  # fmt: skip


def test_500_tested_strata_of_ten_models_with_long_names_take_less_than_a_megabyte():
    registry = CollectorRegistry()
    now = judged()
    registry.register(VerdictCollector(lambda: now))
    exporter = PrometheusExporter(registry, ["openai.chat"], lambda: dict.fromkeys(SERIES, (37.0, 412)))
    nothing = Features((), "en", "en", "1", "none", "no_tools")
    for behaviour, stratum, model in SERIES:
        seen = Observation(behaviour, stratum, 1.0, "c", None, 0.0)
        exporter.exchange(Seen(Exchange("chat", "openai"), nothing, (seen,), model, "en", "openai.chat"))
    text = Exposition(registry).text()
    created = sum(len(line) + 1 for line in text.splitlines() if b"_created" in line)  # a running monitor has none
    assert text.count(b"\nkilter_rate_reference{") == len(SERIES) == 500
    assert len(text) - created + REST_BYTES < 1_000_000
