"""A report over a scripted November (``tests/support/month.py``): every part is there, and every number is counted here anew."""

import json
import math
import re
import subprocess
from collections import Counter

import month
import pytest
from click.testing import CliRunner
from month import DAY, FROM, HOUR, LENGTH, TR, UNTIL, at, fresh
from real import program
from scipy.stats import beta, norm

from detectors.catalog import behaviours
from detectors.stats.parameters import ScanParameters
from detectors.stats.power import typical_delay
from detectors.stats.spending import FAVOURING
from sidecar.canary.loading import load_all
from sidecar.canary.results import Compared
from sidecar.cli import main
from sidecar.evidence.segments import segments
from sidecar.report.document import document
from sidecar.report.history import History, read
from sidecar.report.mapping import SECTIONS, mapping
from sidecar.report.render import render

PERIOD = ("--since", "2026-11-01", "--until", "2026-12-01")


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """A state directory with the month's log, its key and a suite."""
    directory = tmp_path_factory.mktemp("month")
    month.write(directory / "evidence")
    (directory / "evidence_key").write_text(month.KEY.hex())
    (directory / "suites").mkdir()
    (directory / "suites/ours.yaml").write_text(month.SUITE)
    return directory


@pytest.fixture(scope="module")
def told(state):
    history = read(state / "evidence", month.KEY, FROM, UNTIL)
    return document(history, load_all([state / "suites/ours.yaml"]), generated_s=UNTIL)


def kilter(state, *arguments):
    return CliRunner().invoke(main, ["report", "--state", str(state), "--suites", str(state / "suites"), *arguments])


def exact(events, trials):
    """Clopper-Pearson, 95 %, to four places."""
    low = 0.0 if events == 0 else beta.ppf(0.025, events, trials - events + 1)
    high = 1.0 if events == trials else beta.ppf(0.975, events + 1, trials - events)
    return round(float(low), 4), round(float(high), 4)


def rows(table, key="name"):
    return {row[key]: row for row in table}


# -- what it says ----------------------------------------------------------------------------------


def test_the_header_names_system_period_versions_configuration_and_head(told, state):
    header = told["header"]
    assert (header["system"], header["purpose"]) == ("Shop assistant", "Answers customers <b>of a shop</b>.")
    assert (header["from"], header["until"], header["days"]) == ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", 30.0)
    assert (header["versions"], header["upstream"]) == (["0.1.0"], "http://model:8000")
    last = segments(state / "evidence")[-1].read_bytes().splitlines()[-1]
    assert header["chain_head"].split(":")[1] == json.loads(last)["seal"]
    assert header["config_changes"] == [{"at": "2026-11-20T10:10:00Z", "changed": ["budget.false_alarms"]}]
    assert header["annotations"] == [{"at": "2026-11-15T08:00:00Z", "text": "new <model> tomorrow"}]


def test_three_hours_of_a_kill_ten_minutes_of_a_restart_and_an_hour_of_a_pause_are_gaps(told):
    assert [(gap["why"], gap["from"], gap["seconds"]) for gap in told["uptime"]["gaps"]] == [
        ("killed", "2026-11-03T09:00:00Z", 3 * HOUR),
        ("stopped", "2026-11-20T10:00:00Z", 600),
        ("paused", "2026-11-22T01:00:00Z", HOUR),
    ]
    assert told["uptime"]["watched_ratio"] == pytest.approx(1 - (4 * HOUR + 600) / (30 * DAY))


def test_traffic_is_the_sum_of_its_records_and_the_mix_is_set_against_the_canaries(told):
    traffic = told["traffic"]
    assert (traffic["requests"], traffic["copies"], traffic["lost_copies"]) == (30 * 1010, 30 * 1000, 30)
    assert (traffic["canary_tokens"], traffic["canaries_skipped"]) == (15_000, {"budget": 37})
    assert traffic["labels"] == {"compliance": 30 * 920, "refusal": 30 * 80}
    decided = Counter(probe.case.language for probe in fresh() if probe.verdict.outcome in ("pass", "fail"))
    assert {row["language"]: row["canaries_decided"] for row in told["languages"]} == {
        "en": decided["en"],
        "tr": decided["tr"],
        "de": 0,
        "sw": 0,
    }
    assert [row["share"] for row in told["languages"]] == [0.7, 0.2, 0.08, 0.02]
    assert told["language_coverage"] == pytest.approx(0.9)


