"""A fire drill: a drift made on purpose, through everything between a client's request and an alarm, beside the statistics.

Rules of this file
* Requests go over sockets through a relay, its recorder and a ring (``drill_worker``), and their records through the monitor's
  own stages with its rules, its baseline and its classifier. Worker, labels, memory, counts and analysis are the drill's own:
  nothing of it reaches those of live traffic.
* One stratum a drill, with its own part of the false-alarm budget, at the baseline's pace, in times of its own: a drill of a
  day takes seconds. Events are spaced evenly, so that a drill says the same every time.
* A drill is promised what `kilter power` promises: 39 of 40 drifts of this size are found within that time.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from detectors.features.memory import Memory
from detectors.records.baseline import OVERALL, REST, Baseline, Reference
from detectors.records.behaviour import Behaviour
from detectors.watch.analysis import Analysis
from detectors.watch.layered import stratum_of
from detectors.watch.promise import Asked, Promise, promise, strata_of
from detectors.watch.rules import Rules
from sidecar.demo.language import Language, Topic, languages
from sidecar.export.labels import Labels, Limits
from sidecar.monitor.drill_worker import DrillWorker, only_limits
from sidecar.monitor.naming import Naming
from sidecar.monitor.pipeline import Pipeline
from sidecar.monitor.ticks import Rates
from sidecar.settings import CaptureSettings

DRILLED = ("refusal_by_language", "hollow_refusal", "refusal_by_length")
"""Behaviours that single answers of one turn show."""
ALERTS = {
    "hollow_refusal": "HollowRefusalRise",
    "persistence_yield": "PersistenceYield",
    "tool_transition": "ToolTransitionDrift",
}
OTHERS = "BehaviourDrift"
"""The alert of every behaviour that has none of its own; ``deploy/prometheus/rules/verdicts.yaml``."""
SHIFTS = (0.25, 0.5)
MOST_TICKS = 50_000
_FIRST_TURN = "1"
_MARK = "drill-"
_AS_SHIPPED = CaptureSettings()


@dataclass(frozen=True, slots=True)
class Drill:
    """One stratum and the rise that is made in it. Rates in [0, 1], seconds of the drill's own time. ``after_s`` is None where
    the alarm was not raised within ``promised_s``; ``exchanges`` were sent through the stages by then.
    """

    behaviour: str
    stratum: str
    model: str
    language: str
    rate: float
    shift: float
    promised_s: float
    fired: bool
    after_s: float | None
    exchanges: int
    alert: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return dataclasses.asdict(self)


class StoppedError(Exception):
    """Whoever asked has gone."""


def drills(
    baseline: Baseline,
    rules: Rules,
    behaviours: Sequence[Behaviour],
    begin_s: float,
    capture: CaptureSettings = _AS_SHIPPED,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Drill]:
    """One of each behaviour of ``DRILLED`` that the baseline could show. ``begin_s``: Unix time at which it pretends to begin.
    ``capture``: how much of an exchange the workers copy. StoppedError soon after ``stopped()`` is true; WorkerError where
    exchanges do not reach the ring.
    """
    for name in DRILLED:
        planned = _planned(name, baseline, rules)
        if planned is not None:
            yield _run(*planned, baseline, rules, behaviours, begin_s, capture, stopped)


def _planned(name: str, baseline: Baseline, rules: Rules) -> tuple[Reference, str, Promise] | None:
    """The stratum with most trials that texts are at hand for, in which language, and what is promised of it."""
    known = {(asked.behaviour, asked.stratum, asked.model): asked for asked in strata_of(baseline, rules)}
    own = [one for one in baseline.references if one.behaviour == name and one.stratum not in (OVERALL, REST)]
    for reference in sorted(own, key=lambda one: (-one.trials, one.series)):
        language = _language(reference)
        if language:
            found = _promised(known[reference.series], rules)
            if found is not None:
                return reference, language, found
    return None


def _language(reference: Reference) -> str:
    """The language to speak, empty where the stratum cannot be made."""
    if reference.behaviour == "refusal_by_language":
        return reference.stratum if reference.stratum in languages() else ""
    if stratum_of(reference.stratum) != _FIRST_TURN:
        return ""
    for layer in sorted(reference.layers, key=lambda one: -one.trials):
        tag = layer.stratum.removeprefix(stratum_of(layer.stratum))[1:]
        if tag in languages():
            return tag
    return "en"


def _promised(asked: Asked, rules: Rules) -> Promise | None:
    for shift in SHIFTS:
        if asked.stream.rate + shift < 1:
            found = promise(asked, shift, rules)
            if found.says == "found" and (found.promised_s or 0) / rules.tick_s <= MOST_TICKS:
                return found
    return None


def _run(
    reference: Reference,
    language: str,
    found: Promise,
    baseline: Baseline,
    rules: Rules,
    behaviours: Sequence[Behaviour],
    begin_s: float,
    capture: CaptureSettings,
    stopped: Callable[[], bool],
) -> Drill:
    share = reference.weight / sum(one.weight for one in baseline.references)
    alone = dataclasses.replace(baseline, references=(dataclasses.replace(reference, weight=1.0),))
    own_rules = dataclasses.replace(rules, false_alarm_budget=rules.false_alarm_budget * share)
    analysis = Analysis(behaviours, own_rules, baseline.classifier)
    analysis.use(alone)
    key = os.urandom(32)
    stages = _Stages(analysis, behaviours, own_rules, Naming(key, only_limits(capture), os.urandom, lambda _: None))
    rate = _rate(reference, language)
    texts = _Texts(languages()[language], reference.behaviour, reference.model, min(rate + found.shift, 1.0))
    pace = found.trials_per_day * rules.tick_s / 86400.0
    first = int(begin_s // rules.tick_s) + 1
    ticks = int((found.promised_s or 0.0) // rules.tick_s) + 1
    sent, after_s = 0, None
    with DrillWorker(capture, key, texts.answer, stages.pipeline.process) as worker:
        for tick in range(ticks):
            if stopped():
                raise StoppedError
            due = int(pace * (tick + 1)) - sent
            at_s = [(first + tick + (number + 0.5) / due) * rules.tick_s for number in range(due)]
            worker.ask([(texts.request(sent + number), moment) for number, moment in enumerate(at_s)])
            sent += due
            end_s = (first + tick + 1) * rules.tick_s
            changed = analysis.close(end_s, end_s)
            if any(one.state == "out_of_control" and one.series == reference.series for one in changed):
                after_s = (tick + 1) * rules.tick_s
                break
    promised_s = found.promised_s or 0.0
    return Drill(
        *reference.series,
        language=language,
        rate=rate,
        shift=found.shift,
        promised_s=promised_s,
        fired=after_s is not None,
        after_s=after_s,
        exchanges=sent,
        alert=ALERTS.get(reference.behaviour, OTHERS),
    )


def _rate(reference: Reference, language: str) -> float:
    """That of the layer that is spoken, where the stratum was counted by language."""
    layers = [one for one in reference.layers if one.stratum == f"{stratum_of(one.stratum)}|{language}"]
    return layers[0].events / layers[0].trials if layers and layers[0].trials else reference.rate


class _Stages:
    """The stages of the monitor with nobody listening but the drill's analysis."""

    def __init__(self, analysis: Analysis, behaviours: Sequence[Behaviour], rules: Rules, naming: Naming) -> None:
        labels = Labels(behaviours, Limits(), lambda _: None)
        rates = Rates(rules.tick_s, rules.tick_s)  # shown by nobody here
        self.pipeline = Pipeline(behaviours, labels, rates, (), Memory(1), naming.read, judge=analysis.observe)


