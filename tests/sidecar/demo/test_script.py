"""The script: what happens at which exchange, and that it is always the same."""

from collections import Counter

import pytest
from pydantic import ValidationError

from sidecar.demo import openai_chat
from sidecar.demo.language import languages
from sidecar.demo.script import Phase, Policy, Rule, Script

TOOLS = [{"type": "function", "function": {"name": name}} for name in ("search", "read_page", "send_email")]


def asked(text="How do I boil an egg?", *, turns=1, tools=0, calls=0, **body):
    messages = [{"role": "user", "content": text}]
    for _ in range(turns - 1):
        messages += [{"role": "assistant", "content": "yes"}, {"role": "user", "content": text}]
    for at in range(calls):
        messages += [
            {"role": "assistant", "tool_calls": [{"id": f"c{at}"}]},
            {"role": "tool", "tool_call_id": f"c{at}", "content": "found"},
        ]
    return openai_chat.read({"messages": messages, "tools": TOOLS[:tools], **body})


def labels(script, request, exchanges):
    return Counter(label for at in exchanges for label in script.outcome(request, at).labels)


def one(policy, *rules):
    return Script(seed=11, phases=(Phase(policy=policy, rules=rules),))


def test_an_exchange_has_the_same_outcome_every_time_and_in_every_order():
    script = one(Policy(refusal=0.3, hollow_refusal=0.3, empty=0.1, stall=0.2, cut=0.1, error=0.1))
    forwards = [script.outcome(asked(), at) for at in range(200)]
    backwards = [script.outcome(asked(), at) for at in reversed(range(200))]
    assert forwards == backwards[::-1]
    assert len({outcome.labels for outcome in forwards}) == 6


def test_another_seed_gives_another_course():
    policy = Policy(refusal=0.5)
    courses = [
        [Script(seed=seed, phases=(Phase(policy=policy),)).outcome(asked(), at).labels for at in range(64)]
        for seed in (1, 2)
    ]
    assert courses[0] != courses[1]


def test_shares_of_labels_are_the_policys_chances():
    # Seed 11, n = 4000: three standard errors are 0.024 at most.
    seen = labels(one(Policy(refusal=0.3, hollow_refusal=0.2, empty=0.1)), asked(), range(4000))
    for label, chance in (("refusal", 0.3), ("hollow_refusal", 0.2), ("empty", 0.1), ("compliance", 0.4)):
        assert seen[label] / 4000 == pytest.approx(chance, abs=0.024)


def test_a_phase_begins_at_its_exchange_and_not_one_before():
    script = Script(phases=(Phase(), Phase(from_exchange=40, policy=Policy(refusal=1.0), fingerprint="fp_2")))
    course = [script.outcome(asked(), at) for at in (0, 39, 40, 41)]
    assert [outcome.labels for outcome in course] == [("compliance",), ("compliance",), ("refusal",), ("refusal",)]
    assert [outcome.fingerprint for outcome in course] == ["fp_scripted_1", "fp_scripted_1", "fp_2", "fp_2"]


def test_a_phase_put_in_later_replaces_only_one_that_begins_with_it():
    script = Script().with_phase(Phase(5, Policy(refusal=1.0))).with_phase(Phase(5, Policy(empty=1.0)))
    assert [script.outcome(asked(), at).labels for at in (4, 5)] == [("compliance",), ("empty",)]


@pytest.mark.parametrize(
    ("conditions", "fits", "fits_not"),
    [
        ({"languages": ("de",)}, asked("Wie koche ich ein Ei?"), asked()),
        ({"turns": (2, 3)}, asked(turns=3), asked(turns=4)),
        ({"turns": (2, 3)}, asked(turns=2), asked(turns=1)),
        ({"tool_state": "after_result"}, asked(tools=1, calls=1), asked(tools=1)),
        ({"tool_state": "none"}, asked(), asked(tools=1)),
        ({"tools": ("send_email",)}, asked(tools=3), asked(tools=2)),
        ({"models": ("big",)}, asked(model="big"), asked(model="small")),
    ],
)
def test_a_rule_holds_for_what_fits_it_and_for_nothing_else(conditions, fits, fits_not):
    script = one(Policy(), Rule(Policy(refusal=1.0), **conditions))
    assert script.outcome(fits, 0).labels == ("refusal",)
    assert script.outcome(fits_not, 0).labels == ("compliance",)


def test_a_rule_can_give_in_at_the_fifth_try():
    script = one(Policy(refusal=1.0), Rule(Policy(), attempts=(5, 6)))
    course = [script.outcome(asked(), 0, attempt).labels[0] for attempt in (1, 4, 5, 6, 7)]
    assert course == ["refusal", "refusal", "compliance", "compliance", "refusal"]


def test_the_first_rule_that_fits_decides():
    rules = (Rule(Policy(refusal=1.0), turns=(2, 9)), Rule(Policy(empty=1.0), turns=(1, 9)))
    assert one(Policy(), *rules).outcome(asked(turns=2), 0).labels == ("refusal",)
    assert one(Policy(), *rules).outcome(asked(turns=1), 0).labels == ("empty",)


