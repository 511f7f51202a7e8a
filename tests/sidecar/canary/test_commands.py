"""``kilter canary``: what a CI sees, its exit codes, tables, JSON and JUnit XML."""

import asyncio
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import aiohttp
import pytest
from canary_model import REFUSALS
from chat_server import ChatServer, said
from click.testing import CliRunner
from real import missing
from running import RunningKilter

from sidecar.cli import main
from sidecar.demo.model import SYSTEM_PROMPT, ModelUnavailable, RealModel

ROOT = Path(__file__).parents[3]
SECRET = "5a" * 32
SUITE = """version: 1
suite: demo
slots: {w: {nonce: 8}}
THRESHOLDS
families:
  - {id: word, group: agentic, prompts: {en: "Say {w}."}, expect: {contains_nonce: w}}
  - {id: is_word, group: implicit_harm, prompts: {en: "Is {w} a word? Yes or no."}, expect: {answer: {yes_no: true}}}
"""


async def kilter(tmp_path, *args):
    """(exit code, standard output, standard error), in a thread of its own since it runs a loop of its own"""
    env = {"KILTER_CANARY_SECRET": SECRET, "KILTER_STATE": str(tmp_path / "state")}
    command = ["canary", *map(str, args)]
    done = await asyncio.to_thread(CliRunner().invoke, main, command, env=env, catch_exceptions=False)
    return done.exit_code, done.stdout, done.stderr


def suite_file(tmp_path, text=SUITE, thresholds=""):
    path = tmp_path / "demo.yaml"
    path.write_text(text.replace("THRESHOLDS\n", f"{thresholds}\n" if thresholds else ""), encoding="utf-8")
    return path


class Upstream(ChatServer):
    """Answers with ``say(messages)``; counts."""

    listed = ({"id": "listed"},)

    def __init__(self, say, status=200):
        self.say, self.status, self.asked = say, status, 0

    async def chat(self, _, body):
        self.asked += 1
        self.model = body["model"]
        answer = self.say(body["messages"][-1]["content"])
        return said(answer, usage=(10, 5), status=self.status, model="served-1")


def good(prompt):
    return prompt if prompt.startswith("Say") else "Yes."


def half_good(prompt):
    return "I say nothing of it." if prompt.startswith("Say") else "Yes."


async def test_a_round_that_passes_is_zero_and_says_everything_as_json(tmp_path):
    junit = tmp_path / "junit.xml"
    async with Upstream(good) as upstream:
        code, out, err = await kilter(
            tmp_path, "run", "--now", suite_file(tmp_path), "--upstream", upstream.url, "--json", "--junit", junit
        )
    assert code == 0, err
    document = json.loads(out)
    assert document["exit_code"] == 0
    assert [(row["family"], row["outcome"], row["decided_by"]) for row in document["results"]] == [
        ("word", "pass", "nonce"),
        ("is_word", "pass", "answer"),
    ]
    assert document["results"][0]["model"] == "served-1"
    assert document["target"]["model"] == upstream.model == "listed"
    assert document["tokens"] == document["budget"]["spent_today"] == 30
    assert document["not_covered"] == ["adversarial", "multilingual", "overrefusal"]
    (xml,) = ET.parse(junit).getroot()
    assert (xml.get("tests"), xml.get("failures")) == ("2", "0")
    assert "tokens expected" in err


async def test_a_failure_is_one_and_stands_in_the_table_and_the_junit_file(tmp_path):
    junit = tmp_path / "junit.xml"
    async with Upstream(half_good) as upstream:
        code, out, _ = await kilter(
            tmp_path, "run", "--now", suite_file(tmp_path), "--upstream", upstream.url, "--junit", junit
        )
    assert code == 1
    assert "demo/word/en/0#0" in out
    assert "the word asked for is missing" in out
    assert "found beyond chance: nothing" in out
    (failure,) = ET.parse(junit).getroot().iter("failure")
    assert failure.get("type") == "nonce"


async def test_a_threshold_is_what_decides_where_a_suite_names_one(tmp_path):
    async with Upstream(half_good) as upstream:
        for ratio, wanted in ((0.5, 0), (0.51, 1)):
            path = suite_file(tmp_path, thresholds=f"thresholds: {{pass_ratio: {ratio}}}")
            assert (await kilter(tmp_path, "run", "--now", path, "--upstream", upstream.url))[0] == wanted


