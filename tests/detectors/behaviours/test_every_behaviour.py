"""The contract that every behaviour keeps, whatever the traffic."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.catalog import behaviours
from detectors.features.extract import extract
from detectors.records.exchange import Ended, Exchange, HistoryComplete, Message, Role, Signal, ToolEvent

README = (Path(__file__).parents[3] / "detectors" / "README.md").read_text(encoding="utf-8")

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
    truncated=st.booleans(),
    ended=st.sampled_from(get_args(Ended)),
    turns=st.none() | st.integers(0, 10**6),
    history_complete=st.sampled_from(get_args(HistoryComplete)),
    signals=st.lists(st.sampled_from(get_args(Signal)), unique=True).map(tuple),
    status=st.sampled_from([200, 200, 200, 400, 500]),
)

every_behaviour = pytest.mark.parametrize("behaviour", behaviours(), ids=lambda behaviour: behaviour.name)


@every_behaviour
@settings(max_examples=150, deadline=None)
@given(exchange=EXCHANGES)
def test_whatever_the_exchange_observations_keep_the_contract(behaviour, exchange):
    features = extract(exchange)
    seen = list(behaviour.observe(exchange, features))
    assert len(seen) <= 1
    assert seen == list(behaviour.observe(exchange, features))
    for observation in seen:
        assert observation.feature == behaviour.name
        assert observation.value in (0.0, 1.0)
        assert observation.stratum
        assert behaviour.strata is None or observation.stratum in behaviour.strata
        assert observation.conversation == exchange.conversation_id
        assert observation.user == exchange.user_key
        assert observation.at_s == exchange.started_at_s
    if exchange.status >= 400:
        assert not seen


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


@every_behaviour
def test_the_module_says_its_unit_and_assumptions(behaviour):
    doc = __import__(f"detectors.behaviours.{behaviour.name}", fromlist=["behaviour"]).__doc__
    assert "Unit:" in doc
    assert "Assumes" in doc
    assert "Breaks" in doc
