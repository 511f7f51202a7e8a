"""From observations to verdicts: the whole of the monitor's judgement, without a clock or a socket.

    analysis = Analysis(behaviours(), Rules(), classifier_digest())
    analysis.observe(sighting, observations, measurements)     # each exchange, in any order
    for verdict in analysis.close(now_s, in_flight_since_s):   # now and then; those whose state changed
        ...
    analysis.promote(now_s)                                    # a person's command: what was learned is the baseline
    text = analysis.to_json()                                  # and Analysis.from_json goes on identically

The live monitor and the replay of logs both drive it, so both say the same. What follows from the input
follows from nothing else: not from the order of arrival within a tick, nor from when ``close`` is called.

Without a baseline it learns, and every state is ``no_baseline``. It never adopts a baseline by itself, nor
one that was labelled by another classifier or counted by other rules: such a one is put aside
(``unusable``), and it learns anew. While a baseline is in use, ``learn`` collects the next one beside it.
"""

from __future__ import annotations

import dataclasses
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from detectors.records.baseline import Baseline
from detectors.records.behaviour import Behaviour
from detectors.records.calibration import Calibration
from detectors.records.measurement import Measurement
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.records.verdict import Alarm, Verdict
from detectors.watch.explanation import subject, unnamed
from detectors.watch.gaps import Gap, gaps
from detectors.watch.identities import Identities
from detectors.watch.learning import Learning
from detectors.watch.parts import AT_ONCE, MOST, Part, Together
from detectors.watch.promotion import promoted
from detectors.watch.rules import COUNTING, Rules
from detectors.watch.thresholds import Thresholds
from detectors.watch.ticks import INVALID, Ticks
from detectors.watch.totals import Totals
from detectors.watch.units import Units
from detectors.watch.watch import Watch

MOST_ALARMS = 200