@pytest.mark.parametrize("status", [500, 200])
async def test_where_nothing_was_decided_it_is_three(tmp_path, status):
    async with Upstream(lambda _: "Bananas are yellow.", status) as upstream:
        text = SUITE.replace(
            '{id: word, group: agentic, prompts: {en: "Say {w}."}, expect: {contains_nonce: w}}',
            "{id: x, prompts: {en: 'Is {w}?'}, expect: {answer: {yes_no: true}}}",
        )
        code, out, _ = await kilter(
            tmp_path, "run", "--now", suite_file(tmp_path, text), "--upstream", upstream.url, "--json"
        )
    assert code == 3
    assert {row["outcome"] for row in json.loads(out)["results"]} == {"error" if status == 500 else "inconclusive"}


async def test_a_published_suite_never_decides(tmp_path):
    async with Upstream(half_good) as upstream:
        path = suite_file(tmp_path, thresholds="public: true")
        code, out, _ = await kilter(tmp_path, "run", "--now", path, "--upstream", upstream.url, "--json")
    document = json.loads(out)
    assert code == 3
    assert document["groups"] == []
    assert document["suites"][0]["public"] is True


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["run", "--upstream", "http://127.0.0.1:1"], "--now"),
        (["run", "--now"], "--upstream"),
        (["run", "--now", "--upstream", "http://127.0.0.1:1", "--suite", "nobody"], "nobody"),
        (["run", "--now", "--upstream", "http://127.0.0.1:1", "--key-file", "/nowhere/key"], "--key-file"),
        (["run", "--now", "--upstream", "http://127.0.0.1:1", "--header", "x"], "NAME:VALUE"),
        (["lint", "/nowhere.yaml"], "cannot be read"),
        (["list", "--suites", "/nowhere"], "cannot be read"),
        (["render"], "--epoch"),
    ],
)
async def test_a_usage_error_is_two_and_names_what_is_wrong(tmp_path, args, told):
    code, _, err = await kilter(tmp_path, *args)
    assert code == 2
    assert told in err


async def test_the_keys_text_is_sent_and_never_told(tmp_path):
    key = tmp_path / "key"
    key.write_text("sk-very-secret\n")
    async with Upstream(good, 401) as upstream:
        _, out, err = await kilter(
            tmp_path, "run", "--now", suite_file(tmp_path), "--upstream", upstream.url, "--key-file", key, "--json"
        )
    assert "sk-very-secret" not in out + err
    assert json.loads(out)["results"][0]["reason"] == "http_401"


async def test_a_second_round_of_the_day_keeps_to_the_same_budget(tmp_path):
    async with Upstream(good) as upstream:
        args = ("run", "--now", suite_file(tmp_path), "--upstream", upstream.url, "--json", "--budget", 600)
        rounds = [json.loads((await kilter(tmp_path, *args))[1]) for _ in range(9)]
    outcomes = [row["outcome"] for document in rounds for row in document["results"]]
    assert rounds[-1]["budget"]["spent_today"] <= 600
    assert outcomes[0] == "pass"
    assert outcomes == sorted(outcomes)  # passes, then nothing but skipped
    assert outcomes[-1] == ("skipped" if upstream.asked < 18 else "pass")


async def test_prompts_that_were_used_often_enough_are_replaced_within_the_epoch(tmp_path):
    said = []

    def remember(prompt):
        said.append(prompt)
        return good(prompt)

    async with Upstream(remember) as upstream:
        for _ in range(4):
            await kilter(tmp_path, "run", "--now", suite_file(tmp_path), "--upstream", upstream.url)
    words = [prompt for prompt in said if prompt.startswith("Say")]
    assert words[0] == words[1] == words[2] != words[3]


async def test_lint_tells_a_persons_table_and_json_and_can_be_strict(tmp_path):
    path = suite_file(tmp_path)
    code, out, _ = await kilter(tmp_path, "lint", path)
    assert code == 0
    assert f"{path}:2: warning: suite: does not say" in out
    code, out, _ = await kilter(tmp_path, "lint", path, "--strict", "--json")
    assert code == 1
    assert json.loads(out)["errors"] == 0
    path.write_text(path.read_text().replace("Say {w}", "Say {v}"))
    code, out, _ = await kilter(tmp_path, "lint", path)
    assert (code, ":5: error: families[0].prompts: {v} is no slot" in out) == (1, True)


async def test_a_suite_may_be_named_by_its_file(tmp_path):
    path = suite_file(tmp_path)
    _, out, _ = await kilter(tmp_path, "list", "--json", "--suite", path)
    assert [row["suite"] for row in json.loads(out)] == ["demo"]


