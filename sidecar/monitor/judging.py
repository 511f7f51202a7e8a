"""The analysis of the live monitor: kept between its runs, and obeying a person's commands.

Rules of this file
* State is saved whenever a tick has closed, without the ticks that are open; at a clean end with them. Where a
  monitor died, what it had in memory of open ticks is gone: those ticks are invalid.
* A baseline comes from a file of the configuration, or from a person's command, never by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detectors.features.calibration import classifier_digest, shipped
from detectors.records.baseline import Baseline
from detectors.records.behaviour import Behaviour
from detectors.records.verdict import Alarm, Verdict
from detectors.watch.analysis import MOST_ALARMS, Analysis
from detectors.watch.rules import Rules
from sidecar.admin.api import RefusedError
from sidecar.config import Config
from sidecar.export.base import Series
from sidecar.export.verdicts import Judged
from sidecar.monitor.acknowledgements import Acknowledgements, acknowledgement
from sidecar.monitor.baseline_document import baseline_document, baseline_state, series_of
from sidecar.monitor.baseline_record import baseline_record
from sidecar.monitor.detectability import Detectability
from sidecar.monitor.keeping import Keeping
from sidecar.monitor.standing import Standing, Standings
from sidecar.monitor.succession import Succession
from sidecar.monitor.witness import Witness, nobody
from sidecar.store import baseline_file
from sidecar.store.base import Acknowledgement, Annotation, Store

log = logging.getLogger("kilter.monitor")


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
        witness: Witness = nobody,
        store: Store | None = None,
    ) -> None:
        self._config = config
        self._behaviours = behaviours
        self._witness = witness
        self.annotations = 0
        self._standings = Standings()
        self._detectability = Detectability()
        self.elsewhere = ""
        self.quiet = False
        self._whole = store is not None
        self._kept = Keeping(store, config.state_dir)
        self._acknowledgements = Acknowledgements()
        self._kept.keep(lambda store: self._acknowledgements.know(store.acknowledgements(MOST_ALARMS)))
        self.succession = Succession(self._made, classifier_digest())
        self.lost_until_s = self._kept.restore(self.succession, now_s)
        if config.baseline.file:
            self._use_file(Path(config.baseline.file))

    @property
    def analysis(self) -> Analysis:
        """The one that judges."""
        return self.succession.judging

    @property
    def store_errors(self) -> int:
        """What could not be kept or read."""
        return self._kept.errors

    @property
    def baseline_state(self) -> str:
        """One of ``export.verdicts.BASELINE_STATES``."""
        learns = self.succession.collecting or self.analysis.learning
        wanted = self._config.baseline.expected or self._config.baseline.file
        return baseline_state(self.analysis, learns=bool(learns), expected=bool(wanted))

    def close(self, now_s: float, in_flight_since_s: float | None, *, save: bool = True) -> list[Verdict]:
        """Judges what can be judged and saves; the verdicts whose state changed."""
        before = self.analysis.closed
        changed = self.succession.close(now_s, in_flight_since_s)
        if save and self.analysis.closed != before:
            self.save(now_s)
        if self.quiet:
            return []
        for alarm in self._new_alarms(changed):
            self._kept.keep(lambda store, alarm=alarm: store.keep_alarm(alarm))  # type: ignore[misc]  # bound at once
            log.warning("out of control", extra={"fields": {"alarm": alarm.id, "verdict": alarm.verdict.explanation}})
        return changed

    def look_ahead(self) -> None:
        """Now and then: works out a little more of what this baseline can show."""
        silent = self.quiet or self.analysis.unusable
        try:
            self._detectability.advance(None if silent else self.analysis.baseline, self.analysis.rules)
        except Exception:  # a figure less must not stop the judging
            log.exception("what a stratum can show could not be worked out")

    def save(self, now_s: float) -> None:
        """Keeps the state."""
        whole = self._whole
        self._kept.keep(lambda store: store.save(self.succession.to_json(whole=whole), now_s, clean=whole))

    def end(self, now_s: float) -> None:
        """Saves everything: nothing is lost between this and the next start."""
        self._kept.keep(lambda store: store.save(self.succession.to_json(), now_s, clean=True))
        self._kept.close()

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
        self._kept.keep_baseline(baseline)
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
        self._use(baseline, "use" if known else "import")
        return self._changed(now_s)

    def follow(self, text: str) -> None:
        """Judges by the baseline of a fleet, canonical JSON, from now on. ValueError where it is none."""
        self._use(Baseline.from_json(text), "follow")

    def annotate(self, text: str, now_s: float) -> dict[str, Any]:
        """Keeps an operator's words. RefusedError where there are none, or too many."""
        if not 0 < len(text) <= 1000:
            raise RefusedError("need a text of 1 to 1000 characters")
        self.annotations += 1
        self._kept.keep(lambda store: store.annotate(Annotation(now_s, text)))
        self._witness("annotation", {}, {"text": text})
        return {"at_s": now_s, "text": text}

    def acknowledge(self, alarm_id: str, by: str, control: str, now_s: float) -> dict[str, Any]:
        """Keeps that an alarm was seen by somebody, and the compensating control. The alarm stays as it is, and is shown
        so. RefusedError where there is no such alarm, or a text is empty or too long.
        """
        one = acknowledgement(alarm_id, by, control, now_s)
        self._here()
        alarm = next((alarm for alarm in self.analysis.alarms if alarm.id == alarm_id), None)
        if alarm is None:
            raise RefusedError("no such alarm is known")
        self._acknowledgements.know([one])
        self._kept.keep(lambda store: store.acknowledge(one))
        behaviour, stratum, model = alarm.verdict.series
        about = {"alarm": alarm_id, "behaviour": behaviour, "stratum": stratum, "model": model}
        self._witness("acknowledgement", about, {"by": one.by, "control": one.control})
        return {"alarm": alarm_id, "at_s": now_s, "by": one.by, "control": one.control}

    def acknowledged(self) -> Mapping[str, Acknowledgement]:
        """By the alarm's id."""
        return self._acknowledgements.by_alarm

    def baselines(self) -> list[Baseline]:
        """Every baseline that is known, oldest first, the one in use among them."""
        kept, used = self._kept.baselines(), self.analysis.baseline
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
        return baseline_document(self.baseline_state, self.analysis, self.succession.learner, self.baselines())

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
            acknowledged=self._acknowledgements.of(standing.verdicts, analysis.alarms),
            detectable=self._detectability.shifts,
        )

    def series(self) -> list[Series]:
        """What the baseline knows, by name."""
        return series_of(self.analysis.baseline) if self.analysis.baseline else []

    # -- parts -----------------------------------------------------------------------------------

    def _here(self) -> None:
        if self.elsewhere:
            raise RefusedError(self.elsewhere)

    def _counted(self) -> list[Behaviour]:
        return [one for one in self._behaviours if not one.context and one.compares is None]

    def _made(self, digest: str, state: str | None) -> Analysis:
        arguments = (self._behaviours, rules(self._config), digest, shipped())
        return Analysis(*arguments) if state is None else Analysis.from_json(state, *arguments)

    def _use_file(self, path: Path) -> None:
        try:
            baseline = baseline_file.parsed(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            log.error("the baseline file cannot be used", extra={"fields": {"file": str(path), "why": str(error)}})  # noqa: TRY400  # its text says all
            return
        if self.analysis.baseline is None or self.analysis.baseline.id != baseline.id:
            self._use(baseline, "import", from_file=True)

    def _use(self, baseline: Baseline, action: str, **more: bool) -> None:
        self.succession.use(baseline)
        self._kept.keep_baseline(baseline)
        self._witness("baseline", baseline_record(baseline, action, **more))

    def _new_alarms(self, changed: Sequence[Verdict]) -> list[Alarm]:
        new = {id(verdict) for verdict in changed if verdict.state == "out_of_control"}
        return [alarm for alarm in self.analysis.alarms if id(alarm.verdict) in new]

    def _changed(self, now_s: float) -> dict[str, Any]:
        self.save(now_s)
        return self.described()
