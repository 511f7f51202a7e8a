"""Exit codes and words of ``kilter selftest``, against a real admin listener that answers as told."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from click.testing import CliRunner

from sidecar.cli import main

DRILL = {
    "behaviour": "hollow_refusal", "stratum": "1", "model": "m", "language": "en", "rate": 0.05, "shift": 0.25,
    "promised_s": 7200.0, "fired": True, "after_s": 3600.0, "exchanges": 90, "alert": "HollowRefusalRise",
}  # fmt: skip


def outcome(*drills, not_drilled=()):
    passed = bool(drills) and all(drill["fired"] for drill in drills)
    told = {"at_s": 1e9, "passed": passed, "seconds": 1.5, "baseline": "ab", "drills": list(drills)}
    return {**told, "error": "", "not_drilled": list(not_drilled)}


@contextlib.contextmanager
def answering(told, start=202):
    class Answers(BaseHTTPRequestHandler):
        asked = 0

        def do_PUT(self):
            self.reply(start, b'{"running": true}' if start == 202 else b"a selftest is running already")

        def do_GET(self):
            Answers.asked += 1
            done = Answers.asked > 1
            self.reply(200, json.dumps({"running": not done, "outcome": told if done else None}).encode())

        def reply(self, status, body):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def selftest(tmp_path, address, *flags):
    (tmp_path / "admin_token").write_text("ab" * 32)
    return CliRunner().invoke(main, ["selftest", "--admin", address, "--state", str(tmp_path), *flags])


def test_all_fired_is_0_and_each_drill_says_alert_time_and_promise(tmp_path):
    with answering(outcome(DRILL, not_drilled=["refusal_by_length"])) as address:
        done = selftest(tmp_path, address)
    assert done.exit_code == 0, done.output
    for said in (
        "HollowRefusalRise",
        "1.0 h",
        "2.0 h",
        "5.0 %",
        "30.0 %",
        "not drilled: refusal_by_length",
        "passed: ",
    ):
        assert said in done.stdout, said


def test_one_that_did_not_fire_in_time_is_1(tmp_path):
    with answering(outcome(DRILL, {**DRILL, "fired": False, "after_s": None})) as address:
        done = selftest(tmp_path, address)
    assert (done.exit_code, "not in time" in done.stdout, "NOT PASSED" in done.stdout) == (1, True, True)


def test_exchanges_that_did_not_get_through_are_1_and_said(tmp_path):
    with answering({**outcome(), "error": "3 exchanges left 0 records, 0 damaged, 0 lost"}) as address:
        done = selftest(tmp_path, address)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "NOT PASSED: 3 exchanges left 0 records, 0 damaged, 0 lost\n"


def test_nothing_that_could_be_drilled_is_3_and_json_is_the_document(tmp_path):
    told = outcome(not_drilled=["hollow_refusal"])
    with answering(told) as address:
        done = selftest(tmp_path, address, "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (3, told)


def test_one_that_runs_already_and_one_that_takes_too_long_are_2(tmp_path):
    with answering(outcome(DRILL), start=429) as address:
        done = selftest(tmp_path, address)
    assert (done.exit_code, "running already" in done.stderr) == (2, True)
    with answering(None) as address:
        done = selftest(tmp_path, address, "--limit", "1")
    assert (done.exit_code, "no outcome after 1 s" in done.stderr) == (2, True)