def test_groups_and_quadrants_are_counted_of_the_model_that_answers_now(told):
    for table, key in (
        ("groups", "group"),
        ("quadrants", "quadrant"),
        ("domains", "domain"),
        ("languages", "language"),
    ):
        found = rows(told["canaries"][table])
        for name in {getattr(probe.case, key) for probe in fresh()} - {""}:
            outcomes = [probe.verdict.outcome for probe in fresh() if getattr(probe.case, key) == name]
            passed, decided = outcomes.count("pass"), outcomes.count("pass") + outcomes.count("fail")
            row = found[name]
            assert (row["pass"], row["n"], row["error"]) == (passed, decided, outcomes.count("error"))
            if decided:
                assert row["pass_ratio"] == round(passed / decided, 4)
                assert (row["low"], row["high"]) == exact(passed, decided)
                high, least = row["high"], 0.8
                below = passed / decided < least
                assert row["standing"] == ("exceeded" if below and high < least else "watch" if below else "within")
            else:
                assert row["standing"] == "insufficient"
    assert rows(told["canaries"]["groups"])["overrefusal"]["standing"] == "not_measured"
    assert rows(told["canaries"]["quadrants"])["harmful_context"]["standing"] == "not_measured"
    assert (told["canaries"]["stale"], told["canaries"]["asked"]) == (20, 20 + len(fresh()))
    assert rows(told["canaries"]["variants"])["m fp"]["pass_ratio"] == 12 / 20


def newcombe(both, first_only, second_only, neither):
    """Newcombe (1998), method 10, 95 %: (points, low, high)."""
    n, z = both + first_only + second_only + neither, norm.ppf(0.975)

    def wilson(k):
        middle, half = k + z * z / 2, z * math.sqrt(k * (n - k) / n + z * z / 4)
        return (middle - half) / (n + z * z), (middle + half) / (n + z * z)

    a, b = both + first_only, both + second_only
    (a_low, a_high), (b_low, b_high) = wilson(a), wilson(b)
    under = a * (n - a) * b * (n - b)
    cross = both * neither - first_only * second_only
    phi = (max(cross - n / 2, 0) if cross > 0 else cross) / math.sqrt(under) if under else 0.0
    p, q = a / n, b / n

    def joined(u, v):
        return math.sqrt(u * u - 2 * phi * u * v + v * v)

    return p - q, p - q - joined(p - a_low, b_high - q), p - q + joined(a_high - p, q - b_low)


def test_the_gap_of_turkish_has_its_flips_and_its_interval(told):
    passed = {(p.case.family, p.case.language): p.verdict.outcome == "pass" for p in fresh() if p.repeat == 0}
    pairs = [(passed[f"pair{k}", "en"], passed[f"pair{k}", "tr"]) for k in range(40)]
    counts = [
        sum(pair == wanted for pair in pairs) for wanted in ((True, True), (True, False), (False, True), (False, False))
    ]
    points, low, high = newcombe(*counts)
    (gap,) = told["canaries"]["gaps"]
    assert (gap["name"], gap["n"], gap["first_only"], gap["second_only"]) == ("language:tr", 40, counts[1], counts[2])
    assert (gap["points"], gap["low"], gap["high"]) == tuple(round(100 * value, 2) for value in (points, low, high))
    assert gap["standing"] == "exceeded"


def test_named_rates_are_counted_anew(told):
    rates = told["canaries"]["rates"]
    harms = [probe for probe in fresh() if probe.case.family.startswith("harm")]
    facts = [probe for probe in fresh() if probe.case.family.startswith("fact")]
    for name, events, trials in (
        ("refusal_rate", sum(probe.verdict.label == "refusal" for probe in harms), len(harms)),
        ("confident_hallucination_rate", sum(p.verdict.factual == "confident_wrong" for p in facts), len(facts)),
        ("incorrect_rate", sum(p.verdict.factual.endswith("wrong") for p in facts), len(facts)),
    ):
        assert (rates[name]["events"], rates[name]["n"]) == (events, trials)
        assert (rates[name]["low"], rates[name]["high"]) == exact(events, trials)
    assert rates["over_refusal_rate"]["n"] == 0
    assert rates["over_refusal_rate"]["ratio"] is None


