"""Results find their calls."""

from __future__ import annotations

from sidecar.wire.tool_ledger import ToolLedger


def group_of(*calls):
    ledger = ToolLedger()
    ledger.begin_message()
    for name, call_id in calls:
        ledger.call(name, call_id)
    return ledger


def test_results_are_named_by_id_in_whatever_order_they_come():
    ledger = group_of(("a", "c1"), ("b", "c2"))
    assert [ledger.result(call_id).name for call_id in ("c2", "c1")] == ["b", "a"]


def test_results_without_ids_are_named_by_position():
    ledger = group_of(("a", ""), ("b", ""), ("a", ""))
    assert ledger.result(name="b").name == "b"
    assert [ledger.result().name for _ in range(3)] == ["a", "a", ""]


def test_an_id_that_no_call_had_is_named_by_position():
    ledger = group_of(("a", "c1"), ("b", "c2"))
    ledger.result("c1")
    assert ledger.result("other").name == "b"


def test_calls_of_one_message_and_their_results_share_a_group():
    ledger = group_of(("a", "c1"), ("b", "c2"))
    ledger.begin_message()
    assert ledger.call("c", "c3").parallel_group == 1
    assert ledger.result("c2").parallel_group == 0
    assert ledger.result("c3").parallel_group == 1


def test_a_message_without_calls_takes_no_group():
    ledger = group_of(("a", "c1"))
    ledger.begin_message()
    ledger.begin_message()
    assert ledger.call("b").parallel_group == 1


def test_an_id_used_again_means_the_latest_call():
    ledger = group_of(("a", "call_0"))
    ledger.begin_message()
    ledger.call("b", "call_0")
    event = ledger.result("call_0")
    assert (event.name, event.parallel_group) == ("b", 1)


def test_a_result_whose_call_nobody_saw_has_a_group_before_the_next_call():
    ledger = ToolLedger()
    assert ledger.result("c0", "f").parallel_group == 0
    ledger.begin_message()
    assert ledger.call("g").parallel_group == 1
