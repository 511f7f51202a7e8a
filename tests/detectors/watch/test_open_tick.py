"""What of a tick counts: nobody twice in a stratum, in whatever order it came."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.watch.open_tick import OpenTick

ROWS = [("refusal", stratum, "m") for stratum in ("en", "tr", "de")]
SEEN = st.tuples(
    st.sampled_from(ROWS), st.none() | st.sampled_from("abcdefgh"), st.text("0123456789abcdef", min_size=4), st.booleans()
)  # fmt: skip


def tick_of(seen):
    tick = OpenTick()
    for row, user, conversation, happened in seen:
        tick.add(row, user, conversation, row if happened else None)
    return tick


@settings(max_examples=200, deadline=None)
@given(seen=st.lists(SEEN, max_size=60, unique_by=lambda one: one[2]), seed=st.randoms())
def test_the_order_of_arrival_does_not_matter_and_the_user_rules_hold(seen, seed):
    counts = tick_of(seen).counts()
    shuffled = list(seen)
    seed.shuffle(shuffled)
    again = tick_of(shuffled).counts()
    assert (counts.trials, counts.events) == (again.trials, again.events)
    for row in counts.trials:
        named = [user for user in counts.users[row] if user]
        assert len(named) == len(set(named))
        assert counts.events.get(row, 0) <= counts.trials[row] == len(counts.users[row])


def test_which_of_a_users_conversations_counts_its_key_decides_and_not_its_answer():
    for refused_first in (True, False):
        tick = OpenTick()
        tick.add(ROWS[0], "u", "b", ROWS[0] if refused_first else None)
        tick.add(ROWS[0], "u", "a", None if refused_first else ROWS[0])
        assert tick.counts().events == ({} if refused_first else {ROWS[0]: 1})


def test_a_chain_of_tools_of_one_user_counts_in_each_of_its_rows():
    tick = OpenTick()
    rows = [("tool_transition", row, "m") for row in ("start", "search", "read")]
    for row in rows:
        tick.add(row, "u", "c", None)
    assert tick.counts().trials == dict.fromkeys(sorted(rows), 1)


def test_it_survives_json():
    tick, again = OpenTick(), OpenTick()
    tick.add(ROWS[0], "u", "b", ROWS[0])
    tick.add(ROWS[1], None, "c", None)
    again.restore(json.loads(json.dumps(tick.state())))
    assert again.counts() == tick.counts()
    assert again.entries == tick.entries == 2
