"""What is asked besides the rota, and before it: who answers (short greedy prompts), what a change did, why an alarm came.

Rules of this file
* The short greedy prompts are asked once in ``EVERY`` turns, in rounds. While a variant is learned or suspected, an alarm has no
  cause yet or a change is not measured yet, canaries come ``HASTE`` times as often, and all but one in ``HASTE`` of them are
  errands: the rota keeps its pace, and nothing is sent in a burst.
* Where the budget or the users leave no room for an errand, errands rest for an hour.
* Every reply says who answered, so every probe passes through ``heard``.
* What was learned survives a restart: it is kept in ``results``, as digests under the secret and numbers.
"""

from __future__ import annotations

import hmac
import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Literal

from sidecar.canary.changeover import LONGEST_S, Changeover
from sidecar.canary.diagnosis import LONGEST_S as LONGEST_DIAGNOSIS_S
from sidecar.canary.diagnosis import Alarm, Diagnosis, Said
from sidecar.canary.draws import secret_id
from sidecar.canary.errand import Errand
from sidecar.canary.generate import render
from sidecar.canary.hearing import Hearing
from sidecar.canary.loading import LoadedSuite
from sidecar.canary.prober import Probe
from sidecar.canary.recheck import Recheck
from sidecar.canary.results import Results
from sidecar.canary.variants import Change, Variants
from sidecar.canary.window import Window

log = logging.getLogger("kilter.monitor")

EVERY = 4
HASTE = 5
REST_S = 3600.0
FINGERPRINT_RUN = "fingerprint"
LADDER_RUN = "ladder"
MOST_DIAGNOSES = 20
_KEPT = "variants"
_SHARED_S = 3600.0


