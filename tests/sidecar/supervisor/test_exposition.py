"""The workers' counters reach the exposition whole."""

from prometheus_client.parser import text_string_to_metric_families

from sidecar.gateway.counters import Counters, schema, size_bytes
from sidecar.supervisor import exposition

METRICS = schema(["openai.chat"])


def block():
    return Counters(METRICS, memoryview(bytearray(size_bytes(METRICS))).cast("d"))


def samples(*workers):
    text = exposition.text(exposition.registry(exposition.DataPlane(METRICS, workers))).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counts_of_all_workers_are_summed_and_every_series_exists_from_the_start():
    one, two = block(), block()
    for worker in (one, two):
        worker.add(worker.cell("kilter_requests_total", "openai.chat", "2xx"), 3)
    seen = samples(one, two)
    assert seen["kilter_requests_total", (("protocol", "openai.chat"), ("status_class", "2xx"))] == 6
    assert seen["kilter_requests_total", (("protocol", "opaque"), ("status_class", "5xx"))] == 0


def test_histogram_buckets_are_cumulative_and_count_and_sum_agree():
    worker = block()
    cell = worker.cell("kilter_request_duration_seconds", "openai.chat")
    for value in (0.004, 0.02, 0.02, 1000.0):
        worker.observe(cell, value)
    seen = samples(worker)

    def bucket(bound):
        return seen["kilter_request_duration_seconds_bucket", (("le", bound), ("protocol", "openai.chat"))]

    assert [bucket("0.005"), bucket("0.01"), bucket("0.025"), bucket("300.0"), bucket("+Inf")] == [1, 1, 3, 3, 4]
    labels = (("protocol", "openai.chat"),)
    assert seen["kilter_request_duration_seconds_count", labels] == 4
    assert abs(seen["kilter_request_duration_seconds_sum", labels] - 1000.044) < 1e-9


def test_the_least_inclusion_probability_of_all_workers_is_shown():
    one, two = block(), block()
    one.set(one.cell("kilter_inclusion_probability"), 1.0)
    two.set(two.cell("kilter_inclusion_probability"), 0.25)
    assert samples(one, two)["kilter_inclusion_probability", ()] == 0.25


def test_the_block_of_a_worker_that_has_not_begun_does_not_say_that_nothing_is_looked_at():
    one, spare = block(), block()
    one.set(one.cell("kilter_inclusion_probability"), 0.5)
    assert samples(one, spare)["kilter_inclusion_probability", ()] == 0.5
    assert samples(spare)["kilter_inclusion_probability", ()] == 0.0


def test_a_new_worker_on_a_dead_ones_block_keeps_counts_and_drops_gauges():
    worker = block()
    worker.add(worker.cell("kilter_client_disconnects_total"))
    worker.set(worker.cell("kilter_inflight_requests"), 5)
    worker.reset_gauges()
    seen = samples(worker)
    assert (seen["kilter_client_disconnects_total", ()], seen["kilter_inflight_requests", ()]) == (1, 0)
