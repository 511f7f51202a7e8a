"""The analysis of the live monitor: kept between its runs, and obeying a person's commands.

Rules of this file
* A store that fails stops nothing: it is counted, and the monitor goes on in memory.
* State is saved whenever a tick has closed, without the ticks that are open; at a clean end with them. Where a
  monitor died, what it had in memory of open ticks is gone: those ticks are invalid.
* A baseline comes from a file of the configuration, or from a person's command, never by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from detectors.features.calibration import classifier_digest, shipped
from detectors.records.baseline import Baseline
from detectors.records.behaviour import Behaviour
from detectors.records.verdict import Alarm, Verdict
from detectors.watch.analysis import MOST_ALARMS, Analysis
from detectors.watch.layered import stratum_of
from detectors.watch.promotion import NEW
from detectors.watch.rules import Rules
from sidecar.admin.api import RefusedError
from sidecar.config import Config
from sidecar.export.base import Series
from sidecar.export.verdicts import Judged
from sidecar.monitor.baseline_record import baseline_record
from sidecar.monitor.standing import Standing, Standings
from sidecar.monitor.succession import Succession
from sidecar.store import baseline_file
from sidecar.store.base import Acknowledgement, Annotation, Store, StoreError
from sidecar.store.sqlite import NAME, SqliteStore

log = logging.getLogger("kilter.monitor")


class Witness(Protocol):
    """Is told of every command, as a record of the evidence log."""

    def __call__(self, kind: str, data: Mapping[str, Any], payload: Mapping[str, Any] | None = None) -> None:
        """One command."""


def _nobody(kind: str, data: Mapping[str, Any], payload: Mapping[str, Any] | None = None) -> None:
    """Nobody is told."""


def rules(config: Config) -> Rules:
    """The rules that a configuration sets."""
    return Rules(
        tick_s=config.ticks.length_s,
        grace_s=config.ticks.grace_s,
        period_s=max(config.budget.period_days * 86400, config.ticks.length_s),
        false_alarm_budget=config.budget.false_alarms,
        most_strata=config.budget.most_strata,
        margin=config.verdicts.margin,
        floor=config.verdicts.floor,
        floor_relative=config.verdicts.floor_relative,
        least_users=config.verdicts.least_users,
        learn_days=config.baseline.learn_days,
        learn_trials=config.baseline.learn_trials,
    )


class Judging:
    """``analysis`` judges; ``store_errors`` counts what could not be kept. ``witness`` is told of
    every command. ``lost_until_s``: the monitor before was killed, and lost what had begun by then.

    In a fleet. ``store``: another than the file of the state directory; it is given the state ``whole``, ticks that are
    open included, whenever it is saved. ``elsewhere``, where it is not empty, says where a person's commands go instead:
    to the fleet's monitor; ``quiet``: that one also makes the verdicts, and nothing of what is judged here is told.
    """

    def __init__(
        self,
        config: Config,
        behaviours: Sequence[Behaviour],
        now_s: float,
        witness: Witness = _nobody,
        store: Store | None = None,
    ) -> None:
        self._config = config
        self._behaviours = behaviours
        self._witness = witness
        self.store_errors = 0
        self.annotations = 0
        self._standings = Standings()
        self.elsewhere = ""
        self.quiet = False
        self.lost_until_s: float | None = None
        self._store, self._whole = store, store is not None
        try:
            self._store = self._store or SqliteStore(config.state_dir / NAME)
        except StoreError as error:
            self._failed(error)
        self._acknowledged: dict[str, Acknowledgement] = {}
        self._keep(lambda store: self._know(store.acknowledgements(MOST_ALARMS)))
        self.succession = Succession(self._made, classifier_digest())
        self._restore(now_s)
        if config.baseline.file:
            self._use_file(Path(config.baseline.file))

    @property
    def analysis(self) -> Analysis:
        """The one that judges."""
        return self.succession.judging

    @property
    def baseline_state(self) -> str:
        """One of ``export.verdicts.BASELINE_STATES``."""
        if self.analysis.unusable:
            return "unusable"
        if self.analysis.baseline is None:
            return "expected_missing" if self._config.baseline.expected or self._config.baseline.file else "none"
        learns = self.succession.collecting or self.analysis.learning
        return "learning_next" if learns else "in_use"

    def close(self, now_s: float, in_flight_since_s: float | None, *, save: bool = True) -> list[Verdict]:
        """Judges what can be judged and saves; the verdicts whose state changed."""
        before = self.analysis.closed
        changed = self.succession.close(now_s, in_flight_since_s)
        if save and self.analysis.closed != before:
            self.save(now_s)
        if self.quiet:
            return []
        for alarm in self._new_alarms(changed):
            self._keep(lambda store, alarm=alarm: store.keep_alarm(alarm))  # type: ignore[misc]  # bound at once
            log.warning("out of control", extra={"fields": {"alarm": alarm.id, "verdict": alarm.verdict.explanation}})
        return changed

    def save(self, now_s: float) -> None:
        """Keeps the state."""
        whole = self._whole
        self._keep(lambda store: store.save(self.succession.to_json(whole=whole), now_s, clean=whole))

    def end(self, now_s: float) -> None:
        """Saves everything: nothing is lost between this and the next start."""
        self._keep(lambda store: store.save(self.succession.to_json(), now_s, clean=True))
        if self._store:
            self._store.close()

    # -- a person's commands -------------------------------------------------------------------

    def learn(self, now_s: float) -> dict[str, Any]:
        """Begins to collect the next baseline."""
        self._here()
        self.succession.learner.learn()
        used = self.analysis.baseline
        self._witness("baseline", {"action": "learn", "id": used.id if used else ""})
        return self._changed(now_s)

    def promote(self, now_s: float, *, anyway: bool) -> dict[str, Any]:
        """What was learned becomes the baseline. RefusedError where it is not ready and not wanted ``anyway``."""
        self._here()
        learner = self.succession.learner
        learning, wanted = learner.learning, learner.rules
        if learning is not None and not learner.ready and not anyway:
            raise RefusedError(
                f"not ready: {learning.most_trials} of {wanted.learn_trials} observations in the largest stratum, "
                f"{learning.days} of {wanted.learn_days} days (--anyway takes it as it is)"
            )
        try:
            baseline = self.succession.promote(now_s)
        except ValueError as error:
            raise RefusedError(str(error)) from None
        self._keep(lambda store: store.keep_baseline(baseline))
        self._witness("baseline", baseline_record(baseline, "promote", anyway=anyway))
        return self._changed(now_s)

    def take(self, text: str, now_s: float) -> dict[str, Any]:
        """The baseline of an exported file, or one that was in use before (its id), is used from now on. RefusedError where it cannot be."""
        self._here()
        known = next((one for one in self.baselines() if one.id == text.strip()), None)
        try:
            baseline = known or baseline_file.parsed(text)
        except ValueError as error:
            raise RefusedError(str(error)) from None
        self.succession.use(baseline)
        self._keep(lambda store: store.keep_baseline(baseline))
        self._witness("baseline", baseline_record(baseline, "use" if known else "import"))
        return self._changed(now_s)

    def follow(self, text: str) -> None:
        """Judges by the baseline of a fleet, canonical JSON, from now on. ValueError where it is none."""
        baseline = Baseline.from_json(text)
        self.succession.use(baseline)
        self._keep(lambda store: store.keep_baseline(baseline))
        self._witness("baseline", baseline_record(baseline, "follow"))

    def annotate(self, text: str, now_s: float) -> dict[str, Any]:
        """Keeps an operator's words. RefusedError where there are none, or too many."""
        if not 0 < len(text) <= 1000:
            raise RefusedError("need a text of 1 to 1000 characters")
        self.annotations += 1
        self._keep(lambda store: store.annotate(Annotation(now_s, text)))
        self._witness("annotation", {}, {"text": text})
        return {"at_s": now_s, "text": text}

    def acknowledge(self, alarm_id: str, by: str, control: str, now_s: float) -> dict[str, Any]:
        """Keeps that an alarm was seen by somebody, and the compensating control. The alarm stays as it is, and is shown
        so. RefusedError where there is no such alarm, or a text is empty or too long.
        """
        if not (0 < len(by.strip()) <= 100 and 0 < len(control.strip()) <= 1000):
            raise RefusedError("need by of 1 to 100 characters, and control of 1 to 1000")
        self._here()
        alarm = next((alarm for alarm in self.analysis.alarms if alarm.id == alarm_id), None)
        if alarm is None:
            raise RefusedError("no such alarm is known")
        acknowledgement = Acknowledgement(alarm_id, now_s, by.strip(), control.strip())
        self._know([acknowledgement])
        self._keep(lambda store: store.acknowledge(acknowledgement))
        behaviour, stratum, model = alarm.verdict.series
        about = {"alarm": alarm_id, "behaviour": behaviour, "stratum": stratum, "model": model}
        self._witness("acknowledgement", about, {"by": by.strip(), "control": control.strip()})
        return {"alarm": alarm_id, "at_s": now_s, "by": acknowledgement.by, "control": acknowledgement.control}

    def acknowledged(self) -> Mapping[str, Acknowledgement]:
        """By the alarm's id."""
        return self._acknowledged

    def baselines(self) -> list[Baseline]:
        """Every baseline that is known, oldest first, the one in use among them."""
        kept: list[Baseline] = []
        self._keep(lambda store: kept.extend(store.baselines()))
        used = self.analysis.baseline
        return kept if used is None or used.id in {one.id for one in kept} else [*kept, used]

    def alarms(self) -> list[Alarm]:
        """Newest first."""
        return list(reversed(self.analysis.alarms))

    def verdicts(self) -> list[Verdict]:
        """Of every stratum; none where they are made elsewhere."""
        return list(self.standing().verdicts)

    def standing(self) -> Standing:
        """What is said of every stratum, the same objects until something changes."""
        return self._standings.of(self.analysis, elsewhere=self.quiet)

    def described(self) -> dict[str, Any]:
        """What is used, what is learned, and what was used before."""
        analysis = self.analysis
        learner = self.succession.learner
        learning, wanted = learner.learning, learner.rules
        return {
            "state": self.baseline_state,
            "unusable_because": analysis.unusable,
            "in_use": analysis.baseline.id if analysis.baseline else None,
            "classifier": learner.classifier,
            "learning": learning
            and {
                "ticks": learning.ticks,
                "days": learning.days,
                "days_wanted": wanted.learn_days,
                "trials": learning.most_trials,
                "trials_wanted": wanted.learn_trials,
                "ready": learner.ready,
            },
            "baselines": [
                {
                    "id": one.id,
                    "promoted_at_s": one.promoted_at_s,
                    "days": one.days,
                    "strata": len(one.references),
                    "models": one.models,
                    "classifier": one.classifier,
                }
                for one in self.baselines()
            ],
        }

    def judged(self) -> Judged:
        """What is exported."""
        analysis = self.analysis
        watch = analysis.watch
        standing = self.standing()
        return Judged(
            verdicts=standing.verdicts,
            gaps=standing.gaps,
            heard={behaviour.name: analysis.heard.get(behaviour.name, 0.0) for behaviour in self._counted()},
            alarms={behaviour.name: analysis.raised.get(behaviour.name, 0) for behaviour in self._counted()},
            left_out=analysis.units.left_out,
            invalid_ticks=analysis.invalid,
            ticks=analysis.closed,
            unfinished=analysis.ticks.unfinished,
            suppressed=watch.suppressed if watch else 0,
            judged_until_s=(analysis.ticks.next or 0) * analysis.rules.tick_s,
            baseline_id=standing.baseline_id,
            classifier=analysis.classifier,
            baseline_state=self.baseline_state,
            baseline_ready=not self.quiet and self.succession.learner.ready,
            budget=analysis.rules.false_alarm_budget,
            store_errors=self.store_errors,
            annotations=self.annotations,
            acknowledged=self._open_alarms(standing.verdicts),
        )

    def series(self) -> list[Series]:
        """What the baseline knows, by name."""
        baseline = self.analysis.baseline
        return [
            (one.behaviour, stratum_of(layer.stratum), one.model)
            for one in (baseline.references if baseline else ())
            for layer in one.layers
            if not layer.stratum.endswith(f">{NEW}")
        ]

    # -- parts -----------------------------------------------------------------------------------

    def _here(self) -> None:
        if self.elsewhere:
            raise RefusedError(self.elsewhere)

    def _know(self, acknowledgements: Sequence[Acknowledgement]) -> None:
        """Those of alarms that are no longer listed are forgotten here; the store keeps them."""
        known = {**self._acknowledged, **{one.alarm_id: one for one in acknowledgements}}
        self._acknowledged = dict(sorted(known.items(), key=lambda item: item[1].at_s)[-MOST_ALARMS:])

    def _open_alarms(self, verdicts: Sequence[Verdict]) -> dict[Series, bool]:
        """Of each stratum that is out of control: whether its alarm was acknowledged."""
        last = {alarm.verdict.series: alarm.id for alarm in self.analysis.alarms}
        moved = (verdict.series for verdict in verdicts if verdict.state == "out_of_control")
        return {series: last.get(series) in self._acknowledged for series in moved}

    def _counted(self) -> list[Behaviour]:
        return [one for one in self._behaviours if not one.context and one.compares is None]

    def _made(self, digest: str, state: str | None) -> Analysis:
        arguments = (self._behaviours, rules(self._config), digest, shipped())
        return Analysis(*arguments) if state is None else Analysis.from_json(state, *arguments)

    def _restore(self, now_s: float) -> None:
        try:
            saved = self._store.saved() if self._store else None
            if saved is not None:
                self.succession.restore(saved.text)
                if not saved.clean:
                    self.lost_until_s = now_s
                    self.succession.forgot(now_s)
                return
        except StoreError as error:
            self._failed(error)
        except Exception:  # whatever another Kilter has saved must not stop this one
            self.store_errors += 1
            log.exception("the saved state cannot be read; starting from the last baseline")
        kept: list[Baseline] = []
        self._keep(lambda store: kept.extend(store.baselines()))
        if kept:
            self.succession.use(kept[-1])

    def _use_file(self, path: Path) -> None:
        try:
            baseline = baseline_file.parsed(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            log.error("the baseline file cannot be used", extra={"fields": {"file": str(path), "why": str(error)}})  # noqa: TRY400  # its text says all
            return
        if self.analysis.baseline is None or self.analysis.baseline.id != baseline.id:
            self.succession.use(baseline)
            self._keep(lambda store: store.keep_baseline(baseline))
            self._witness("baseline", baseline_record(baseline, "import", from_file=True))

    def _new_alarms(self, changed: Sequence[Verdict]) -> list[Alarm]:
        new = {id(verdict) for verdict in changed if verdict.state == "out_of_control"}
        return [alarm for alarm in self.analysis.alarms if id(alarm.verdict) in new]

    def _changed(self, now_s: float) -> dict[str, Any]:
        self.save(now_s)
        return self.described()

    def _keep(self, work: Callable[[Store], object]) -> None:
        if self._store is not None:
            try:
                work(self._store)
            except StoreError as error:
                self._failed(error)

    def _failed(self, error: StoreError) -> None:
        self.store_errors += 1
        log.error("the store cannot be used; going on without it", extra={"fields": {"why": str(error)}})
