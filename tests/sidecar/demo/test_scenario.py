"""The demo's story, against the scripted upstream itself."""

import pytest

from sidecar.demo import openai_chat
from sidecar.demo.language import languages
from sidecar.demo.router import Router
from sidecar.demo.scenario import AFTER, BEFORE, NOT_SCRIPTED, Sent, Summary, run
from sidecar.demo.script import Script
from sidecar.demo.traffic import TOOLS
from sidecar.demo.upstream import ScriptedUpstream


async def test_the_summary_is_what_the_upstream_counted_and_the_policy_changes_half_way():
    reports = []
    async with ScriptedUpstream(keep_requests=1000) as upstream:
        summary = await run(
            3,
            kilter_url=upstream.url,
            real_url=None,
            scripted_url=upstream.url,
            report=lambda so_far: reports.append((so_far.elapsed_s, so_far.sent.total())),
            rate_per_s=40,
        )
    assert not summary.failures
    assert summary.sent.total() == upstream.exchanges >= 40
    counted = {label: summary.count(label=label) for label in upstream.stats["labels"]}
    assert counted == upstream.stats["labels"]
    assert 0.25 * upstream.exchanges < summary.changed_at_exchange < 0.75 * upstream.exchanges
    assert upstream.script.phase_at(summary.changed_at_exchange - 1).policy == BEFORE.policy
    assert upstream.script.phase_at(summary.changed_at_exchange).rules == AFTER.rules
    assert abs(summary.count(period="before") - summary.changed_at_exchange) <= 16
    assert {sent.kind for sent in summary.sent} == {"chat", "tools", "retry"}
    assert len(reports) >= 2
    assert reports == sorted(reports)


async def test_a_server_that_fails_is_counted_and_does_not_end_the_traffic():
    script = Script.from_json({"phases": [{"policy": {"error": 1.0}}]})
    async with ScriptedUpstream(script) as failing, ScriptedUpstream() as scripted:
        summary = await run(
            1, kilter_url=failing.url, real_url=None, scripted_url=scripted.url, report=lambda _: None, rate_per_s=30
        )
        assert set(summary.failures) == {"InternalServerError"}
        assert summary.failures.total() == failing.exchanges >= 5


async def test_requests_for_the_real_model_take_the_router_and_have_no_known_label():
    async with ScriptedUpstream() as real, ScriptedUpstream(router=Router(real.url)) as upstream:
        summary = await run(
            2, kilter_url=upstream.url, real_url=real.url, scripted_url=upstream.url, report=lambda _: None
        )
        assert summary.count(kind="real") == real.exchanges > 0
        assert summary.sent.total() == real.exchanges + upstream.exchanges


def test_counts_are_over_the_fields_that_are_named():
    summary = Summary(changed_at_exchange=10)
    summary.sent[Sent("before", "chat", "tr", 1, "refusal")] += 2
    summary.sent[Sent("after", "chat", "tr", 3, "refusal")] += 5
    summary.sent[Sent("after", "real", "en", 1, NOT_SCRIPTED)] += 1
    assert summary.count() == 8
    assert summary.count(language="tr", period="after") == 5
    assert [summary.period_of(exchange) for exchange in (9, 10, None)] == ["before", "after", "after"]


@pytest.mark.parametrize(
    ("language", "turns", "tools", "refusals", "hollow"),
    [("tr", 1, 0, 0.40, 0.02), ("sw", 17, 0, 0.40, 0.02), ("de", 9, 0, 0.05, 0.40), ("de", 3, 0, 0.05, 0.02)],
)
def test_after_the_change_refusals_and_disclaimers_rise_only_where_the_story_says(
    language, turns, tools, refusals, hollow
):
    ask = {"role": "user", "content": languages()[language].topics[0].ask}
    messages = [ask, *[{"role": "assistant", "content": "x"}, ask] * (turns - 1)]
    request = openai_chat.read({"messages": messages, "tools": TOOLS[:tools]})
    labels = [Script(seed=7, phases=(AFTER,)).outcome(request, at).labels[0] for at in range(2000)]
    # Seed 7, n = 2000: three standard errors are 0.033 at most.
    assert labels.count("refusal") / 2000 == pytest.approx(refusals, abs=0.033)
    assert labels.count("hollow_refusal") / 2000 == pytest.approx(hollow, abs=0.033)
