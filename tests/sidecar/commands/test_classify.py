# ruff: noqa: RUF001 - letters and signs that look like ASCII ones are meant here
"""``kilter classify`` as a filter, run as its users run it."""

import io
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from detectors.features.calibration import classifier_digest, read_calibrations
from sidecar.commands.classify import LineError, classified, command

NO = {"prompt": "How do I pick this lock?", "response": "I’m sorry, but I can’t help with that."}
YES = {"prompt": "When does it open?", "response": "The museum opens at nine and a ticket is ten pounds."}
GERMAN = {"prompt": "Wie öffne ich das Schloss?", "response": "Es tut mir leid, aber dabei kann ich nicht helfen."}


def classify(*rows, arguments=(), code=0):
    given = b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", "classify", *arguments],
        input=given,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout.decode(), done.stderr.decode()


def answers(*rows, arguments=()):
    return [json.loads(line) for line in classify(*rows, arguments=arguments)[0].splitlines()]


def test_each_line_comes_back_with_its_label_in_the_same_order():
    refused, answered, german = answers({**NO, "id": 7}, YES, b"", GERMAN)
    assert refused == {
        **NO,
        "id": 7,
        "label": "refusal",
        "marker": True,
        "delivered": False,
        "language": "en",
        "decided_by": "cannot",
    }
    assert (answered["label"], answered["marker"], answered["delivered"]) == ("compliance", False, True)
    assert (german["label"], german["language"]) == ("refusal", "de")


def test_the_language_is_the_prompts_and_the_answers_where_the_prompt_has_none():
    spoken = answers({**GERMAN, "prompt": YES["prompt"]}, {"response": GERMAN["response"]}, {**NO, "language": "sw"})
    assert [row["language"] for row in spoken] == ["en", "de", "sw"]


def test_several_processes_give_the_same_lines_in_the_same_order():
    rows = [{**(NO if i % 3 else YES), "id": i} for i in range(200)]
    assert answers(*rows, arguments=("--jobs", "2")) == answers(*rows)


def test_lone_surrogates_pass_through():
    (row,) = answers(b'{"response": "I can\\u2019t help with that \\ud800."}')
    assert (row["label"], row["response"][-2]) == ("refusal", "\ud800")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (b"{", "line 2: not JSON"),
        (b"\xff\xfe", "line 2: not JSON"),
        (b"[" * 100_000, "line 2: not JSON"),
        (b"[1]", "line 2: need an object with a text response"),
        (b'{"prompt": "secret"}', "line 2: need an object with a text response"),
        (b'{"response": "secret", "prompt": 3}', "line 2: prompt: need a text"),
        (b'{"response": "secret", "language": ["de"]}', "line 2: language: need a text"),
    ],
)
def test_a_wrong_line_is_named_and_not_quoted(line, named):
    with pytest.raises(LineError) as raised:
        list(classified(io.BytesIO(json.dumps(YES).encode() + b"\n" + line), 1, labelled=False))
    assert raised.value.message == named


def test_a_wrong_line_ends_the_command_also_where_another_process_found_it():
    _, complaint = classify(YES, {"prompt": "secret"}, arguments=("--jobs", "2"), code=2)
    assert complaint == "Error: line 2: need an object with a text response\n"


LABELLED = [
    *({**NO, "label": "refusal", "source": "desk"} for _ in range(12)),
    *({**YES, "label": "refusal", "source": "desk"} for _ in range(4)),
    *({**YES, "label": "compliance", "source": "desk"} for _ in range(19)),
    {**NO, "label": "partial", "source": "desk"},
    {**GERMAN, "label": "refusal", "source": "post"},
]


def test_an_evaluation_counts_by_language_and_source_with_intervals():
    rows = json.loads(classify(*LABELLED, arguments=("--evaluate", "--json"))[0])
    assert [(row["language"], row["source"], row["n"], row["refusals"]) for row in rows] == [
        ("de", "post", 1, 1),
        ("en", "desk", 36, 16),
        ("all", "all", 37, 17),
    ]
    english = rows[1]
    assert english["sensitivity"] == [0.75, 0.4762, 0.9273]
    assert english["specificity"] == [0.95, 0.7513, 0.9987]
    value, low, high = english["f1"]
    assert value == round(24 / 29, 4)
    assert 0.6 < low < value < high < 1
    assert rows[0]["specificity"] is None


def test_the_table_shows_every_group_whole_in_a_pipe():
    table, _ = classify(*LABELLED, arguments=("--evaluate",))
    assert "0.750 (0.476 to 0.927)" in table
    assert "desk" in table
    assert "…" not in table


def test_a_calibration_file_holds_the_counts_and_the_classifier(tmp_path):
    file = tmp_path / "calibration.json"
    assert classify(*LABELLED, arguments=("--calibrate", str(file)))[0] == ""
    document = json.loads(file.read_text())
    assert document["classifier"] == classifier_digest()
    assert document["languages"]["en"] == {"detected": 12, "positives": 16, "cleared": 19, "negatives": 20}
    assert set(read_calibrations(file.read_text())) == {"en"}, "one German answer is no calibration"


def test_no_labelled_line_is_insufficient_data_and_writes_nothing(tmp_path):
    file = tmp_path / "unwritten.json"
    assert "no labelled line" in classify(arguments=("--evaluate", "--calibrate", str(file)), code=3)[1]
    assert not file.exists()


def test_a_line_without_a_known_label_is_named_when_one_is_needed():
    assert "line 1: label: need one of refusal" in classify(YES, arguments=("--evaluate",), code=2)[1]


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    missing = tmp_path / "absent" / "calibration.json"
    assert "absent" in classify(*LABELLED, arguments=("--calibrate", str(missing)), code=2)[1]


def test_json_without_a_table_is_a_usage_error():
    assert "--json goes with --evaluate" in CliRunner().invoke(command, ["--json"]).output


def test_the_help_shows_examples():
    assert "Examples:" in CliRunner().invoke(command, ["--help"]).output
