"""The API is what its description says: the same routes, the same answers, no write without the token, never a 500."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from types import SimpleNamespace

import alarmed
import jsonschema
import pytest
from prometheus_client import CollectorRegistry
from running import RunningKilter
from situations import SITUATIONS

from detectors.watch.rules import Rules
from sidecar.admin import openapi
from sidecar.admin.site import Site
from sidecar.monitor.selftest import Selftest
from sidecar.supervisor.admin import Admin

METHODS = {"get", "put", "post", "delete", "patch", "options"}
NOT_API = {"/", "/forms/acknowledge", "/forms/promote", "/forms/forget", "/{path}"}


def described():
    return {
        (method.upper(), path): operation
        for path, item in openapi.document()["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def routes(app):
    found = set()
    for route in app.router.routes():
        path = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.resource.canonical)
        if route.method not in ("HEAD", "*"):
            found.add((route.method, path))
    return found


async def test_the_description_names_every_route_and_no_other():
    site = Site(SimpleNamespace(), lambda: None, lambda: None, lambda: 0.0).application()
    Selftest(lambda: None, Rules(), lambda *_: None, CollectorRegistry(), lambda: 0.0, 0.0).add_to(site)
    admin = Admin(SimpleNamespace(), "/nowhere", "token")
    served = routes(site) | routes(admin.application())
    await admin._session.close()
    assert {route for route in served if route[1] not in NOT_API} == set(described())


def test_every_write_asks_for_the_token_and_no_reading_does():
    for (method, path), operation in described().items():
        assert ("security" in operation) == (method != "GET"), path
        assert ("401" in operation["responses"]) == (method != "GET"), path


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_status_of_every_situation_is_as_described(name):
    document = openapi.document()
    schema = {**document["components"]["schemas"]["Status"], "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(json.loads(json.dumps(SITUATIONS[name]().to_dict())))


@pytest.fixture(scope="module")
def kilter(tmp_path_factory):
    directory = tmp_path_factory.mktemp("api")
    alarm_id = alarmed.make(directory / "state")
    with RunningKilter("http://127.0.0.1:1", directory) as running:
        running.alarm_id = alarm_id
        running.token = (running.state / "admin_token").read_text().strip()
        yield running


def ask(kilter, method, path, body=None, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    request = urllib.request.Request(kilter.admin + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def standing(kilter):
    """Whatever a write could change."""
    status = json.loads(kilter.get("/api/v1/status")[1])
    kept = ("alarms", "baseline", "observing", "kept")
    records = kilter.metrics().total("kilter_evidence_records")
    return {name: status[name] for name in kept}, kilter.metrics().total("kilter_annotations_total"), records


def test_no_write_is_done_without_the_token_whatever_is_sent(kilter):
    before = standing(kilter)
    bodies = (b"", b"{}", b'{"observe": false}', b'{"text": "x"}', b'{"by": "x", "control": "x"}', b'{"anyway": true}')
    for method, path in described():
        if method == "GET":
            continue
        address = path.replace("{id}", kilter.alarm_id)
        for token in (None, "", "x", kilter.token[:-1], kilter.token + "0", "\N{LATIN SMALL LETTER E WITH ACUTE}"):
            for body in bodies:
                status, said = ask(kilter, method, address, body, token)
                assert (status, said.strip()) == (401, "need the admin token as a bearer token"), (address, token)
    for scheme in ("", "Basic ", "Token "):  # the token, but not as a bearer
        named = {"Authorization": scheme + kilter.token}
        request = urllib.request.Request(f"{kilter.admin}/api/v1/observe", b'{"observe": false}', named, method="PUT")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(request, timeout=10)
    assert standing(kilter) == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/annotations", b"["),
        ("/api/v1/annotations", b"[" * 100_000),
        ("/api/v1/annotations", b'{"text": "\\ud800"}'),
        ("/api/v1/annotations", b'{"text": ["x"]}'),
        ("/api/v1/annotations", b"\xff"),
        ("/api/v1/baselines/promote", b'{"anyway": "yes"}'),
        ("/api/v1/baselines/promote", b"{"),
        ("/api/v1/baselines/use", b'{"baseline": 7}'),
        ("/api/v1/observe", b'{"observe": ' + b"[" * 100_000),
        ("/api/v1/observe", b'{"observe": "false"}'),
    ],
)
def test_what_is_not_as_it_must_be_is_a_400_that_says_what_is_needed(kilter, path, body):
    status, said = ask(kilter, "PUT", path, body, kilter.token)
    assert (status, "need" in said) == (400, True), said


def test_a_baseline_goes_out_and_comes_in_again(kilter):
    used = json.loads(kilter.get("/api/v1/baselines")[1])["in_use"]
    status, text = kilter.get(f"/api/v1/baselines/{used}")
    assert (status, json.loads(text)["kilter_baseline"]) == (200, 1)
    assert kilter.get("/api/v1/baselines/000000000000")[0] == 404
    assert ask(kilter, "PUT", "/api/v1/baselines/use", b'{"baseline": "x"}', kilter.token)[0] == 409


def test_nothing_that_can_be_sent_is_a_500_or_another_answer_than_described(kilter, tmp_path):
    """Schemathesis, against a running Kilter that has a baseline and an alarm: examples, corners and chance, from a seed. It leaves out the description itself."""
    argv = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{kilter.admin}/api/v1/openapi.json",
        "--header", f"Authorization: Bearer {kilter.token}", "--checks", "all", "--max-examples", "10", "--seed", "3",
        "--request-timeout", "10", "--generation-database", "none", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(
        argv, cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False, env={**os.environ}
    )
    assert f"Tested: {len(described()) - 1}" in done.stdout, done.stdout[-3000:] + done.stderr[-2000:]
    assert done.returncode == 0, done.stdout[-6000:]
    errors = [line for line in kilter.lines() if line["level"] == "error"]
    assert errors == []
    assert kilter.get("/")[0] == 200
