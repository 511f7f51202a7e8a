"""The store of a fleet's monitor: a mirror in memory, kept in Redis or Valkey as a whole with what it was counted from.

    store = RedisStore()
    store.load(fields, baselines)      # what another monitor kept
    ...                                # a Judging keeps things in it, as in any store
    store.document(...), store.unsaved_baselines()    # what the script that marks their ticks as counted saves with them

Rules of this file
* Nothing is sent from here: state and the ticks that it counts are saved by one script (``fleet.layout.SAVE``), or a
  monitor that dies between the two would count them twice.
* ``generation`` is raised by whatever a person commands, so that of two states after the same ticks the later command wins.
* What is loaded was written by another process: a StoreError says that it is none, and quotes nothing of it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from detectors.records.baseline import Baseline
from detectors.records.verdict import Alarm
from sidecar.store.base import Acknowledgement, Annotation, Saved, StoreError

MOST = 200
"""Alarms, acknowledgements and annotations that are kept."""
_STATE, _RECORDS, _BASELINE = "state", "records", "baseline"


class RedisStore:
    """A ``Store``. ``generation`` counts commands; ``counted`` names the parts of the last ticks that were counted."""

    def __init__(self) -> None:
        self.generation = 0
        self.counted: dict[int, list[str]] = {}
        self._text: str | None = None
        self._baselines: dict[str, Baseline] = {}
        self._alarms: dict[str, Alarm] = {}
        self._acknowledgements: dict[str, Acknowledgement] = {}
        self._annotations: list[Annotation] = []
        self._told: set[str] = set()
        self._unsaved: set[str] = set()

    # -- a store -----------------------------------------------------------------------------

    def saved(self) -> Saved | None:
        """The state that was saved last; nothing is lost between two monitors."""
        return None if self._text is None else Saved(self._text, clean=True)

    def save(self, text: str, at_s: float, *, clean: bool) -> None:  # noqa: ARG002  # a store's signature
        """Keeps the state in the place of the last."""
        self._text = text

    def keep_baseline(self, baseline: Baseline) -> None:
        """Keeps a baseline for ever, beside those before it."""
        self._baselines[baseline.id] = baseline
        self._unsaved.add(baseline.id)

    def baselines(self) -> list[Baseline]:
        """Every baseline, oldest promotion first."""
        return sorted(self._baselines.values(), key=lambda one: one.promoted_at_s)

    def keep_alarm(self, alarm: Alarm) -> None:
        """Keeps an alarm; one of the same id is replaced."""
        self._alarms[alarm.id] = alarm

    def alarms(self, most: int) -> list[Alarm]:
        """The last ``most``, newest first."""
        return sorted(self._alarms.values(), key=lambda one: -one.verdict.at_s)[:most]

    def acknowledge(self, acknowledgement: Acknowledgement) -> None:
        """Keeps an acknowledgement; one of the same alarm is replaced."""
        self._acknowledgements[acknowledgement.alarm_id] = acknowledgement

    def acknowledgements(self, most: int) -> list[Acknowledgement]:
        """The last ``most``, newest first."""
        return sorted(self._acknowledgements.values(), key=lambda one: -one.at_s)[:most]

    def annotate(self, annotation: Annotation) -> None:
        """Keeps an annotation."""
        self._annotations.append(annotation)

    def annotations(self, most: int) -> list[Annotation]:
        """The last ``most``, newest first."""
        return sorted(self._annotations, key=lambda one: -one.at_s)[:most]

    def close(self) -> None:
        """No call follows."""

    # -- its copy in Redis ---------------------------------------------------------------------

    def new_alarms(self, alarms: list[Alarm]) -> list[Alarm]:
        """Those that nobody has been told of, by this monitor or another before it; from now on they count as told."""
        new = [alarm for alarm in alarms if alarm.id not in self._told]
        self._told = {alarm.id for alarm in alarms}
        return new

    def document(self, baseline_id: str) -> dict[str, bytes]:
        """Fields of the state's hash; ``baseline_id`` is that in use, empty without one."""
        records = {
            "alarms": [alarm.to_dict() for alarm in self.alarms(MOST)],
            "acknowledgements": [asdict(one) for one in self.acknowledgements(MOST)],
            "annotations": [asdict(one) for one in self.annotations(MOST)],
            "told": sorted(self._told),
            "counted": list(self.counted.items()),
        }
        return {
            _STATE: zlib.compress((self._text or "").encode(), 1),
            _RECORDS: zlib.compress(json.dumps(records).encode(), 1),
            _BASELINE: baseline_id.encode(),
        }

    def unsaved_baselines(self, *, every: bool = False) -> dict[str, bytes]:
        """Baselines that the copy does not have, or ``every`` one, by id."""
        return {one.id: one.to_json().encode() for one in self._baselines.values() if every or one.id in self._unsaved}

    def baselines_saved(self, ids: Mapping[str, object]) -> None:
        """The copy has these."""
        self._unsaved -= set(ids)

    def load(self, fields: Mapping[bytes, bytes], baselines: Mapping[bytes, bytes]) -> None:
        """Takes over what another monitor kept. StoreError where it cannot be read."""
        try:
            self._baselines = {one.id: one for one in (Baseline.from_json(raw.decode()) for raw in baselines.values())}
            self.generation = int(fields.get(b"generation", b"0"))
            self._text = _inflated(fields, _STATE) or None
            records: dict[str, Any] = json.loads(_inflated(fields, _RECORDS) or "{}")
            self._alarms = {one.id: one for one in map(Alarm.from_dict, records.get("alarms", ()))}
            given = [Acknowledgement(**one) for one in records.get("acknowledgements", ())]
            self._acknowledgements = {one.alarm_id: one for one in given}
            self._annotations = [Annotation(**one) for one in records.get("annotations", ())]
            self._told = set(records.get("told", ()))
            self.counted = {int(tick): [str(name) for name in names] for tick, names in records.get("counted", ())}
            self._unsaved.clear()
        except (ValueError, TypeError, KeyError, AttributeError, zlib.error):
            raise StoreError("the fleet's state in the store cannot be read; nothing was changed") from None


def _inflated(fields: Mapping[bytes, bytes], name: str) -> str:
    packed = fields.get(name.encode())
    return zlib.decompress(packed).decode() if packed else ""