class Errands:
    """``secret``: keys the digests of answers. ``names()``: the names that the model under test goes by. ``now``: Unix seconds."""

    def __init__(
        self,
        suites: Sequence[LoadedSuite],
        window: Callable[[], Window],
        results: Results,
        secret: bytes,
        hearing: Hearing,
        now: Callable[[], float],
        names: Callable[[], Iterable[str]],
    ) -> None:
        cases = [case for suite in suites for case in render(suite, secret, 0) if case.greedy]
        self._cases = {case.id: case for case in cases}
        self._draws = {
            (one.suite.suite, family.id): family.draws or 1 for one in suites for family in one.suite.families
        }
        self._exposed: set[tuple[str, str, int, int]] = set()
        self._window = window
        self._measured: Change | None = None
        self._results = results
        self._secret = secret
        self._hearing = hearing
        self._now = now
        self._names = names
        self._turns = 0
        self._rest_until_s = float("-inf")
        self.variants = Variants(self._cases)
        self.changeover: Changeover | None = None
        self.diagnoses: dict[tuple[str, str, str], tuple[Diagnosis, Said]] = {}

    def recall(self) -> None:
        """Goes on from what was kept before this process. What cannot be read is learned anew."""
        text = self._results.kept(_KEPT)
        try:
            if text:
                self.variants.restore(json.loads(text))
        except (AttributeError, KeyError, TypeError, ValueError):
            log.warning("what was known of the model's variants cannot be read; learning it anew")

    def recall_changeover(self, asked: Callable[[str], Iterable[Probe]]) -> None:
        """Goes on with a comparison that had begun. ``asked(run)``: the probes of a run."""
        change = self.variants.changed
        if change and self._now() - change.at_s < LONGEST_S:
            changeover = Changeover(change, self._window().every(self._now()))
            changeover.recheck.recall(asked(changeover.run))
            kept = {one.run for one in self._results.comparisons(change.at_s)}
            self.changeover = changeover if changeover.run not in kept else None
            self._measured = change

    # -- what is asked --------------------------------------------------------------------------

    @property
    def hurried(self) -> bool:
        """Whether canaries are to come ``HASTE`` times as often."""
        return self._now() >= self._rest_until_s and bool(self._waiting())

    def next(self) -> Errand | None:
        """What to ask in this turn; None where it is the rota's."""
        self._turns += 1
        if self._now() < self._rest_until_s:
            return None
        self._end_old()
        waiting = self._waiting()
        if waiting:
            return waiting[self._turns % len(waiting)]() if self._turns % HASTE else None
        return self._who() if self._turns % EVERY == 0 else None

    def done(self, errand: Errand, probe: Probe) -> Probe:
        """What came of it; the probe with its variant's generation."""
        if probe.transcript is None:
            self.rest()
            return probe
        probe = self.heard(probe)
        if errand.recheck is not None:
            self._expose(errand)
            errand.recheck.done(probe)
            self._conclude(errand.recheck)
        elif probe.verdict.outcome != "error":
            self._identify(probe)
            probe = replace(probe, generation=self.variants.generation(probe.model, probe.fingerprint))
        return probe

    def rest(self) -> None:
        """Asks nothing for a while."""
        self._rest_until_s = self._now() + REST_S

    def heard(self, probe: Probe) -> Probe:
        """Any probe: who has answered it."""
        if probe.transcript is None or probe.verdict.outcome == "error":
            return probe
        first = self.variants.last is None
        change = self.variants.answered(probe.model, probe.fingerprint, probe.at_s)
        if change:
            self._changed(change)
        elif first:
            self._keep()
        return replace(probe, generation=self.variants.generation(probe.model, probe.fingerprint))

    def declared(self, by: Literal["listing", "operator"], model: str, digest: str, since_s: float) -> None:
        """What ``by`` says stands behind the name; answers since ``since_s`` are of what came, where that is a change."""
        change = self.variants.declare(by, model, self._digest([digest]) if digest else "", self._now(), since_s)
        if change:
            self._renew(change)
        elif digest:
            self._keep()

    def alarmed(self, alarm: Alarm) -> None:
        """A live stratum moved: its ladder is asked."""
        names = {name for name in self._names() if name}
        probes = self._window().every(self._now()) if alarm.model in names else []
        diagnosis = Diagnosis(alarm, probes)
        for other, asked in self.diagnoses.values():
            near = abs(other.alarm.since_s - alarm.since_s) < _SHARED_S and other.alarm.model == alarm.model
            if near and asked.cause == "asking" and other.alarm.axis == alarm.axis:
                diagnosis.recheck = other.recheck
        key = (alarm.behaviour, alarm.stratum, alarm.model)
        self.diagnoses.pop(key, None)
        while len(self.diagnoses) >= MOST_DIAGNOSES:
            del self.diagnoses[next(iter(self.diagnoses))]
        said = diagnosis.said()
        self.diagnoses[key] = diagnosis, said
        if said.cause != "asking":
            self._hearing.explained(alarm, said)

    def _waiting(self) -> list[Callable[[], Errand | None]]:
        waiting: list[Callable[[], Errand | None]] = []
        if self.variants.hurry:
            waiting.append(self._who)
        if any(said.cause == "asking" for _, said in self.diagnoses.values()):
            waiting.append(self._why)
        if self.changeover and self.changeover.recheck.next:
            waiting.append(self._what)
        return waiting

    def _who(self) -> Errand | None:
        prompt = self.variants.prompt or next(iter(self._cases), None)
        return Errand(self._cases[prompt], 0, FINGERPRINT_RUN) if prompt else None

    def _why(self) -> Errand | None:
        recheck = next(one.recheck for one, said in self.diagnoses.values() if said.cause == "asking")
        then = recheck.next
        return Errand(then.case, then.repeat, LADDER_RUN, recheck, then.sampling) if then else None

    def _what(self) -> Errand | None:
        changeover = self.changeover
        if changeover is None or (then := changeover.recheck.next) is None:
            return None
        return Errand(then.case, then.repeat, changeover.run, changeover.recheck, then.sampling)

    # -- what came of it ------------------------------------------------------------------------

    def _identify(self, probe: Probe) -> None:
        last = probe.transcript.last if probe.transcript else None
        said = [last.text.strip(), *(call.name for call in last.calls)] if last else []
        change = self.variants.fingerprinted(probe.case.id, self._digest([probe.case.id, *said]), probe.at_s)
        if change:
            self._renew(change)
        self._keep()

    def _digest(self, said: list[str]) -> str:
        return hmac.new(self._secret, json.dumps(said).encode(), "sha256").hexdigest()[:16]

    def _renew(self, change: Change) -> None:
        """What has answered since a change under the same name is of the new generation."""
        after = change.after
        self._window().renew_generation(after.model, after.fingerprint, after.generation, change.since_s)
        self._results.renew_generation(after.model, after.fingerprint, after.generation, change.since_s)
        self._changed(change)

    def _expose(self, errand: Errand) -> None:
        """Asking a draw again is a use of it more, one for each alarm or change."""
        case = errand.case
        draw = case.index // self._draws.get((case.suite, case.family), 1)
        key = (f"{errand.run} {id(errand.recheck)}", case.suite, case.epoch, draw)
        if key not in self._exposed:
            self._exposed.add(key)
            self._results.expose(secret_id(self._secret), *key[1:], self._now())

    def _changed(self, change: Change) -> None:
        if len(change.signs) > 1:
            self._hearing.confirmed(change)
            if self._measured and change.after == self._measured.after:
                self._keep()  # what it did is asked already
                return
        else:
            self._hearing.changed(change)
        self._measured = change
        self.changeover = Changeover(change, self._window().every(self._now()))
        self._exposed.clear()
        self._keep()
        self._conclude(self.changeover.recheck)

    def _conclude(self, recheck: Recheck) -> None:
        for key, (diagnosis, before) in self.diagnoses.items():
            if diagnosis.recheck is recheck and before.cause == "asking":
                said = diagnosis.said()
                self.diagnoses[key] = diagnosis, said
                if said.cause != "asking":
                    self._hearing.explained(diagnosis.alarm, said)
        changeover = self.changeover
        if changeover and changeover.recheck is recheck and recheck.next is None:
            self._results.add_comparison(changeover.rows(changeover.deltas(), self._now()))
            self._hearing.compared(changeover)
            self.changeover = None

    def _end_old(self) -> None:
        now_s = self._now()
        for diagnosis, said in list(self.diagnoses.values()):
            if said.cause == "asking" and now_s - diagnosis.alarm.at_s > LONGEST_DIAGNOSIS_S:
                diagnosis.recheck.stop()
                self._conclude(diagnosis.recheck)
        if self.changeover and now_s - self.changeover.change.at_s > LONGEST_S:
            self.changeover.recheck.stop()
            self._conclude(self.changeover.recheck)

    def _keep(self) -> None:
        try:
            self._results.keep(_KEPT, json.dumps(self.variants.to_dict()))
        except sqlite3.Error as error:
            log.warning("what is known of the model's variants cannot be kept", extra={"fields": {"why": str(error)}})
