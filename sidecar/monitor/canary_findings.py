"""What errands found, told on: to the log, to the evidence log, and to whoever asks for metrics. Names and numbers only."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from sidecar.canary.changeover import RUN, Changeover, name
from sidecar.canary.compare import Delta
from sidecar.canary.diagnosis import Alarm, Said
from sidecar.canary.errands import Errands
from sidecar.canary.evidence import SHARE, Flips, weighed
from sidecar.canary.over_time import OverTime
from sidecar.canary.prober import Probe
from sidecar.canary.recheck import Pair
from sidecar.canary.results import Compared, Results
from sidecar.canary.variants import Change, Variant
from sidecar.export.canaries import shown
from sidecar.export.variants import CellEvidence, DeltaRatio, DriftCause, Variants, shown_variant

log = logging.getLogger("kilter.monitor")

_KEPT, _KEPT_OVER_TIME = "flips", "over_time"


class Record(Protocol):
    """Keeps one record of the evidence log."""

    def __call__(self, kind: str, data: Mapping[str, Any]) -> None:
        """``data`` holds names and numbers only."""


class CanaryFindings:
    """Hears the errands. ``alpha``: the live detectors' false-alarm budget."""

    def __init__(self, record: Record, alpha: float, now: Callable[[], float]) -> None:
        self._record = record
        self._alpha = SHARE * alpha
        self._now = now
        self._deltas: list[Delta] = []
        self._before: list[DeltaRatio] = []
        self._changes: Counter[str] = Counter()
        self.flips = Flips()
        self.over_time = OverTime()
        self._kept = True
        self._after: Variant | None = None
        self.parent = ""

    def changed(self, change: Change) -> None:
        """Another variant answers: what was counted belongs to the one before."""
        self._renew(change)
        self._changes[change.kind] += 1
        said = {
            "declared": "another model or build of it answers",
            "silent": "another model answers under the same name, and the server does not say so",
        }
        log.warning(said[change.kind], extra={"fields": {"model": shown(change.after.model), "kind": change.kind}})

    def confirmed(self, change: Change) -> None:
        """A further sign of the change that was told last, which stays one."""
        self._renew(change)
        fields = {"model": shown(change.after.model), "kind": change.kind, "signs": ", ".join(change.signs)}
        log.info("the change of the model that was told shows itself also otherwise", extra={"fields": fields})

    def _renew(self, change: Change) -> None:
        after = change.after
        if after != self._after:
            self.flips, self.over_time, self._kept = Flips(), OverTime(), False
            self._deltas, self._before = [], []
        self._after = after
        data = {
            "kind": change.kind,
            "model": shown(after.model),
            "fingerprint": shown(after.fingerprint),
            "generation": after.generation,
            "since_s": change.since_s,
            "signs": list(change.signs),
        }
        self._record("variant", data)

    def compared(self, changeover: Changeover) -> None:
        """What a change did is known."""
        self._deltas = changeover.deltas()
        change = changeover.change
        a, b = shown_variant(name(change.before)), shown_variant(name(change.after))
        for delta, row in zip(self._deltas, changeover.rows(self._deltas, self._now()), strict=True):
            data = {key: value for key, value in asdict(row).items() if key not in ("at_s", "run")}
            self._record("comparison", {**data, "a": a, "b": b, "e_value": float(f"{delta.e_value:.6g}")})
        worst = max(self._deltas, key=lambda delta: delta.drop.points, default=None)
        fields = {
            "a": a,
            "b": b,
            "pairs": len(changeover.recheck.pairs),
            "worst": worst.category if worst else "",
            "points": round(100 * worst.drop.points, 1) if worst else None,
            "verdict": worst.verdict if worst else "insufficient",
        }
        log.warning("the model that came was compared with the one before", extra={"fields": fields})

    def explained(self, alarm: Alarm, said: Said) -> None:
        """Why an alarm came is known, or will not be."""
        texts = {
            "model": "the model changed: canaries that were asked before the alarm are answered otherwise now",
            "users": "the users changed: canaries that were asked before the alarm are answered as they were",
        }
        text = texts.get(said.cause, "canaries cannot tell whether the model or the users changed")
        fields = {
            "behaviour": alarm.behaviour,
            "stratum": alarm.stratum,
            "model": alarm.model,
            "cause": said.cause,
            "pairs": said.pairs,
            "worse": said.worse,
            "better": said.better,
            "e_value": float(f"{said.e_value:.6g}"),
        }
        self._record("diagnosis", fields)
        log.warning(text, extra={"fields": fields})

    def take(self, probes: Sequence[Probe], pairs: Mapping[str, Sequence[Pair]], results: Results) -> None:
        """Probes of the window, oldest first, and their pairs by gap; what is new among them is kept in ``results``."""
        before = self.flips.pairs, self.over_time.counted
        self.flips.take(pairs)
        self.over_time.take(probes)
        if self._kept and before == (self.flips.pairs, self.over_time.counted):
            return
        try:
            results.keep(_KEPT, json.dumps(self.flips.to_dict()))
            results.keep(_KEPT_OVER_TIME, json.dumps(self.over_time.to_dict()))
            self._kept = True
        except sqlite3.Error as error:
            self._kept = False
            log.warning("the evidence of canaries cannot be kept", extra={"fields": {"why": str(error)}})

    def recall(self, results: Results) -> None:
        """Goes on from what was kept; what cannot be read is counted anew."""
        for kept, evidence in ((_KEPT, self.flips), (_KEPT_OVER_TIME, self.over_time)):
            try:
                if text := results.kept(kept):
                    evidence.restore(json.loads(text))
            except (AttributeError, KeyError, TypeError, ValueError):
                log.warning("the evidence of canaries cannot be read; counting it anew")
        own = [one for one in results.comparisons() if one.run.startswith(RUN)]
        self._before = [_kept(one) for one in own if one.run == own[-1].run]

    def known(self, errands: Errands | None, stale: int) -> Variants:
        """What is exported."""
        if errands is None:
            return Variants(changes=dict(self._changes))
        variants, changeover = errands.variants, errands.changeover
        last = variants.last
        deltas = changeover.deltas() if changeover else self._deltas
        return Variants(
            last=(shown(last.model), shown(last.fingerprint), str(last.generation)) if last else None,
            parent=shown(self.parent),
            changes=dict(self._changes),
            state=variants.state(self._now()),
            evidence=variants.evidence,
            stale=stale,
            comparing=changeover is not None,
            deltas=[_exported(delta) for delta in deltas] or self._before,
            weighed=self._weighed(deltas),
            causes=[
                DriftCause(
                    one.alarm.behaviour, one.alarm.stratum, one.alarm.model, said.cause, said.pairs, said.e_value
                )
                for one, said in errands.diagnoses.values()
            ],
        )

    def _weighed(self, deltas: Sequence[Delta]) -> list[CellEvidence]:
        of_changes = {f"change:{one.category}": (one.drop.first_only, one.drop.second_only) for one in deltas}
        found = weighed({**self.flips.counts(), **of_changes}, self._alpha, self.over_time.trends())
        return [CellEvidence(one.cell, one.log10, one.state) for one in found]


def _kept(one: Compared) -> DeltaRatio:
    """What a process before this one measured."""
    drop, passed = (one.points / 100, one.low / 100, one.high / 100), one.passed_a / one.units
    relative = tuple(end / passed for end in drop) if passed else (float("nan"),) * 3
    adversarial = one.category.startswith(("adversarial", "attack:"))
    return DeltaRatio(one.category, drop, relative, one.units, one.verdict, adversarial)


def _exported(delta: Delta) -> DeltaRatio:
    drop, passed = delta.drop, delta.passed_a / delta.drop.pairs
    relative = (delta.relative, drop.low / passed, drop.high / passed) if passed else (float("nan"),) * 3
    return DeltaRatio(
        delta.category, (drop.points, drop.low, drop.high), relative, drop.pairs, delta.verdict, delta.adversarial
    )