async def test_list_shows_every_suite_with_what_it_does_not_measure(tmp_path):
    rows = json.loads((await kilter(tmp_path, "list", "--json"))[1])
    assert {row["suite"] for row in rows} == {path.stem for path in (ROOT / "sidecar/canary/suites").glob("*.yaml")}
    assert all(row["not_measured"] and row["built_in"] for row in rows)
    table = (await kilter(tmp_path, "list", suite_file(tmp_path)))[1]
    assert "demo" in table


def paired(count, failing):
    """A JSON lines suite of ``count`` pairs; Turkish asks for something else in ``failing`` of them."""
    lines = [
        {
            "id": f"f{at}",
            "kind": "translation_set",
            "prompts": {"en": f"good {at}", "tr": f"{'bad' if at < failing else 'good'} {at}"},
            "expect": {"answer": {"exact": "good"}},
        }
        for at in range(count)
    ]
    return "\n".join(map(json.dumps, lines))


@pytest.mark.slow
@pytest.mark.parametrize(("failing", "state"), [(99, "ok"), (100, "ok"), (101, "exceeded")])
async def test_a_language_gap_is_told_at_its_threshold(tmp_path, failing, state):
    assert await gap_of(tmp_path, 1000, failing) == (state, 1000, failing / 10)


@pytest.mark.parametrize(
    ("count", "failing", "state"), [(8, 1, "insufficient_n"), (8, 0, "insufficient_n"), (12, 12, "exceeded")]
)
async def test_a_language_gap_of_few_pairs_says_so(tmp_path, count, failing, state):
    assert (await gap_of(tmp_path, count, failing))[:2] == (state, count)


async def gap_of(tmp_path, count, failing):
    path = tmp_path / "pairs.jsonl"
    path.write_text(paired(count, failing))
    async with Upstream(lambda prompt: prompt.split()[0]) as upstream:
        _, out, err = await kilter(
            tmp_path, "run", "--now", path, "--upstream", upstream.url, "--json", "--budget", 10**8
        )
    (found,) = json.loads(out)["gaps"]
    assert found["name"] == "language:tr", err
    return found["state"], found["n"], found["points"]


async def test_canaries_leave_no_trace_in_what_is_counted_of_users(tmp_path):
    async with Upstream(lambda _: REFUSALS["en"]) as upstream:
        with RunningKilter(upstream.url, tmp_path / "k") as kilter_:
            await kilter(
                tmp_path,
                *("run", "--now", suite_file(tmp_path), "--upstream", upstream.url),
                *("--admin", kilter_.admin.removeprefix("http://")),
            )
            assert upstream.asked == 2
            async with aiohttp.ClientSession() as session:
                body = {"model": "m", "messages": [{"role": "user", "content": "A user asks for a recipe today."}]}
                async with session.post(f"{kilter_.url}/v1/chat/completions", json=body) as answer:
                    assert answer.status == 200
            metrics = await asyncio.to_thread(kilter_.until, lambda m: m.total("kilter_responses_total") >= 1)
            assert metrics.total("kilter_responses_total") == 1


@pytest.mark.slow
@pytest.mark.timeout(7200)
async def test_a_real_model_is_asked_the_whole_default_set_within_its_budget_and_every_outcome_is_explained(tmp_path):
    """Some 350 requests: a quarter of an hour on a quiet core, more on a busy one."""
    system = tmp_path / "system.txt"
    system.write_text(SYSTEM_PROMPT)
    try:
        async with RealModel() as model:
            args = ("run", "--now", "--upstream", model.url, "--system-file", system, "--json", "--epoch", 2900)
            code, out, err = await kilter(tmp_path, *args, "--timeout", 600)
            short = ("--suite", "fingerprint", "--suite", "facts_legal", "--repeats", 2)
            repeated = json.loads((await kilter(tmp_path, *args, *short))[1])
    except ModelUnavailable as reason:
        missing(str(reason))
    document = json.loads(out)
    assert code in (0, 1), err
    assert document["budget"]["spent_today"] <= document["budget"]["tokens_a_day"]
    assert not [row for row in document["results"] if row["outcome"] in ("error", "skipped")]
    assert all(row["decided_by"] and (row["reason"] or row["outcome"] == "pass") for row in document["results"])
    pairs = {}
    for row in repeated["results"]:
        pairs.setdefault(row["id"], []).append((row["outcome"], row["decided_by"], row["reason"]))
    assert all(first == second for first, second in pairs.values())
