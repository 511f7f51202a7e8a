"""Parts go through bytes unchanged, carry no word, and no bytes whatever raise anything but PartError."""

import contextlib
import zlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.records.measurement import Measurement
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.watch.parts import Part, Told
from sidecar.fleet import part_codec
from sidecar.fleet.part_codec import PartError, packed, unpacked

hashes = st.text("0123456789abcdef", min_size=16, max_size=16)
labels = st.sampled_from(["refusal_by_length", "1", "4-7|tr", "modèle", "other", ""])
times = st.floats(0, 4e9)


@st.composite
def told(draw):
    sighting = Sighting(
        draw(hashes),
        draw(labels),
        draw(times),
        draw(st.none() | st.integers(0, 500)),
        draw(st.none() | hashes),
        draw(st.booleans()),
        app=draw(labels),
        language=draw(labels),
    )
    who = (sighting.conversation, sighting.user, sighting.at_s)
    return Told(
        sighting,
        tuple(
            Observation(f, s, float(v), *who) for f, s, v in draw(st.lists(st.tuples(labels, labels, st.booleans())))
        ),
        tuple(Measurement(f, s, v, *who) for f, s, v in draw(st.lists(st.tuples(labels, labels, times)))),
    )


parts = st.builds(
    Part,
    st.integers(0, 1 << 40),
    st.lists(told(), max_size=5).map(tuple),
    st.dictionaries(labels, st.tuples(times, st.none() | times)),
    st.dictionaries(labels, st.integers(0, 9)),
    st.integers(0, 9),
    st.sampled_from([None, "losses", "restart"]),
)


@given(parts)
def test_a_part_comes_back_as_it_was(part):
    assert unpacked(packed(part)) == part


@given(st.binary())
def test_no_bytes_raise_anything_else(data):
    with pytest.raises(PartError):
        unpacked(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(parts, st.data())
def test_nor_does_a_part_in_which_something_was_changed(part, data):
    document = orjson.loads(zlib.decompress(packed(part)))
    document[data.draw(st.sampled_from(sorted(document)))] = data.draw(json_values)
    changed = zlib.compress(orjson.dumps(document))
    with contextlib.suppress(PartError):
        unpacked(changed)


def test_what_is_no_keyed_hash_does_not_leave_the_process():
    with pytest.raises(PartError, match="keyed hash"):
        packed(Part(1, (Told(Sighting("ada@example.org", "m", 1.0), (), ()),)))


def test_a_part_that_unpacks_to_more_than_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(part_codec, "MOST_BYTES", 1 << 20)
    with pytest.raises(PartError, match="too large"):
        unpacked(zlib.compress(bytes(2 << 20)))
