"""Forms of the page of a running Kilter: who may, from where, for how long; and that nothing else may."""

import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.parse

import alarmed
import pytest
from browser import chromium, opened
from running import RunningKilter

from sidecar.evidence.verify import records


@pytest.fixture(scope="module")
def kilter(tmp_path_factory):
    directory = tmp_path_factory.mktemp("alarmed")
    alarm_id = alarmed.make(directory / "state")
    with RunningKilter("http://127.0.0.1:1", directory, env={"KILTER_ADMIN_HOSTS": '["kilter.example"]'}) as running:
        running.alarm_id = alarm_id
        running.token = (running.state / "admin_token").read_text().strip()
        yield running


class Answer:
    def __init__(self, answer):
        self.status, self.headers, self.text = answer.status, answer.headers, answer.read().decode()


def send(kilter, method, path, fields=None, *, host=None, **headers):
    """One request as a browser would send it. ``host``: another name for the same listener."""
    address = kilter.admin.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=10)
    body = None
    if fields is not None:
        body = urllib.parse.urlencode(fields)
        headers.setdefault("Content_Type", "application/x-www-form-urlencoded")
    shown = host or address
    named = {name.replace("_", "-"): value.replace("SELF", f"http://{shown}") for name, value in headers.items()}
    try:
        connection.request(method, path, body, {"Host": shown, **named})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def seen(kilter):
    (alarm,) = json.loads(kilter.get("/api/v1/alarms")[1])
    return alarm["acknowledged"]


def form(kilter, **more):
    return {"alarm": kilter.alarm_id, "by": "Ada", "control": "routed to the old model", **more}


def test_a_form_is_taken_from_this_page_only_and_with_the_token_only(kilter):
    path, whole = "/forms/acknowledge", form(kilter, token=kilter.token)
    for origin in ("", "null", "http://evil.example", "http://127.0.0.1:1", "https://evil.example:9401", "nonsense"):
        refused = send(kilter, "POST", path, whole, **({"Origin": origin} if origin else {}))
        assert (refused.status, "did not come from Kilter" in refused.text) == (403, True), origin
        assert "Set-Cookie" not in refused.headers
    for token in ("", "wrong", kilter.token[:-1], kilter.token.upper() + "x", "Bearer " + kilter.token):
        refused = send(kilter, "POST", path, form(kilter, token=token), Origin="SELF")
        assert (refused.status, "Set-Cookie" in refused.headers) == (401, False), token
    refused = send(kilter, "POST", path, form(kilter), Origin="SELF", Cookie="kilter_session=guessed")
    assert refused.status == 401
    assert send(kilter, "POST", path, form(kilter), Origin="SELF", Content_Type="text/plain").status == 400
    assert send(kilter, "POST", path, {**whole, "by": " "}, Origin="SELF").status == 400
    assert send(kilter, "POST", path, {**whole, "alarm": "../x"}, Origin="SELF").status == 400
    assert send(kilter, "POST", path, {**whole, "alarm": "abcd"}, Origin="SELF").status == 404
    assert send(kilter, "POST", path, {**whole, "control": "x" * 20_000}, Origin="SELF").status == 400
    assert send(kilter, "GET", path).status == 404
    assert seen(kilter) is None


def test_the_token_begins_a_session_of_a_quarter_of_an_hour_for_forms_alone_and_it_can_be_forgotten(kilter):
    wrong = form(kilter, token=kilter.token, alarm="abcd")
    assert "Set-Cookie" not in send(kilter, "POST", "/forms/acknowledge", wrong, Origin="SELF").headers
    done = send(kilter, "POST", "/forms/acknowledge", form(kilter, token=kilter.token), Origin="SELF")
    assert (done.status, done.headers["Location"]) == (303, f"/#alarm-{kilter.alarm_id}")
    cookie = done.headers["Set-Cookie"]
    name, *attributes = cookie.split("; ")
    assert set(attributes) == {"HttpOnly", "Max-Age=900", "Path=/forms", "SameSite=Strict"}
    assert kilter.token not in cookie
    assert seen(kilter)["control"] == "routed to the old model"

    again = send(kilter, "POST", "/forms/acknowledge", form(kilter, control="second"), Origin="SELF", Cookie=name)
    assert (again.status, seen(kilter)["control"]) == (303, "second")
    other = send(kilter, "POST", "/forms/acknowledge", form(kilter), Origin="http://evil.example", Cookie=name)
    assert other.status == 403
    api = send(kilter, "PUT", "/api/v1/baselines/learn", Cookie=name, Origin="SELF")
    assert api.status == 401  # a browser's cookie is worth nothing there

    assert send(kilter, "POST", "/forms/forget", {}, Cookie=name).status == 303
    late = send(kilter, "POST", "/forms/acknowledge", form(kilter, control="third"), Origin="SELF", Cookie=name)
    assert (late.status, seen(kilter)["control"]) == (401, "second")