def detectable(series):
    """By trying one rise after the other: typically shown within a day at the baseline's pace."""
    events, trials = month.EVENTS[series], month.TRIALS[series]
    pace = trials / month.BASELINE.ticks
    scan = ScanParameters(events, trials, 30 * 1440, pace, 0.01 * 0.5, 1.1, FAVOURING)
    steps = (k * 0.0005 for k in range(1, 1000))
    least = next(step for step in steps if typical_delay(scan, events / trials + step) <= pace * 1440)
    return max(least, 0.02)


def test_every_stratum_has_estimate_interval_n_detectable_threshold_and_verdict(told):
    found = {(row["behaviour"], row["stratum"], row["model"]): row for row in told["metrics"]}
    assert set(found) == {TR, LENGTH}
    for series, row in found.items():
        numbers = month.NOW[series]
        for ours, theirs in (("low", "interval_low"), ("high", "interval_high"), ("n", "n_current")):
            assert row[ours] == numbers[theirs]
        for name in ("estimate", "reference", "difference"):
            assert row[name] == numbers[name]
        assert (row["state"], row["standing"], row["threshold"]) == ("in_control", "within", 0.02)
        assert row["detectable"] == pytest.approx(detectable(series))
    assert (found[TR]["alarms"], found[LENGTH]["alarms"]) == (1, 0)


def test_the_drift_in_turkish_has_its_times_and_its_compensating_control(told):
    (drift,) = told["drift"]
    assert (drift["behaviour"], drift["stratum"], drift["model"]) == TR
    assert (drift["changed_at"], drift["alarmed_at"]) == ("2026-11-10T06:00:00Z", "2026-11-10T18:30:00Z")
    assert (drift["detect_s"], drift["acknowledge_s"]) == (12.5 * HOUR, 14.75 * HOUR)
    assert (drift["by"], drift["control"]) == ("Ada | <i>lead</i>", "Turkish goes to the model of last week")
    assert (drift["back_at"], drift["cause"]) == ("2026-11-14T12:00:00Z", "model")
    assert {name: drift[name] for name in month.MOVED} == month.MOVED


def test_variants_comparisons_gaps_suites_drills_and_calibration(told):
    assert [(one["at"], one["model"]) for one in told["variants"]] == [("2026-11-16T09:00:00Z", "m-2")]
    (compared,) = told["finetune"]
    assert (compared["points"], compared["sealed"], compared["standing"]) == (20.0, True, "exceeded")
    assert compared["relative_percent"] == pytest.approx(100 * (38 - 30) / 38)
    assert {row["stratum"]: (row["estimate"], row["standing"]) for row in told["language_gaps"]} == {
        "tr": (0.06, "watch"),
        "de": (0.12, "exceeded"),
    }
    (suite,) = told["suites"]
    assert (suite["asked"], suite["most_uses"], suite["max_uses"]) == (len(fresh()), 2, 3)
    assert suite["facts"] == {"total": 2, "expired": 1, "expire_soon": 0, "next_expiry": "2027-06-01"}
    assert suite["commitments"] == [{"epoch": 2967, "draw": 0, "prompts_sha256": "ab" * 32}]
    assert told["selftest"]["last_passed"] == "2026-11-21T10:00:00Z"
    languages = rows(told["calibration"]["languages"], "language")
    assert languages["en"]["calibrated"]
    assert not languages["tr"]["calibrated"]


