from scripted import ScriptedModel, refusing, seen

from detectors.behaviours.refusal_by_app import behaviour

BODY = {"messages": [{"role": "user", "content": "Could you explain how bread rises in the oven?"}]}


def test_each_application_has_its_own_rate_and_those_without_a_name_share_one():
    shop = ScriptedModel(refusing(refusal=1.0), app="shop").exchange(BODY, "a")
    desk = ScriptedModel(app="desk").exchange(BODY, "b")
    nameless = ScriptedModel().exchange(BODY, "c")
    assert seen(behaviour, [shop, desk, nameless]) == [("shop", 1.0), ("desk", 0.0), ("none", 0.0)]
