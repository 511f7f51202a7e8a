"""The status page as HTML: true, escaped, whole without JavaScript."""

import re
from html.parser import HTMLParser

import pytest
from situations import (
    HOSTILE,
    SITUATIONS,
    hostile,
    in_alarm,
    in_control,
    learning,
    status,
    undetectable,
    usual,
    verdict,
    warming_up,
)

from detectors.watch.rules import Rules
from sidecar.admin import page
from sidecar.admin.status import detectable
from sidecar.admin.view import view

VOID = {"meta", "rect", "line", "br", "input"}


class Elements(HTMLParser):
    """Balance of tags, every address that a browser would fetch, every id and every form."""

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.scripts, self.ids, self.forms, self.seen = [], [], 0, [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.scripts += tag == "script" or any(name.startswith("on") for name, _ in attrs)
        self.addresses += [value for name, value in attrs if name in {"src", "href", "action"}]
        self.ids += [value for name, value in attrs if name == "id"]
        self.forms += [dict(attrs)] if tag == "form" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, _attrs):
        assert tag in VOID

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_situation_is_whole_html_without_scripts_that_fetches_nothing_from_elsewhere(name):
    seen = Elements(page.render(SITUATIONS[name]()))
    assert seen.open == []
    assert seen.scripts == 0
    assert not {"img", "link", "iframe", "object"} & seen.seen
    assert all(address.startswith(("/", "#")) for address in seen.addresses)
    assert len(set(seen.ids)) == len(seen.ids)
    assert all(address[1:] in seen.ids for address in seen.addresses if address.startswith("#"))


def test_names_that_come_from_traffic_stand_as_text():
    text = page.render(hostile())
    assert "&lt;script&gt;" in text
    assert "<script" not in text
    assert "<img" not in text
    assert HOSTILE not in text
    assert "{{7*7}}" in text  # and is not computed


def test_a_rate_stands_with_its_exact_interval():
    text = page.render(status(totals={("refusal_by_length", "4-7", "m"): (25.0, 500)}, baseline={}))
    assert "5.0 %, between 3.3 % and 7.3 %" in text


def test_what_asks_for_attention_comes_first_and_what_nobody_has_acknowledged_before_what_somebody_has():
    shown = view(in_alarm())
    assert [(one.name, row.stratum, row.state, row.acknowledged) for one, row in shown.asking] == [
        ("refusal_by_language", "tr", "out_of_control", False),
        ("hollow_refusal", "1", "out_of_control", True),
        ("refusal_by_length", "8-15", "watch", False),
        ("tool_transition", "start>search", "recovered", False),
    ]
    assert shown.headline == "2 of 15 strata out of control"
    assert shown.states == (("out_of_control", 2), ("watch", 1), ("recovered", 1), ("in_control", 11))
    assert [one.name for one in shown.behaviours][:2] == ["refusal_by_language", "hollow_refusal"]


def test_a_stratum_is_drawn_against_its_baseline_with_evidence_when_it_changed_n_and_what_is_detectable():
    (row,) = (row for _, row in view(in_alarm()).asking if row.stratum == "tr")
    assert row.drawing.label == "31.0 %, between 26.0 % and 36.0 %; baseline 6.0 %; drawn from 0 to 50 %"
    assert row.drawing.reference < row.drawing.band_at < row.drawing.at < row.drawing.band_at + row.drawing.band_px
    assert (row.evidence.label, row.evidence.px) == ("6.8 of 5.3", 90.0)
    text = page.render(in_alarm())
    assert "2025-12-01 02:03:20 UTC" in text
    assert (row.n, row.detectable) == (412, "2.0")
    assert row.cause == "The canaries say: the model changed."
    assert text.count("the model changed.") == 1