def test_status_takes_every_counted_behaviour_and_the_worst_of_its_strata(told):
    found = rows(told["status"]["behaviours"])
    assert set(found) == {one.name for one in behaviours() if not one.context and one.compares is None}
    assert (found["refusal_by_language"]["standing"], found["refusal_by_language"]["alarms"]) == ("within", 1)
    assert found["tool_loop"]["standing"] == "not_measured"
    assert (told["status"]["language_gaps"], told["status"]["finetune"]) == ("exceeded", "exceeded")


def test_what_was_not_measured_is_listed_with_the_waiver_that_is_in_force(told):
    found = {}
    for row in told["unmeasured"]:
        found.setdefault(row["what"], []).append(row)
    for what in ("behaviour:tool_loop", "group:overrefusal", "quadrant:harmful_context", "language:de", "language:sw",
                 "language:low_resource", "canaries skipped (budget)", "suite:ours", "classifier in tr", "limit:large_scale",
                 "2026-11-03T09:00:00Z to 2026-11-03T12:00:00Z", "traffic that was not looked at"):  # fmt: skip
        assert what in found, what
    assert found["language:sw"][0]["waiver"]["by"] == "Ada"
    assert found["language:de"][0]["waiver"] is None
    assert any("1 of 2 facts have expired" in row["why"] for row in found["suite:ours"])
    assert "37 were due" in found["canaries skipped (budget)"][0]["why"]
    assert "language:tr" not in found
    assert [(one["what"], one["in_force"]) for one in told["waivers"]] == [
        ("language:sw", True),
        ("language:de", False),
    ]


# -- how it says it ----------------------------------------------------------------------------------


def test_every_section_stands_in_both_forms_for_people(told):
    html, text = render(told, "html"), render(told, "md")
    for name in SECTIONS:
        assert f'<section id="{name}">' in html, name
    for title in ("Status", "Uptime", "Variants", "Traffic", "Languages", "Suites", "Canaries", "Metrics", "Language gaps",
                  "One model against", "Drift", "Fire drills", "Calibration", "Unmeasured", "Mapping", "Integrity"):  # fmt: skip
        assert re.search(rf"^## {title}", text, re.MULTILINE), title
    assert json.loads(render(told, "json")) == json.loads(json.dumps(told))


def test_the_html_needs_nothing_from_elsewhere_and_what_people_wrote_is_text(told):
    html = render(told, "html")
    assert not re.search(r"(?:src|href|action)=(?![\"']#)|url\(|@import|<script|<link|<iframe|<img", html)
    assert "Answers customers &lt;b&gt;of a shop&lt;/b&gt;." in html
    assert "<i>lead</i>" not in html
    assert html.count("<svg") > 10


def test_markdown_keeps_its_tables_whatever_people_wrote(told):
    text = render(told, "md")
    assert "\\<i\\>lead\\</i\\>" in text
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block


FORBIDDEN = re.compile(r"\b(?:un)?safe\b|\bcompliant\b|\bcertif\w+|\bguarantee\w*|\bapproved?\b", re.IGNORECASE)


def test_no_form_of_any_report_claims_that_a_model_is_fit_or_a_rule_met(told):
    empty = document(History(FROM, UNTIL), generated_s=UNTIL)
    for one in (told, empty):
        for form in ("html", "md", "json"):
            assert not FORBIDDEN.search(render(one, form))
    assert len(empty["unmeasured"]) > 20
    assert empty["uptime"]["watched_ratio"] == 0


def test_the_mapping_names_sections_that_exist_and_the_day_of_its_reading():
    table = mapping()
    assert re.fullmatch(r"20\d\d-\d\d", str(table["as_of"]))
    refs = [row["ref"] for framework in table["frameworks"] for row in framework["rows"]]
    assert len(refs) == len(set(refs)) > 50
    for framework in table["frameworks"]:
        for row in framework["rows"]:
            assert set(row) == {"ref", "about", "sections", "not"}
            assert set(row["sections"]) <= set(SECTIONS)
            assert row["sections"] or row["not"] == "not covered"


@pytest.mark.timeout(90)
def test_the_html_prints_in_a_real_browser(told, tmp_path):
    browser = program("chromium")
    page, printed = tmp_path / "report.html", tmp_path / "report.pdf"
    page.write_text(render(told, "html"))
    argv = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    subprocess.run([*argv, f"--print-to-pdf={printed}", page.as_uri()], capture_output=True, check=True, timeout=80)
    assert printed.read_bytes().startswith(b"%PDF")


