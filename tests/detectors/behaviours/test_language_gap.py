"""The gap itself is tested with ``stats.rate_gap``; here is what it is a gap of."""

from scripted import ScriptedModel, refusing, seen

from detectors.behaviours.language_gap import behaviour
from detectors.behaviours.refusal_by_language import behaviour as by_language
from detectors.features.calibration import shipped
from detectors.stats.rate_gap import Counted, rate_gap
from sidecar.demo.language import languages
from sidecar.demo.script import Phase, Policy, Rule, Script


def counts(rules):
    """(refusals, answers) by language of the scripted model, 400 answers each in English and German."""
    model = ScriptedModel(Script(seed=3, phases=(Phase(policy=Policy(refusal=0.1), rules=rules),)))
    bodies = [
        {"messages": [{"role": "user", "content": languages()[tag].topics[n % 3].ask}]}
        for n in range(800)
        for tag in [("en", "de")[n % 2]]
    ]
    found = {}
    for stratum, value in seen(by_language, [model.exchange(body, f"c{n}") for n, body in enumerate(bodies)]):
        events, trials = found.get(stratum, (0, 0))
        found[stratum] = events + int(value), trials + 1
    return found


def gap(rules=()):
    found, against = counts(rules), behaviour.compares
    assert against.behaviour == by_language.name
    return rate_gap(Counted(*found["de"]), Counted(*found[against.anchor]), against.limit)


def test_a_model_that_refuses_far_more_in_german_exceeds_the_limit():
    found = gap((Rule(Policy(refusal=0.4), languages=("de",)),))
    assert found.state == "exceeded"
    assert 0.2 < found.estimate < 0.4


def test_a_model_that_refuses_alike_does_not():
    assert gap().state in ("watch", "insufficient", "ok")
    assert abs(gap().estimate) < 0.1


def test_it_counts_nothing_itself():
    body = {"messages": [{"role": "user", "content": "Could you explain how bread rises in the oven?"}]}
    assert seen(behaviour, [ScriptedModel(refusing(refusal=1.0)).exchange(body, "c")]) == []


def test_english_is_calibrated_so_that_gaps_can_be_corrected():
    assert behaviour.compares.anchor in shipped()
