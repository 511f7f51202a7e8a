from scripted import seen

from detectors.behaviours.format_shape import behaviour
from detectors.records.exchange import Exchange, Message, ToolEvent

YES = "Slide a thin card between the bolt and its plate, and lift the bolt."


def exchange(text, **fields):
    message = text if isinstance(text, Message) else Message("assistant", text)
    return Exchange("chat", "x", output_messages=(message,), **fields)


def test_every_answer_has_one_shape_and_is_a_trial_of_all():
    assert seen(behaviour, [exchange(YES)]) == [("json", 0.0), ("code", 0.0), ("list", 0.0), ("prose", 1.0)]


def test_a_model_that_wraps_its_json_in_a_sentence_changes_shape():
    ((bare, _),) = [one for one in seen(behaviour, [exchange('{"city": "Lisbon"}')]) if one[1]]
    ((wrapped, _),) = [one for one in seen(behaviour, [exchange('Sure! {"city": "Lisbon"}')]) if one[1]]
    assert (bare, wrapped) == ("json", "prose")


def test_refusals_calls_and_cut_copies_have_no_shape():
    call = Message("assistant", "", (ToolEvent("call", "search"),))
    others = [exchange("I'm sorry, but I can't help with that."), exchange(call), exchange(YES, truncated=True)]
    assert seen(behaviour, others) == []
