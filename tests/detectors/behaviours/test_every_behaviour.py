"""The contract that every behaviour keeps, whatever the traffic."""

import math
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.catalog import behaviours
from detectors.features.extract import extract
from detectors.features.memory import Memory
from detectors.records.behaviour import no_observations
from detectors.records.exchange import Ended, Exchange, HistoryComplete, Message, Role, Signal, ToolEvent

README = (Path(__file__).parents[3] / "detectors" / "README.md").read_text(encoding="utf-8")

UNITS = {"pick": "picked turn", "conversation": "conversation", "user_day": "user and day"}
TEXT = st.one_of(
    st.text(st.characters(codec=None), max_size=80),
    st.sampled_from(["I'm sorry, but I can't help with that.", "Here you are: the museum opens at nine.", "", "不能"]),
)
EVENTS = st.lists(
    st.builds(
        ToolEvent,
        kind=st.sampled_from(["call", "result"]),
        name=TEXT,
        parallel_group=st.integers(0, 3),
        is_error=st.booleans(),
    ),
    max_size=3,
).map(tuple)
MESSAGES = st.lists(
    st.builds(
        Message,
        role=st.sampled_from(get_args(Role)),
        text=TEXT,
        tool_events=EVENTS,
        refusal=st.none() | TEXT,
        finish_reason=st.none() | TEXT,
    ),
    max_size=4,
).map(tuple)
EXCHANGES = st.builds(
    Exchange,
    operation_name=st.just("chat"),
    provider_name=st.just("x"),
    conversation_id=st.text(max_size=8),
    input_messages=MESSAGES,
    output_messages=MESSAGES,
    tools_offered=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    error_type=st.none() | st.just("server_error"),
    user_key=st.none() | st.text(max_size=8),
    started_at_s=st.floats(0, 2e9),
    time_to_first_chunk_s=st.none() | st.floats(0, 1e6),
    duration_s=st.floats(0, 1e6),
    stream=st.booleans(),
    app=st.sampled_from(["", "shop"]),
    truncated=st.booleans(),
    ended=st.sampled_from(get_args(Ended)),
    turns=st.none() | st.integers(0, 10**6),
    history_complete=st.sampled_from(get_args(HistoryComplete)),
    signals=st.lists(st.sampled_from(get_args(Signal)), unique=True).map(tuple),
    status=st.sampled_from([200, 200, 200, 400, 500]),
)

every_behaviour = pytest.mark.parametrize("behaviour", behaviours(), ids=lambda behaviour: behaviour.name)


@settings(max_examples=200, deadline=None)
@given(exchanges=st.lists(EXCHANGES, min_size=1, max_size=3))
def test_whatever_the_exchanges_every_behaviour_keeps_the_contract(exchanges):
    memory = Memory(1)
    for exchange in [*exchanges, exchanges[-1]]:
        features = memory.remember(exchange, extract(exchange))
        for behaviour in behaviours():
            _keeps_the_contract(behaviour, exchange, features)


def _keeps_the_contract(behaviour, exchange, features):
    seen = list(behaviour.observe(exchange, features))
    assert seen == list(behaviour.observe(exchange, features))
    measured = list(behaviour.measure(exchange, features)) if behaviour.measure else []
    assert all(observation.value in (0.0, 1.0) for observation in seen)
    assert all(math.isfinite(measurement.value) and measurement.value >= 0 for measurement in measured)
    facts = [*seen, *measured]
    assert len({fact.stratum for fact in facts}) == len(facts)
    for fact in facts:
        assert fact.feature == behaviour.name
        assert fact.stratum
        assert behaviour.strata is None or fact.stratum in behaviour.strata
        assert behaviour.row is None or behaviour.row(fact.stratum)
        assert fact.conversation == exchange.conversation_id
        assert fact.user == exchange.user_key
        assert fact.user is not None or not behaviour.needs_identity
        assert fact.at_s == exchange.started_at_s
    if exchange.status >= 400:
        assert not facts or (behaviour.name == "policy_block" and exchange.signals)
    if behaviour.exclusive or behaviour.row:
        assert len(facts) <= 1


@every_behaviour
def test_it_counts_or_measures_or_compares(behaviour):
    assert (behaviour.measure is not None) + (behaviour.compares is not None) + (
        behaviour.observe is not no_observations
    ) == 1
    assert behaviour.compares is None or behaviour.compares.behaviour in {other.name for other in behaviours()}


def test_what_is_only_context_says_so_and_is_measured():
    context = [behaviour for behaviour in behaviours() if behaviour.context]
    assert {behaviour.name for behaviour in context} == {"first_token_time", "duration"}
    assert all(behaviour.measure for behaviour in context)


@every_behaviour
def test_the_reader_is_told_what_it_watches_and_what_breaks_it(behaviour):
    assert behaviour.question.endswith("?")
    assert behaviour.unit
    assert behaviour.assumes
    assert behaviour.breaks


@every_behaviour
def test_it_stands_in_the_documentation_with_its_question(behaviour):
    row = next(line for line in README.splitlines() if line.startswith(f"| `{behaviour.name}` |"))
    assert behaviour.question in row
    assert f"| {UNITS[behaviour.unit_rule]} |" in row
    assert ("context" in row) == behaviour.context


@every_behaviour
def test_the_module_says_its_unit_and_assumptions(behaviour):
    doc = __import__(f"detectors.behaviours.{behaviour.name}", fromlist=["behaviour"]).__doc__
    assert "Unit:" in doc
    assert "Assumes" in doc
    assert "Breaks" in doc
