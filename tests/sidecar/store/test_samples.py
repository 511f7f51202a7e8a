"""Samples are read with the operator's key alone, no longer than their time, in no more than their room."""

import os
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.store.samples import PARTS, SampleError, SampleStore, sample_key, samples

KEY, NOW, DAY = bytes(range(32)), 1_700_000_000.0, 86400.0
ROOM = 1 << 20


def store(directory, **changed):
    given_ = {"key": KEY, "ttl_s": DAY, "max_bytes": ROOM, **changed}
    return SampleStore(directory, **given_)


def kept(directory, key=KEY):
    return list(samples(directory, key))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=2000), st.floats(0, DAY / 2)), max_size=20))
def test_what_was_kept_is_read_again_in_its_order_whatever_it_holds_and_however_often_it_begins_anew(
    tmp_path_factory, given_
):
    directory = tmp_path_factory.mktemp("samples")
    one, at_s = store(directory), NOW
    for number, (sample, later_s) in enumerate(given_):
        if number % 5 == 4:
            one.close()
            one = store(directory)
        at_s = min(at_s + later_s, NOW + DAY - 1)
        one.append(sample, at_s)
    one.close()
    assert kept(directory) == [sample for sample, _ in given_]
    assert one.held_bytes == sum(path.stat().st_size for path in directory.iterdir())


def test_no_text_can_be_read_without_the_key_and_nobody_else_may_open_the_files(tmp_path):
    one = store(tmp_path / "own")
    for number in range(20):
        one.append(b"the very secret text, %d" % number, NOW)
        one.append(b"the same", NOW)
    (path,) = (tmp_path / "own").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    raw = path.read_bytes()
    assert b"secret" not in raw
    assert raw.count(raw[24 + 4 + 40 : 24 + 4 + 60]) == 1
    with pytest.raises(SampleError, match="sample 1 was kept under another key, or changed"):
        kept(tmp_path / "own", bytes(32))


@pytest.mark.parametrize("at", [30, 60, -1])
def test_a_changed_byte_is_found(tmp_path, at):
    one = store(tmp_path)
    for text in (b"first", b"second"):
        one.append(text, NOW)
    (path,) = tmp_path.iterdir()
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(SampleError, match="another key, or changed"):
        kept(tmp_path)


def test_what_a_stop_has_cut_off_is_left_out_and_the_rest_is_read(tmp_path):
    one = store(tmp_path)
    for text in (b"first", b"second"):
        one.append(text, NOW)
    (path,) = tmp_path.iterdir()
    for size in range(path.stat().st_size):
        os.truncate(path, path.stat().st_size - 1)
        assert kept(tmp_path) == ([b"first"] if path.stat().st_size >= 24 + 4 + 5 + 16 else []), size
    store(tmp_path).append(b"third", NOW + 1)
    assert kept(tmp_path) == [b"third"]


def test_nothing_is_kept_longer_than_its_time_also_without_anything_new(tmp_path):
    one = store(tmp_path)
    for hour in range(48):
        one.append(b"%d" % hour, NOW + 3600 * hour)
        assert {int(sample) for sample in kept(tmp_path)} <= set(range(hour - 23, hour + 1))
    assert len(kept(tmp_path)) >= 24 - 24 // PARTS - 1
    one.expire(NOW + 3600 * 47 + DAY)
    assert kept(tmp_path) == []
    assert one.held_bytes == 0


def test_a_clock_that_was_set_back_keeps_nothing_longer(tmp_path):
    one = store(tmp_path)
    one.append(b"from the future", NOW + 10 * DAY)
    one.append(b"now", NOW)
    assert kept(tmp_path) == [b"now"]


def test_the_oldest_makes_room_and_all_never_take_more(tmp_path):
    one = store(tmp_path)
    for number in range(400):
        one.append(b"%6d" % number + bytes(10_000), NOW + number)
        assert one.held_bytes == sum(path.stat().st_size for path in tmp_path.iterdir()) <= ROOM
    numbers = [int(sample[:6]) for sample in kept(tmp_path)]
    assert numbers == list(range(numbers[0], 400))
    assert len(numbers) * 10_000 > 0.8 * ROOM
    with pytest.raises(ValueError, match="need at most"):
        one.append(bytes(one.most_bytes + 1), NOW + 400)
    one.append(bytes(one.most_bytes), NOW + 400)
    assert one.held_bytes <= ROOM


def test_other_files_of_the_directory_are_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    one = store(tmp_path)
    one.append(b"x", NOW)
    one.expire(NOW + 2 * DAY)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_key_that_is_none_is_named_without_its_content(tmp_path):
    file = tmp_path / "key"
    with pytest.raises(SampleError, match="cannot be read: No such file"):
        sample_key(str(file))
    for text in ("", "hunter2", "ab" * 31, "äö"):
        file.write_text(text)
        with pytest.raises(SampleError, match=r"need 32 bytes as hex \(openssl rand -hex 32\)$") as error:
            sample_key(str(file))
        assert not text or text not in str(error.value)
    file.write_text(KEY.hex() + "\n")
    assert sample_key(str(file)) == KEY
