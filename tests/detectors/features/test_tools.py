from detectors.features.tools import NAME, STATES, tool_sequence, tool_state
from detectors.records.exchange import Exchange, Message, ToolEvent

ASK = Message("user", "Find me a flight and book it.")


def call(*names, group=0):
    return Message("assistant", "", tuple(ToolEvent("call", name, name, parallel_group=group) for name in names))


def result(*names, group=0, error=False, role="tool", text=""):
    events = tuple(ToolEvent("result", name, name, parallel_group=group, is_error=error) for name in names)
    return Message(role, text, events)


def exchange(*messages, offered=("search", "book"), answer=None):
    return Exchange(
        "chat", "x", input_messages=messages, tools_offered=offered, output_messages=(answer,) if answer else ()
    )


def read(*messages, **options):
    seen = exchange(*messages, **options)
    return tool_state(seen), tool_sequence(seen)


def test_no_tools_at_all():
    assert read(ASK, offered=()) == ("no_tools", "none")


def test_tools_offered_and_none_called():
    assert read(ASK) == ("offered", "none")


def test_the_last_two_results_in_their_order():
    history = [ASK]
    for group, name in enumerate(["find", "search", "book"]):
        history += [call(name, group=group), result(name, group=group)]
    assert read(*history) == ("after_result", "search>book")


def test_a_new_human_turn_starts_the_sequence_again():
    assert read(ASK, call("search"), result("search"), Message("user", "Thanks. And now a poem.")) == ("called", "none")


def test_an_error_is_told_apart():
    assert read(ASK, call("search"), result("search", error=True))[0] == "after_error"


def test_one_error_among_parallel_results_is_an_error():
    both = Message(
        "tool",
        "",
        (
            ToolEvent("result", "search", "1", parallel_group=0, is_error=True),
            ToolEvent("result", "book", "2", parallel_group=0),
        ),
    )
    assert read(ASK, call("search", "book"), both) == ("after_error", "search>book")


def test_an_error_is_read_from_the_words_where_the_format_cannot_say():
    assert read(ASK, call("book"), result("book", text="Error: no seats left"))[0] == "after_error"
    assert read(ASK, call("book"), result("book", text="2 seats left"))[0] == "after_result"


def test_words_beside_results_are_the_humans_and_no_error():
    assert read(ASK, call("book"), result("book", role="user", text="Error: I meant Rome"))[0] == "after_result"


def test_an_error_that_was_made_good_is_over():
    steps = (call("search"), result("search", error=True), call("search", group=1), result("search", group=1))
    assert read(ASK, *steps) == ("after_result", "search>search")


def test_results_that_a_user_message_carries_are_no_human_turn():
    assert read(ASK, call("search"), result("search", role="user")) == ("after_result", "search")


def test_text_beside_results_is_a_human_turn_that_brings_them():
    mixed = result("book", role="user", text="Hurry up, please.")
    assert read(ASK, call("search"), result("search"), call("book", group=1), mixed) == ("after_result", "book")


def test_what_the_answer_does_cannot_move_its_own_stratum():
    assert read(ASK, answer=call("search")) == read(ASK) == ("offered", "none")


def test_what_the_server_ran_within_the_answer_cannot_move_it_either():
    ran = Message("assistant", "", (ToolEvent("call", "web", "1"), ToolEvent("result", "web", "1")))
    assert read(ASK, answer=ran) == ("offered", "none")


def test_a_picture_without_words_is_a_human_turn():
    assert read(ASK, call("search"), result("search"), Message("user", "")) == ("called", "none")


def test_a_result_without_a_name_still_counts():
    assert read(ASK, call(""), result(""))[1] == "unnamed"


def test_a_long_name_is_cut():
    assert len(read(ASK, call("x" * 500), result("x" * 500))[1]) == NAME


def test_every_state_is_reached():
    seen = {
        read(ASK, offered=())[0],
        read(ASK)[0],
        read(ASK, call("a"))[0],
        read(ASK, call("a"), result("a"))[0],
        read(ASK, call("a"), result("a", error=True))[0],
    }
    assert seen == set(STATES)