class _Texts:
    """Single questions, and a model server's answers, of which a share ``rate`` shows the event. Each question has a user of
    its own, whose number is all that the model server goes by.
    """

    def __init__(self, language: Language, behaviour: str, model: str, rate: float) -> None:
        self._language = language
        self._behaviour = behaviour
        self._model = model
        self._rate = rate

    def request(self, number: int) -> bytes:
        """The body of request ``number``, from 0."""
        return json.dumps(
            {
                "model": self._model,
                "user": f"{_MARK}{number}",
                "messages": [{"role": "user", "content": self._topic(number).ask}],
            }
        ).encode()

    def answer(self, request: bytes) -> bytes:
        """The body of the answer to ``request(number)``."""
        number = int(json.loads(request)["user"].removeprefix(_MARK))
        happens = int(self._rate * (number + 1)) > int(self._rate * number)
        content = self._content(self._topic(number).answer, number, happens=happens)
        message = {"role": "assistant", "content": content}
        return json.dumps(
            {
                "id": f"chatcmpl-{_MARK}{number}",
                "object": "chat.completion",
                "model": self._model,
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            }
        ).encode()

    def _topic(self, number: int) -> Topic:
        return self._language.topics[number % len(self._language.topics)]

    def _content(self, full: str, number: int, *, happens: bool) -> str:
        refusals, disclaimers = self._language.refusals, self._language.disclaimers
        refusal = refusals[number % len(refusals)]
        if self._behaviour == "hollow_refusal":
            return f"{disclaimers[number % len(disclaimers)]}\n\n{full}" if happens else refusal
        return refusal if happens else full
