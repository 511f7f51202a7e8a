"""``kilter status``, ``pause`` and ``resume`` against a running Kilter."""

import json
import subprocess
import sys

from load import ask, chat
from running import RunningKilter

from sidecar.demo.upstream import ScriptedUpstream


def kilter_command(*argv):
    return subprocess.run(
        [sys.executable, "-m", "sidecar", *argv], capture_output=True, text=True, timeout=30, check=False
    )


async def test_a_pause_stops_looking_and_not_traffic_and_status_says_so(tmp_path):
    async with ScriptedUpstream() as upstream:
        with RunningKilter(upstream.url, tmp_path) as kilter:
            admin = kilter.admin.removeprefix("http://")
            reach = ("--admin", admin, "--state", str(kilter.state))
            assert (await ask(kilter.url, *chat())).status == 200
            kilter.until(lambda seen: seen.total("kilter_responses_total") == 1)

            paused = kilter_command("pause", *reach)
            assert (paused.returncode, paused.stdout) == (0, "observing is paused; traffic goes on\n")
            assert (await ask(kilter.url, *chat())).status == 200
            metrics = kilter.metrics()
            assert metrics.total("kilter_captures_total", outcome="paused") == 1
            assert (metrics.total("kilter_observe"), metrics.total("kilter_requests_total")) == (0, 2)
            assert "paused: traffic passes, nothing is looked at" in kilter_command("status", "--admin", admin).stdout

            assert kilter_command("resume", *reach).returncode == 0
            assert (await ask(kilter.url, *chat())).status == 200
            assert (
                kilter.until(lambda seen: seen.total("kilter_responses_total") == 2).total("kilter_responses_total")
                == 2
            )
            document = json.loads(kilter_command("status", "--admin", admin, "--json").stdout)
            assert document["observing"] is True
            assert document["traffic"]["requests"] == 3
            assert document["labels"]["scripted"]["compliance"] == 2
            table = kilter_command("status", "--admin", admin).stdout
            assert "scripted" in table
            assert "3 requests" in table


async def test_a_write_without_the_token_is_refused_and_changes_nothing(tmp_path):
    async with ScriptedUpstream() as upstream:
        with RunningKilter(upstream.url, tmp_path) as kilter:
            wrong = tmp_path / "elsewhere"
            wrong.mkdir()
            (wrong / "admin_token").write_text("00" * 32)
            done = kilter_command("pause", "--admin", kilter.admin.removeprefix("http://"), "--state", str(wrong))
            assert (done.returncode, "401" in done.stderr) == (2, True)
            assert kilter.metrics().total("kilter_observe") == 1


def test_a_kilter_that_does_not_run_is_said_with_the_next_step():
    done = kilter_command("status", "--admin", "127.0.0.1:1")
    assert done.returncode == 2
    assert "127.0.0.1:1: nothing answers (is Kilter running? --admin names its admin address)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_configuration_is_checked_and_shown_with_its_defaults(tmp_path):
    file = tmp_path / "kilter.yaml"
    file.write_text("upstream: http://127.0.0.1:8000\n")
    assert "fine. Upstream http://127.0.0.1:8000" in kilter_command("check", str(file)).stdout
    assert json.loads(kilter_command("check", "--json", str(file)).stdout)["timeouts"]["idle_s"] == 300.0
    file.write_text("upstream: http://127.0.0.1:8000\nsampel: 1\n")
    wrong = kilter_command("check", str(file))
    assert (wrong.returncode, "kilter.yaml:2: sampel: unknown key; did you mean sample?" in wrong.stderr) == (2, True)
