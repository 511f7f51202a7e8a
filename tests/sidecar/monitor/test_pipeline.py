"""From a record of the ring to what exporters are told."""

import json

from prometheus_client import CollectorRegistry

from detectors.catalog import behaviours
from detectors.features.classifier import classifier, kept
from detectors.features.memory import Memory
from detectors.records.behaviour import Behaviour
from sidecar.export.labels import Labels, Limits
from sidecar.export.prometheus import PrometheusExporter
from sidecar.gateway.capture import Capture
from sidecar.monitor.pipeline import Pipeline
from sidecar.monitor.tally import Tally
from sidecar.monitor.ticks import Rates
from sidecar.wire.base import formats

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class House:
    """A pipeline with its exporters, and a way to put an exchange into it."""

    def __init__(self, watched=None, **limits):
        self.registry = CollectorRegistry()
        self.rates = Rates(60, 3600)
        exporter = PrometheusExporter(self.registry, [wire.name for wire in formats()], self.rates.totals)
        self.tally = Tally()
        watched = behaviours() if watched is None else watched
        labels = Labels(watched, Limits(**limits), exporter.overflow)
        self.pipeline = Pipeline(watched, labels, self.rates, [exporter, self.tally], Memory(1), judge=self.judge)
        self.judged = []

    def judge(self, sighting, observations, measurements):
        self.judged.append((sighting, observations, measurements))

    def value(self, name, **labels):
        return self.registry.get_sample_value(name, labels)

    def exchange(self, answer, *, model="m", asked=None, status=200, path="/v1/chat/completions"):
        said = asked or [{"role": "user", "content": "Could you explain how bread rises in the oven?"}]
        request = {"model": "asked", "messages": said}
        body = {
            "id": "x",
            "model": model,
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": answer}}],
        }
        self.record(json.dumps(request).encode(), json.dumps(body).encode(), status, path)

    def record(self, request, response, status=200, path="/v1/chat/completions"):
        capture = Capture(
            method="POST", path=path, request_headers=(("content-type", "application/json"), ("traceparent", TRACE)), request_body=request,
            request_truncated=False, status=status, response_headers=(("content-type", "application/json"),),
            response_body=response, response_omitted=0, response_head_bytes=len(response), started_at_s=1000.0,
            request_sent_s=0.1, first_byte_s=0.2, finished_s=0.3, arrivals=((0, 0.2),), conversation_key="ab" * 8,
            key_kind="first_message", user_key=None, app="", inclusion_probability=1.0, ended="complete", protocol="openai.chat" if path.endswith("/chat/completions") else "",
        )  # fmt: skip
        self.pipeline.process(b"".join(capture.to_parts()))


def test_an_answer_is_counted_by_model_label_language_and_stratum():
    house = House()
    house.exchange("I'm sorry, but I can't help with that.")
    house.exchange("Yeast eats sugar and makes gas, which is caught in the dough and lifts it while it bakes.")
    assert house.value("kilter_responses_total", model="m", label="refusal") == 1
    assert house.value("kilter_responses_total", model="m", label="compliance") == 1
    assert house.value("kilter_languages_total", language="en") == 2
    assert house.value("kilter_observations_total", behaviour="refusal_by_length", stratum="1", model="m") == 2
    assert house.value("kilter_rate", behaviour="refusal_by_length", stratum="1", model="m") == 0.5
    assert house.tally.labels["m"]["refusal"] == 1


def test_a_damaged_record_and_a_failing_behaviour_lose_one_exchange_each_and_are_counted_by_stage():
    def fails(*_):
        raise RuntimeError

    house = House([Behaviour("fails", "?", "", "", "", fails)])
    house.pipeline.process(b"not a capture")
    house.exchange("Yes.")
    assert house.value("kilter_analysis_errors_total", stage="capture") == 1
    assert house.value("kilter_analysis_errors_total", stage="behaviours") == 1
    assert house.tally.read == 0


def test_an_exchange_that_no_format_reads_is_counted_as_opaque():
    house = House()
    house.record(b"{}", b"{}", path="/v1/embeddings")
    assert house.value("kilter_opaque_exchanges_total") == 1


def test_models_past_the_limit_and_names_only_a_failed_request_gave_are_other():
    house = House(top_models=2)
    for model in ("a", "b", "c"):
        house.exchange("Yes, of course, here it is.", model=model)
    house.record(b'{"model": "flood", "messages": []}', b'{"error": {"message": "no such model"}}', status=404)
    assert set(house.tally.labels) == {"a", "b", "other"}
    assert house.value("kilter_label_overflow_total", label="model") == 1


def test_an_error_of_the_model_server_is_no_answer():
    house = House()
    house.record(b'{"model": "m", "messages": []}', b'{"error": {"message": "overloaded"}}', status=503)
    assert sum(sum(labels.values()) for labels in house.tally.labels.values()) == 0
    assert house.rates.totals() == {}


def test_what_is_judged_says_where_in_its_conversation_an_exchange_stands_and_how_to_find_it():
    house = House()
    turn = [{"role": "user", "content": "How does bread rise?"}, {"role": "assistant", "content": "By yeast."}]
    house.exchange("In the oven it rises once more.", asked=[*turn, {"role": "user", "content": "And in the oven?"}])
    (sighting, observations, measurements) = house.judged[0]
    assert (sighting.turn, sighting.at_s, sighting.model, sighting.recognised) == (2, 1000.0, "m", True)
    assert (sighting.response_id, sighting.trace_id) == ("x", "4bf92f3577b34da6a3ce929d0e0e4736")
    assert ("refusal_by_length", "2-3") in {(seen.feature, seen.stratum) for seen in observations}
    assert "response_length" in {taken.feature for taken in measurements}


def test_an_error_in_judging_is_counted_and_the_exchange_is_told_to_exporters_all_the_same():
    house = House()
    house.judge = lambda *_: 1 / 0
    house.pipeline._judge = house.judge
    house.exchange("Yes.")
    assert house.value("kilter_analysis_errors_total", stage="judgement") == 1
    assert house.tally.read == 1


def test_an_earlier_classifier_judges_the_same_exchanges_beside_this_one():
    house, before = House(), []
    earlier = classifier(min(kept()))
    house.pipeline._earlier = lambda: (earlier, lambda *seen: before.append(seen))
    house.exchange("I'm sorry, but I can't help with that.")
    (sighting, observations, measurements) = before[0]
    assert sighting == house.judged[0][0]
    assert {(one.feature, one.stratum) for one in observations} >= {("refusal_by_length", "1")}
    assert next(one.value for one in observations if one.feature == "refusal_by_length") == 1.0
    assert measurements == house.judged[0][2]