class Analysis:
    """``classifier`` is the digest of the classifier that labels; ``calibrations`` its measured errors by language.

    ``alarms`` holds the last 200, oldest first. ``heard`` maps a behaviour to the start of the last exchange that
    counted in it, Unix seconds; ``raised`` to how many alarms it raised. ``closed`` counts ticks, ``invalid`` those not judged, by reason.
    """

    def __init__(
        self,
        behaviours: Sequence[Behaviour],
        rules: Rules,
        classifier: str,
        calibrations: Mapping[str, Calibration] | None = None,
    ) -> None:
        self.rules = rules
        self.classifier = classifier
        self.baseline: Baseline | None = None
        self.unusable: str | None = None
        self.learning: Learning | None = Learning(rules.tick_s)
        self.watch: Watch | None = None
        self.alarms: deque[Alarm] = deque(maxlen=MOST_ALARMS)
        self.heard: dict[str, float] = {}
        self.raised: dict[str, int] = {}
        self.closed = 0
        self.invalid: dict[str, int] = dict.fromkeys(INVALID, 0)
        self.units = Units(behaviours)
        self.ticks = Ticks(rules.tick_s, rules.grace_s)
        self._identities = Identities()
        self._behaviours = {behaviour.name: behaviour for behaviour in behaviours}
        self._context = {behaviour.name for behaviour in behaviours if behaviour.context}
        self._calibrations = dict(calibrations or {})
        self._thresholds = Thresholds()
        self._totals = Totals(self.units.row)

    def observe(
        self, sighting: Sighting, observations: Iterable[Observation], measurements: Iterable[Measurement] = ()
    ) -> None:
        """What one exchange showed. Observations of behaviours that only give context are left out."""
        tick = self.ticks.at(sighting.at_s)
        if tick is None:
            return
        judged = (self.watch.judged_as(sighting.model) if self.watch else None) or sighting.model
        self._identities.saw(judged, sighting.at_s, named=sighting.user is not None)
        taken = (one for one in measurements if one.feature not in self._context)
        exceeded = (one for measured in taken for one in self._thresholds.observations(measured, judged))
        shown = [one for one in (*observations, *exceeded) if one.feature not in self._context]
        for feature in self.units.count(sighting, shown, tick):
            self.heard[feature] = max(self.heard.get(feature, 0.0), sighting.at_s)

    def take(self, parts: Sequence[Part], most: int = MOST) -> int:
        """Counts what several monitors saw of one tick, all that there is, after that of every tick before: as if it had been observed here.
        Of a row with more than ``most`` trials the rest is left out; how many those were.

        Measured values become observations here too, so that one set of thresholds holds for all.
        """
        together = Together(parts, self.units, most)
        for _ in self.taking(together):
            pass
        return together.thinned

    def taking(self, together: Together) -> Iterator[None]:
        """``take`` in short steps, for who has other things to do meanwhile; to be gone through to its end."""
        yield from together.steps()
        for part in together.parts:
            for model, (last_s, named_s) in part.seen.items():
                judged = (self.watch.judged_as(model) if self.watch else None) or model
                self._identities.saw(judged, last_s, named=False)
                if named_s is not None:
                    self._identities.saw(judged, named_s, named=True)
            for reason, count in part.left_out.items():
                self.units.left_out[reason] = self.units.left_out.get(reason, 0) + count
        for place, told in enumerate(together.told):
            self.observe(told.sighting, told.observations, told.measurements)
            if not place % AT_ONCE:
                yield

    def close(self, now_s: float, in_flight_since_s: float | None = None) -> list[Verdict]:
        """Judges every tick that can be closed; the verdicts whose state changed, in order.

        ``in_flight_since_s``: everything that began before has been told, and nothing of it is in flight; None where
        this is not known: then ticks close ``grace_s`` after their end.
        """
        changed = []
        for tick in self.ticks.close(now_s, in_flight_since_s):
            self.closed += 1
            if tick.invalid:
                self.invalid[tick.invalid] += 1
            self._totals.update(tick.counts)
            if self.learning and tick.counts.trials:
                self.learning.update(tick.index, tick.counts)
            if self.watch:
                moved = self.watch.update(tick.index, tick.counts)
                for verdict in moved:
                    if verdict.state == "out_of_control":
                        self.alarms.append(self.watch.alarm(verdict))
                        self.raised[verdict.behaviour] = self.raised.get(verdict.behaviour, 0) + 1
                changed += moved
        return changed

    def verdicts(self) -> list[Verdict]:
        """Of every stratum that is tested or has been seen since the last promotion, and of those that would be if requests
        named their users.
        """
        tested = self.watch.verdicts() if self.watch else []
        at_s = (self.ticks.next or 0) * self.rules.tick_s
        untested = [
            Verdict(
                behaviour=series[0],
                stratum=series[1],
                model=series[2],
                state="no_baseline",
                at_s=at_s,
                explanation=f"{subject(*series[:2])}: {events} of {trials}; there is no baseline to compare it with",
                estimate=events / trials if trials else float("nan"),
                n_current=trials,
            )
            for series, events, trials in self._totals
            if not (self.watch and self.watch.tests(series))
        ]
        return self._without_users([*tested, *untested], at_s)

    def _without_users(self, verdicts: list[Verdict], at_s: float) -> list[Verdict]:
        """The verdicts, where a behaviour must tell users apart and no request names one: ``no_user_key``. What is in alarm
        stays so until it is shown to be over.
        """
        watched = [behaviour for behaviour in self._behaviours.values() if behaviour.needs_identity]
        blind = {(behaviour.name, model) for behaviour in watched for model in self._identities.unnamed()}

        def said(verdict: Verdict) -> Verdict:
            if (verdict.behaviour, verdict.model) not in blind or verdict.state == "out_of_control":
                return verdict
            text = unnamed(verdict.behaviour, verdict.stratum)
            return dataclasses.replace(verdict, state="no_user_key", explanation=text)

        known = {verdict.series for verdict in verdicts}
        unseen = [
            Verdict(behaviour.name, stratum, model, "no_user_key", at_s, unnamed(behaviour.name, stratum))
            for behaviour in watched
            for stratum in behaviour.strata or ()
            for model in sorted(self._identities.unnamed())
            if (behaviour.name, stratum, model) not in known
        ]
        return [*map(said, verdicts), *unseen]

    def gaps(self) -> list[Gap]:
        """Of every behaviour that compares strata, since the last promotion."""
        baseline = None if self.unusable else self.baseline
        return gaps(self._behaviours.values(), self._totals, self._calibrations, baseline)

    @property
    def unnamed(self) -> frozenset[str]:
        """Models of which no request of the last day named its user."""
        return frozenset(self._identities.unnamed())

    @property
    def ready(self) -> bool:
        """Whether enough has been learned for a baseline."""
        return (
            self.learning is not None
            and self.learning.days >= self.rules.learn_days
            and self.learning.most_trials >= self.rules.learn_trials
        )

    def learn(self) -> None:
        """Begins to collect the next baseline; what was being collected is forgotten."""
        self.learning = Learning(self.rules.tick_s)

    def promote(self, now_s: float) -> Baseline:
        """Makes what was learned the baseline. ValueError where nothing, or far too little, was learned."""
        if self.learning is None:
            raise ValueError("nothing is being learned: `learn` first")
        behaviours = self._behaviours.values()
        thresholds = self._thresholds.fixed()
        baseline = promoted(self.learning, behaviours, thresholds, self.rules, self.classifier, now_s)
        self.use(baseline)
        return baseline

    def use(self, baseline: Baseline) -> None:
        """Judges by ``baseline`` from the next tick on. One that does not fit this classifier is put aside as ``unusable``."""
        self.unusable = None
        if baseline.classifier != self.classifier:
            self.unusable = "it was labelled by another classifier"
        elif baseline.counting != COUNTING:
            self.unusable = "it was counted by other rules"
        self.baseline = baseline
        self._totals = Totals(self.units.row)
        if self.unusable:
            self.watch, self.learning = None, self.learning or Learning(self.rules.tick_s)
            return
        self.learning = None
        self._thresholds.take(baseline.thresholds)
        self.watch = Watch(baseline, self.rules, self.units.row)

    def to_json(self, *, whole: bool = True) -> str:
        """The state. Where not ``whole``, ticks that are open are left out: restoring must then be told (``ticks.forgot``)."""
        return json.dumps(
            {
                "baseline": self.baseline.to_json() if self.baseline else None,
                "learning": self.learning.state() if self.learning else None,
                "watch": self.watch.state() if self.watch else None,
                "alarms": [alarm.to_dict() for alarm in self.alarms],
                "heard": self.heard,
                "raised": self.raised,
                "closed": self.closed,
                "invalid": self.invalid,
                "units": self.units.state(whole=whole),
                "ticks": self.ticks.state(whole=whole),
                "identities": self._identities.state(),
                "thresholds": self._thresholds.state(),
                "totals": self._totals.state(),
                "tick_s": self.rules.tick_s,
                "classifier": self.classifier,
            }
        )

    @classmethod
    def from_json(
        cls,
        text: str,
        behaviours: Sequence[Behaviour],
        rules: Rules,
        classifier: str,
        calibrations: Mapping[str, Calibration] | None = None,
    ) -> Self:
        """The inverse of ``to_json``. With ticks of another length, or another classifier, only the baseline is kept."""
        saved: dict[str, Any] = json.loads(text)
        analysis = cls(behaviours, rules, classifier, calibrations)
        if saved["baseline"]:
            analysis.use(Baseline.from_json(saved["baseline"]))
        analysis.alarms.extend(Alarm.from_dict(raw) for raw in saved["alarms"])
        if (saved["tick_s"], saved["classifier"]) != (rules.tick_s, classifier) or bool(saved["watch"]) != bool(
            analysis.watch
        ):
            return analysis
        analysis.learning = None
        if saved["learning"]:
            analysis.learning = Learning(rules.tick_s)
            analysis.learning.restore(saved["learning"])
        if analysis.watch and saved["watch"]:
            analysis.watch.restore(saved["watch"])
        analysis.heard, analysis.raised, analysis.closed = saved["heard"], saved["raised"], saved["closed"]
        analysis.invalid.update(saved["invalid"])
        analysis.units.restore(saved["units"])
        analysis.ticks.restore(saved["ticks"])
        if "identities" in saved:  # an older Kilter did not ask
            analysis._identities.restore(saved["identities"])
        analysis._thresholds.restore(saved["thresholds"])
        analysis._totals.restore(saved["totals"])
        return analysis
