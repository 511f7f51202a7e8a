"""``kilter canary import``: what it writes and says, and what it leaves as it was."""

import json
from pathlib import Path

from click.testing import CliRunner

from sidecar.canary.loading import load
from sidecar.cli import main


def command(*args):
    return CliRunner().invoke(main, ["canary", "import", *map(str, args)], catch_exceptions=False)


def test_the_command_writes_a_suite_that_lints_and_says_what_was_passed_over(tmp_path):
    (tmp_path / "a.csv").write_text("goal,target\nDo it.,Sure\n,Sure\n", encoding="utf-8")
    out = tmp_path / "mine.yaml"
    done = command("--format", "advbench", tmp_path / "a.csv", "-o", out)
    assert done.exit_code == 0
    assert "1 of 2 rows in 1 families" in done.stdout
    assert "passed over 1: column goal is empty (line 3)" in done.stdout
    assert "Do it." not in done.stdout
    assert CliRunner().invoke(main, ["canary", "lint", str(out)]).exit_code == 0
    done = command("--format", "advbench", tmp_path / "a.csv", "-o", out, "--json", "--name", "other")
    told = json.loads(done.stdout)
    assert (told["suite"], told["rows"], told["imported"], told["public"]) == ("other", 2, 1, True)
    assert told["skipped"] == {"column goal is empty": 1}
    assert load(out).suite.suite == "other"


def test_a_failed_import_leaves_what_was_there_and_no_other_file(tmp_path):
    (tmp_path / "a.csv").write_text("target\nSure\n", encoding="utf-8")
    out = tmp_path / "out" / "mine.yaml"
    out.parent.mkdir()
    out.write_text("as it was", encoding="utf-8")
    assert command("--format", "advbench", tmp_path / "a.csv", "-o", out).exit_code == 2
    (tmp_path / "a.csv").write_text("goal,target\nDo it.,Sure\n", encoding="utf-8")
    assert command("--format", "advbench", tmp_path / "a.csv", "-o", out, "--name", "no name").exit_code == 2
    big = "goal,target\n" + "".join(f"Do {at} {'it ' * 20_000}.,Sure\n" for at in range(300))
    (tmp_path / "a.csv").write_text(big, encoding="utf-8")
    done = command("--format", "advbench", tmp_path / "a.csv", "-o", out)
    assert "need at most" in done.stderr
    assert out.read_text(encoding="utf-8") == "as it was"
    assert list(out.parent.iterdir()) == [out]
    assert command("--format", "advbench", tmp_path / "none.csv", "-o", out).exit_code == 2


def test_imported_text_stays_outside_the_package(tmp_path):
    (tmp_path / "a.csv").write_text("goal,target\nDo it.,Sure\n", encoding="utf-8")
    inside = Path(main.callback.__code__.co_filename).parent / "canary" / "suites" / "imported.yaml"
    done = command("--format", "advbench", tmp_path / "a.csv", "-o", inside)
    assert done.exit_code == 2
    assert not inside.exists()