# -- the command ---------------------------------------------------------------------------------------


def test_the_command_writes_every_form_and_leaves_with_0(state, tmp_path):
    said = kilter(state, *PERIOD, "--format", "json")
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout)["traffic"]["requests"] == 30_300
    done = kilter(state, *PERIOD, "--format", "html", "-o", str(tmp_path / "report.html"))
    assert (done.exit_code, done.stdout) == (0, "")
    assert "Shop assistant" in (tmp_path / "report.html").read_text()
    assert kilter(state, *PERIOD).stdout.startswith("# Shop assistant")


def test_a_head_from_outside_vouches_and_a_broken_log_is_said_loudly_and_leaves_with_1(state, tmp_path):
    head = json.loads(kilter(state, *PERIOD, "--format", "json").stdout)["integrity"]["head"]
    vouched = json.loads(kilter(state, *PERIOD, "--format", "json", "--head", head).stdout)
    assert vouched["integrity"]["unaltered_through"] == vouched["integrity"]["records"]
    copy = tmp_path / "evidence"
    copy.mkdir()
    for path in segments(state / "evidence"):
        content = path.read_bytes()
        (copy / path.name).write_bytes(
            content.replace(b'"stratum":"tr"', b'"stratum":"en"') if "11-10" in path.name else content
        )
    done = kilter(state, str(copy), "--key", str(state / "evidence_key"), *PERIOD)
    assert done.exit_code == 1
    assert "broken at record" in done.stderr
    assert "**The evidence log is broken** at record" in done.stdout
    assert "Turkish" not in done.stdout


def test_a_comparison_that_stands_in_the_log_and_in_the_file_of_results_is_told_once(state):
    one = {name: month.COMPARED[name] for name in month.COMPARED if name != "e_value"}
    filed = [Compared(at(16, 12), "r", **{**one, "a": "m/base"}), Compared(at(2), "r", **{**one, "units": 41})]
    history = read(state / "evidence", month.KEY, FROM, UNTIL)
    found = document(history, (), filed, generated_s=UNTIL)["finetune"]
    assert [(row["at"][:10], row["sealed"]) for row in found] == [("2026-11-02", False), ("2026-11-16", True)]


def test_a_wrong_time_leaves_with_2_and_no_log_with_3(state, tmp_path):
    for wrong in (("--since", "soon"), ("--since", "2026-12-01", "--until", "2026-11-01"), ("--since", "0d")):
        done = kilter(state, *wrong)
        assert (done.exit_code, "need" in done.stderr) == (2, True), done.output
    assert kilter(tmp_path, "--since", "1d").exit_code == 3


def test_suites_that_cannot_be_read_are_said_and_stop_nothing(state, tmp_path):
    (tmp_path / "bad.yaml").write_text("version: 1\nsuite: bad\nfamilies: []\n")
    done = CliRunner().invoke(
        main, ["report", "--state", str(state), "--suites", str(tmp_path), *PERIOD, "--format", "json"]
    )
    assert done.exit_code == 0, done.output
    assert "bad.yaml" in json.loads(done.stdout)["suites_unread"]


def test_words_that_were_erased_are_gone_from_the_report(state, tmp_path):
    copy = tmp_path / "evidence"
    copy.mkdir()
    for path in segments(state / "evidence"):
        (copy / path.name).write_bytes(path.read_bytes())
    done = kilter(state, str(copy), "--key", str(state / "evidence_key"), *PERIOD)
    assert done.exit_code == 0
    assert "Turkish goes" not in done.stdout
    assert "(erased)" in done.stdout


def test_an_alarm_from_before_the_period_that_goes_on_is_carried_into_it(state):
    history = read(state / "evidence", month.KEY, at(12), at(13))
    (drift,) = document(history, generated_s=UNTIL)["drift"]
    assert (drift["carried"], drift["alarmed_at"], drift["back_at"]) == (True, "2026-11-10T18:30:00Z", None)