def test_detectable_is_what_matters_or_what_the_baseline_can_show_whichever_is_more():
    large = verdict("b", "large", reference=0.05, n_reference=9000)
    small = verdict("b", "small", reference=0.05, n_reference=400)
    found = detectable([large, small], Rules())
    assert found[large.series] == 0.02
    assert 0.043 < found[small.series] < 0.045  # four standard errors


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (usual(), "In control"),
        (usual(a=verdict("hollow_refusal", "1", "watch")), "No alarm, but something moves"),
        ([verdict("hollow_refusal", "1", "warming_up")], "No alarm; too little is known yet"),
        (
            [verdict("hollow_refusal", "1", "undetectable"), verdict("hollow_refusal", "2-3", "warming_up")],
            "No alarm; too little is known yet",
        ),
        (
            [verdict("hollow_refusal", "1", "undetectable")],
            "No alarm can come: the baseline is too small to show a change",
        ),
        ([], "Counting; nothing is judged yet"),
    ],
)
def test_the_headline_says_no_more_than_is_known(verdicts, said):
    assert view(status(verdicts)).headline == said


def test_where_no_alarm_can_come_the_top_says_what_would_help_and_nowhere_else():
    helps = "Waiting does not change that: promote a baseline of more conversations"
    assert helps in page.render(undetectable())
    assert 'class="head warn"' in page.render(undetectable())
    assert all(helps not in page.render(make()) for make in (in_control, in_alarm, warming_up))


def test_what_is_out_of_control_leads_to_its_alarm_which_is_on_the_page():
    text = page.render(in_alarm())
    assert '<a href="#alarm-a1b2c3d4e5f6">Acknowledge it, and find its exchanges</a>' in text
    linked = re.findall(r'href="#(alarm-\w+)"', text)
    assert len(linked) == 2
    assert all(f'id="{one}"' in text for one in linked)
    assert "#alarm-" not in page.render(in_control())


def test_a_pause_is_said_at_the_top():
    said = "<h1>Paused: traffic passes, nothing is looked at</h1>"
    assert said in page.render(SITUATIONS["paused"]())
    assert said not in page.render(in_control())


def test_an_alarm_says_who_has_acknowledged_it_or_asks_and_lists_exchanges_by_what_is_in_the_operators_logs():
    text = page.render(in_alarm())
    assert "Acknowledged 2025-12-01 03:03:20 UTC by Ada: the new system prompt is rolled back" in text
    assert text.count('action="/forms/acknowledge"') == 1
    assert '<input type="hidden" name="alarm" value="a1b2c3d4e5f6">' in text
    assert "20 exchanges to look for" in text
    assert f"<code>chatcmpl-00017f3a9c</code> trace <code>{1:032x}</code> shop" in text
    first, second = in_alarm().to_dict()["alarms"]
    assert first["acknowledged"] is None
    assert second["acknowledged"]["by"] == "Ada"


def test_a_page_that_reloads_by_itself_has_no_form_to_lose():
    assert Elements(page.render(in_alarm(), reloads=True)).forms == []
    assert Elements(page.render(in_alarm())).forms != []


def test_promotion_is_offered_while_something_is_learned_and_asks_twice_where_it_is_too_little():
    early = page.render(status(baseline=learning()))
    ready = page.render(status(baseline=learning(ready=True)))
    assert ('name="anyway"' in early, 'name="anyway"' in ready) == (True, False)
    assert 'name="sure"' in ready
    assert 'action="/forms/promote"' not in page.render(in_control())
    assert "3 of 7 days" in early


def test_canaries_stand_by_group_with_the_worst_cell_first_and_gaps_with_what_is_detectable():
    adversarial, multilingual = view(in_control()).canary_groups
    assert (adversarial.name, adversarial.passed, adversarial.decided) == ("adversarial", 109, 136)
    assert [row.language for row in adversarial.rows] == ["tr", "en"]
    assert multilingual.rows[0].interval == "60.0 % to 92.0 %"
    text = page.render(in_control())
    assert re.search(r"language</th><td>tr</td>.*exceeded.*\+36.*\+22 to \+49.*64.*12", text)
    assert "changes so far: 1 declared by the server, 0 silent" in text
    assert re.search(r"adversarial</th><td>exceeds confirmed</td>.*\+18.0", text)
    assert "They are off" in page.render(status(usual()))


def test_a_stratum_that_needs_users_is_listed_though_nothing_was_counted():
    blind = verdict(
        "persistence_yield", "2", "no_user_key", n=0, baseline_id="", reference=float("nan"), e_value=float("nan")
    )
    (row,) = (row for one in view(status([blind], {})).behaviours for row in one.rows)
    assert (row.state, row.rate, row.reference) == ("no_user_key", "", "")
