"""What a fleet's monitor keeps goes to the next one whole, and what is none is refused."""

import zlib

import pytest

from detectors.records.baseline import Baseline, Layer, Reference
from detectors.records.verdict import Alarm, Example, Verdict
from sidecar.store.base import Acknowledgement, Annotation, StoreError
from sidecar.store.redis import RedisStore

REFERENCE = Reference("refusal_by_length", "1", "m", (Layer("1", 5, 100),), 60.0, 1.0, 1.1, 0.9, 0.01)
BASELINE = Baseline((REFERENCE,), (), 60.0, 1440, 1, 0.0, 86400.0, 86400.0, "digest", 1)
ALARM = Alarm("a1", Verdict("refusal_by_length", "1", "m", "out_of_control", 9.0, "text"), (Example(8.0, "r", "", ""),))


def copy_of(store, generation=7):
    """As it comes back from the server: bytes."""
    fields = {name.encode(): value for name, value in store.document("id").items()}
    baselines = {name.encode(): value for name, value in store.unsaved_baselines(every=True).items()}
    return {**fields, b"generation": str(generation).encode(), b"next": b"9"}, baselines


def test_what_is_kept_comes_back_in_another_process():
    store = RedisStore()
    assert store.saved() is None
    store.save("first", 1.0, clean=True)
    store.save("second", 2.0, clean=True)
    store.keep_baseline(BASELINE)
    store.keep_alarm(ALARM)
    store.annotate(Annotation(3.0, "new prompt"))
    store.acknowledge(Acknowledgement("a1", 4.0, "Ada", "routed elsewhere"))
    store.acknowledge(Acknowledgement("a1", 5.0, "Ada", "rolled back"))
    again = RedisStore()
    again.load(*copy_of(store))
    assert (again.saved().text, again.saved().clean, again.generation) == ("second", True, 7)
    assert again.baselines() == [BASELINE]
    assert again.alarms(5)[0].examples == ALARM.examples
    assert again.annotations(5) == [Annotation(3.0, "new prompt")]
    assert again.acknowledgements(5) == [Acknowledgement("a1", 5.0, "Ada", "rolled back")]


def test_a_baseline_is_sent_once_and_all_of_them_where_the_copy_is_lost():
    store = RedisStore()
    store.keep_baseline(BASELINE)
    store.baselines_saved(store.unsaved_baselines())
    assert store.unsaved_baselines() == {}
    assert list(store.unsaved_baselines(every=True)) == [BASELINE.id]


def test_an_alarm_that_was_told_is_not_told_by_the_next_monitor():
    store, again = RedisStore(), RedisStore()
    assert store.new_alarms([ALARM]) == [ALARM]
    again.load(*copy_of(store))
    assert again.new_alarms([ALARM]) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"state", b"planted"),
        (b"state", zlib.compress(b"\xff")),
        (b"records", b"planted"),
        (b"records", zlib.compress(b"[1]")),
        (b"records", zlib.compress(b'{"alarms": [{"planted": 1}]}')),
        (b"generation", b"planted"),
    ],
)
def test_what_is_none_is_refused_without_being_quoted(field, value):
    fields, baselines = copy_of(RedisStore())
    with pytest.raises(StoreError) as raised:
        RedisStore().load({**fields, field: value}, baselines)
    assert "planted" not in str(raised.value)