def test_what_a_form_did_is_evidence_and_its_words_are_beside_the_chain(kilter):
    key = bytes.fromhex((kilter.state / "evidence_key").read_text().strip())
    kept = [content for _, content, _ in records(kilter.state / "evidence", key)]
    acknowledged = [record for record in kept if record["kind"] == "acknowledgement"]
    assert {record["data"]["alarm"] for record in acknowledged} == {kilter.alarm_id}
    assert "routed to" not in json.dumps(kept)


def test_names_that_do_not_lead_here_are_refused_and_probes_are_not(kilter):
    for host in ("127.0.0.1", "127.0.0.1:9999", "[::1]:9401", "localhost:9401", "kilter.example", "KILTER.example:80"):
        assert send(kilter, "GET", "/api/v1/status", host=host).status == 200, host
    for path in ("/", "/api/v1/status", "/api/v1/openapi.json", "/forms/acknowledge", "/anything"):
        refused = send(kilter, "GET", path, host="rebound.example:9401")
        assert (refused.status, refused.text.strip()) == (
            421, "rebound.example: not a name of this listener; if it is, admin_hosts must list it",
        )  # fmt: skip
    for path in ("/healthz", "/readyz", "/metrics"):
        assert send(kilter, "GET", path, host="kilter.monitoring.svc").status == 200
    # Whoever has the token was not led here by a page.
    bearer = f"Bearer {kilter.token}"
    assert send(kilter, "GET", "/api/v1/status", host="kilter.svc", Authorization=bearer).status == 200
    assert send(kilter, "GET", "/api/v1/status", host="kilter.svc", Authorization="Bearer x").status == 421


def test_a_promotion_needs_a_tick_and_a_refusal_says_why(kilter):
    token = {"token": kilter.token}
    unsure = send(kilter, "POST", "/forms/promote", token, Origin="SELF")
    assert (unsure.status, "Please tick that you mean it" in unsure.text) == (400, True)
    before = json.loads(kilter.get("/api/v1/baselines")[1])["in_use"]
    refused = send(kilter, "POST", "/forms/promote", {**token, "sure": "yes"}, Origin="SELF")
    assert (refused.status, "nothing is being learned" in refused.text) == (409, True)
    assert json.loads(kilter.get("/api/v1/baselines")[1])["in_use"] == before


def test_the_page_may_not_be_framed_sent_elsewhere_or_kept(kilter):
    answer = send(kilter, "GET", "/")
    policy = answer.headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert part in policy
    assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert answer.headers["Refresh"] is None
    assert send(kilter, "GET", "/?reload=1").headers["Refresh"] == "30"


async def test_a_person_acknowledges_in_a_browser_without_scripts_and_is_told_where_the_monitor_is_down(tmp_path):
    alarm_id = alarmed.make(tmp_path / "state")
    with RunningKilter("http://127.0.0.1:1", tmp_path) as kilter:
        token = (kilter.state / "admin_token").read_text().strip()
        async with chromium() as browser, opened(browser, kilter.admin + "/", scripts=False) as page:
            assert await page.locator("h1").inner_text() == "1 of 1 strata out of control"
            alarm = page.locator(f"#alarm-{alarm_id}")

            async def send_with(token):
                await alarm.get_by_label("Who are you?").fill("Ada")
                await alarm.get_by_label("What is done about it meanwhile?").fill("routed <b>elsewhere</b>")
                await alarm.get_by_label("Admin token").fill(token)
                await alarm.get_by_role("button").click()

            await send_with("wrong")
            assert await page.locator("h1").inner_text() == "Not taken"
            await page.go_back()
            await send_with(token)
            assert page.url == f"{kilter.admin}/#alarm-{alarm_id}"
            assert "by Ada: routed <b>elsewhere</b>" in await alarm.text_content()
            (cookie,) = await page.context.cookies()
            assert (cookie["name"], cookie["path"], cookie["sameSite"]) == ("kilter_session", "/forms", "Strict")
            assert kilter.metrics().total("kilter_alarm_acknowledged", stratum="1") == 1

            os.kill(kilter.pids("sidecar.monitor")[0], signal.SIGSTOP)
            answer = await page.goto(kilter.admin + "/")
            assert (answer.status, await page.locator("h1").inner_text()) == (503, "Behaviour is not being watched")
        assert kilter.get("/api/v1/status", limit_s=8)[1].startswith("the monitor does not answer: ")
        assert kilter.status_of(kilter.admin + "/healthz") == 200
        assert token not in kilter.log()
        assert "elsewhere" not in kilter.log()


def test_status_in_a_terminal_says_the_same(kilter):
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", "status", "--admin", kilter.admin.removeprefix("http://")],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert "out of control" in done.stdout
