"""Two analyses around an upgrade of the classifier: the earlier classifier goes on judging while this one learns.

A baseline's rates were counted by the classifier that labelled it, errors included; another one's are not
comparable. Where the earlier classifier is shipped with this version (``detectors.features.classifier``) it judges on by
that baseline, and ``collecting`` learns by this version's; a promotion ends it. Else ``judging`` says that it cannot.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from detectors.features.classifier import Classifier, classifier, kept
from detectors.records.baseline import Baseline
from detectors.records.measurement import Measurement
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.records.verdict import Verdict
from detectors.watch.analysis import Analysis


class Succession:
    """``make(digest, state)`` is an analysis of what that classifier labels: fresh, or as saved. ``current`` is this version's digest."""

    def __init__(self, make: Callable[[str, str | None], Analysis], current: str) -> None:
        self._make = make
        self._current = current
        self.judging = make(current, None)
        self.collecting: Analysis | None = None

    @property
    def learner(self) -> Analysis:
        """The one that is fed by this version's classifier, and learns."""
        return self.collecting or self.judging

    def earlier(self) -> tuple[Classifier, Callable[..., None]] | None:
        """The earlier classifier and who is given what it sees; None while there is no need of it."""
        return (classifier(self.judging.classifier), self.judging.observe) if self.collecting else None

    def observe(
        self, sighting: Sighting, observations: Sequence[Observation], measurements: Sequence[Measurement]
    ) -> None:
        """What one exchange showed, by this version's classifier."""
        self.learner.observe(sighting, observations, measurements)

    def use(self, baseline: Baseline) -> None:
        """Judges by ``baseline``, with the classifier that it belongs to if that is at hand."""
        learner = self.learner
        if _at_hand(baseline.classifier, self._current):
            self.judging, self.collecting = self._make(baseline.classifier, None), learner
            if learner.learning is None:
                learner.learn()
        else:
            self.judging, self.collecting = learner, None
        self.judging.use(baseline)

    def promote(self, now_s: float) -> Baseline:
        """What was learned becomes the baseline. ValueError where it is too little."""
        baseline = self.learner.promote(now_s)
        self.judging, self.collecting = self.learner, None
        return baseline

    def close(self, now_s: float, in_flight_since_s: float | None) -> list[Verdict]:
        """As ``Analysis.close``, of the one that judges."""
        if self.collecting:
            self.collecting.close(now_s, in_flight_since_s)
        return self.judging.close(now_s, in_flight_since_s)

    def copied(self, at_s: float, kept_copies: int, lost: int) -> None:
        """As ``Ticks.copied``."""
        for analysis in self._both():
            analysis.ticks.copied(at_s, kept_copies, lost)

    def forgot(self, until_s: float) -> None:
        """As ``Ticks.forgot``."""
        for analysis in self._both():
            analysis.ticks.forgot(until_s)

    def to_json(self, *, whole: bool = True) -> str:
        """The state of both."""
        collecting = self.collecting.to_json(whole=whole) if self.collecting else None
        return json.dumps({"judging": self.judging.to_json(whole=whole), "collecting": collecting})

    def restore(self, text: str) -> None:
        """Goes on from ``to_json``. After an upgrade the classifier of the baseline judges on, if it is at hand."""
        saved = json.loads(text)
        kept_baseline = json.loads(saved["judging"])["baseline"]
        digest = Baseline.from_json(kept_baseline).classifier if kept_baseline else self._current
        if _at_hand(digest, self._current):
            self.judging = self._make(digest, saved["judging"])
            # What an upgrade before this one was collecting was labelled by neither, or by this one.
            collected = saved["collecting"]
            same = collected is not None and json.loads(collected)["classifier"] == self._current
            self.collecting = self._make(self._current, collected if same else None)
        else:
            self.judging, self.collecting = self._make(self._current, saved["judging"]), None

    def _both(self) -> list[Analysis]:
        return [self.judging, *([self.collecting] if self.collecting else [])]


def _at_hand(digest: str, current: str) -> bool:
    """Whether an earlier classifier is shipped and can still judge."""
    if digest == current or digest not in kept():
        return False
    try:
        classifier(digest)
    except ValueError:
        return False
    return True