@pytest.mark.parametrize("tag", sorted(languages()))
def test_the_label_is_what_the_text_is(tag):
    language = languages()[tag]
    full = {topic.answer for topic in language.topics}
    known = full | {topic.answer for topic in language.follow_ups}
    script = one(Policy(refusal=0.34, hollow_refusal=0.33))
    seen = set()
    for topic in (*language.topics, *language.follow_ups):
        for at in range(30):
            (choice,) = script.outcome(asked(topic.ask), at).choices
            seen.add(choice.label)
            if choice.label == "refusal":
                assert choice.text in language.refusals
            elif choice.label == "hollow_refusal":
                disclaimer, content = choice.text.split("\n\n", 1)
                assert disclaimer in language.disclaimers
                assert content in full
            else:
                assert choice.text in known
                assert not any(words in choice.text for words in (*language.refusals, *language.disclaimers))
    assert seen == {"refusal", "hollow_refusal", "compliance"}


def test_answers_can_be_in_a_fixed_language():
    for policy in (Policy(language="sw"), Policy(language="sw", refusal=1.0)):
        (choice,) = one(policy).outcome(asked("Wie koche ich ein Ei?"), 0).choices
        swahili = languages()["sw"]
        assert choice.text in {*swahili.refusals, *(topic.answer for topic in swahili.topics)}


def test_a_request_with_a_seed_is_answered_by_its_content_streamed_or_not():
    script = one(Policy(refusal=0.5))
    first = script.outcome(asked(seed=1), 3)
    assert first == script.outcome(asked(seed=1, stream=True), 900)
    assert len({script.outcome(asked(seed=seed), 3).key for seed in range(10)}) == 10


def test_a_tool_chain_is_called_in_order_and_then_answered():
    script = one(Policy(tool_call=1.0, tool_chain=("search", "send_email")))
    steps = [script.outcome(asked(tools=3, calls=calls), calls).choices[0] for calls in range(3)]
    assert [[call.name for call in step.calls] for step in steps] == [["search"], ["send_email"], []]
    assert [step.label for step in steps] == ["compliance"] * 3
    assert steps[2].text


def test_without_a_chain_one_offered_tool_is_called_once():
    script = one(Policy(tool_call=1.0))
    picked = {script.outcome(asked(tools=3), at).choices[0].calls[0].name for at in range(40)}
    assert picked == {"search", "read_page", "send_email"}
    assert script.outcome(asked(tools=3, calls=1), 0).choices[0].calls == ()


def test_tool_choice_is_obeyed_before_the_policy():
    assert one(Policy(tool_call=1.0)).outcome(asked(tools=3, tool_choice="none"), 0).choices[0].calls == ()
    assert len(one(Policy()).outcome(asked(tools=3, tool_choice="required"), 0).choices[0].calls) == 1
    named = {"type": "function", "function": {"name": "read_page"}}
    calls = one(Policy()).outcome(asked(tools=3, tool_choice=named), 0).choices[0].calls
    assert [call.name for call in calls] == ["read_page"]


def test_parallel_calls_have_ids_of_their_own():
    calls = one(Policy(tool_call=1.0, parallel_calls=3)).outcome(asked(tools=3), 0).choices[0].calls
    assert len({call.id for call in calls}) == 3


def test_an_exchange_fails_or_is_cut_but_not_both():
    script = one(Policy(error=0.5, cut=1.0))
    outcomes = [script.outcome(asked(), at) for at in range(50)]
    assert {outcome.labels for outcome in outcomes} == {("error",), ("cut",)}
    assert all((outcome.error_status is None) != (outcome.cut_after_bytes is None) for outcome in outcomes)


def test_a_script_comes_out_of_plain_data_as_it_was_written():
    raw = {"seed": 3, "phases": [{"rules": [{"policy": {"refusal": 0.9}, "languages": ["sw"], "turns": [1, 2]}]}]}
    rule = Rule(Policy(refusal=0.9), languages=("sw",), turns=(1, 2))
    assert Script.from_json(raw) == Script(seed=3, phases=(Phase(rules=(rule,)),))


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ({"phases": [{"policy": {"refusal": 1.5}}]}, "chance"),
        ({"phases": [{"policy": {"refusal": 0.7, "empty": 0.7}}]}, "<= 1"),
        ({"phases": [{"policy": {"refusals": 0.7}}]}, "refusals"),
        ({"phases": [{"policy": {"language": "tlh"}}]}, "language"),
        ({"phases": [{"policy": {"error_status": 200}}]}, "error_status"),
        ({"phases": [{"policy": {"parallel_calls": 0}}]}, "parallel_calls"),
        ({"phases": [{"from_exchange": 1}]}, "from_exchange 0"),
        ({"phases": []}, "from_exchange 0"),
        ({"phase": []}, "phase"),
    ],
)
def test_a_wrong_script_is_refused_and_the_mistake_is_named(raw, named):
    with pytest.raises(ValidationError, match=named):
        Script.from_json(raw)
