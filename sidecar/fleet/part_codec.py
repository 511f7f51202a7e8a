"""A part as bytes of the shared store: compressed JSON of labels, keyed hashes and numbers.

Series, models and languages are listed once and then named by their place. What is read was written by another
process and is checked; a part of more than ``MOST_BYTES`` is none.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Hashable
from typing import Any

import orjson

from detectors.records.measurement import Measurement
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.watch.parts import Part, Told
from detectors.watch.ticks import INVALID

FORMAT = 1
MOST_BYTES = 64 << 20
"""Unpacked."""
_LEVEL = 1  # hashes do not compress, and the rest does at any level
_HASH = re.compile(r"[0-9a-f]{1,64}")


class PartError(ValueError):
    """Bytes that are no part. ``str()`` quotes nothing of them."""


class _Places:
    """What has been listed, and where."""

    def __init__(self) -> None:
        self._places: dict[Hashable, int] = {}

    def of(self, item: Hashable) -> int:
        return self._places.setdefault(item, len(self._places))

    def listed(self) -> list[Any]:
        return list(self._places)


def packed(part: Part) -> bytes:
    """The bytes. ValueError where a conversation or user is no keyed hash: nothing else may leave the process."""
    labels, series = _Places(), _Places()
    told = []
    for one in part.told:
        sighting = one.sighting
        told.append(
            [
                sighting.at_s,
                _hash(sighting.conversation),
                None if sighting.user is None else _hash(sighting.user),
                sighting.turn,
                int(sighting.recognised),
                labels.of(sighting.model),
                labels.of(sighting.language),
                labels.of(sighting.app),
                [2 * series.of((seen.feature, seen.stratum)) + (seen.value >= 0.5) for seen in one.observations],
                [[series.of((taken.feature, taken.stratum)), taken.value] for taken in one.measurements],
            ]
        )
    document = {
        "format": FORMAT,
        "index": part.index,
        "seen": {model: list(times) for model, times in part.seen.items()},
        "left_out": part.left_out,
        "thinned": part.thinned,
        "invalid": part.invalid,
        "labels": labels.listed(),
        "series": series.listed(),
        "told": told,
    }
    return zlib.compress(orjson.dumps(document), _LEVEL)


def unpacked(data: bytes) -> Part:
    """The part. PartError where it is none."""
    try:
        document = orjson.loads(_inflated(data))
        _of_this_format(document["format"])
        labels = [_text(label) for label in document["labels"]]
        series = [(_text(feature), _text(stratum)) for feature, stratum in document["series"]]
        invalid = document["invalid"]
        return Part(
            index=int(document["index"]),
            told=tuple(_told(row, labels, series) for row in document["told"]),
            seen={model: (float(last), None if named is None else float(named)) for model, (last, named) in document["seen"].items()},
            left_out={_text(reason): int(count) for reason, count in document["left_out"].items()},
            thinned=int(document["thinned"]),
            invalid=invalid if invalid is None else next(one for one in INVALID if one == invalid),
        )  # fmt: skip
    except PartError:
        raise
    except (orjson.JSONDecodeError, zlib.error, KeyError, IndexError, TypeError, ValueError, AttributeError, StopIteration, OverflowError, RecursionError):  # fmt: skip
        raise PartError("bytes that are no part") from None


def _of_this_format(stated: Any) -> None:
    if stated != FORMAT:
        raise PartError("a part of another format")


def _told(row: list[Any], labels: list[str], series: list[tuple[str, str]]) -> Told:
    at_s, conversation, user, turn, recognised, model, language, app, events, values = row
    at_s, conversation = float(at_s), _hash(conversation)
    user = None if user is None else _hash(user)
    sighting = Sighting(
        conversation,
        _at(labels, model),
        at_s,
        None if turn is None else int(turn),
        user,
        bool(recognised),
        app=_at(labels, app),
        language=_at(labels, language),
    )
    shown = [(_at(series, event // 2), float(event % 2)) for event in events]
    taken = [(_at(series, place), float(value)) for place, value in values]
    return Told(
        sighting,
        tuple(Observation(feature, at, value, conversation, user, at_s) for (feature, at), value in shown),
        tuple(Measurement(feature, at, value, conversation, user, at_s) for (feature, at), value in taken),
    )


def _inflated(data: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    whole = unpacking.decompress(data, MOST_BYTES)
    if unpacking.unconsumed_tail or not unpacking.eof:
        raise PartError("a part that is too large, or cut")
    return whole


def _at(items: list[Any], place: int) -> Any:
    if place < 0:
        raise PartError("a place that is none")
    return items[place]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise PartError("a label that is none")
    return value


def _hash(value: Any) -> str:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise PartError("need a keyed hash, in hexadecimal digits")
    return value
