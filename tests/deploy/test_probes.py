"""The manifests' own probes, asked of a real Kilter as a kubelet asks them, ten times as often.

What they must not do: kill or take out of service a pod that serves. What they must do: take out one that drains.
"""

import asyncio
import http.client
import os
import signal
import time
from pathlib import Path

import pytest
import yaml
from chart import rendered, the
from load import ask, chat
from running import RunningKilter

from sidecar.demo.delivery import Timing
from sidecar.demo.upstream import ScriptedUpstream

MANIFEST = Path(__file__).parents[2] / "deploy/kubernetes/kilter.yaml"
FASTER = 10
POD_IP = "10.244.3.17:9401"


def kilter_of(documents):
    pod = the(documents, "Deployment")["spec"]["template"]["spec"]
    return next(one for one in [*pod.get("initContainers", []), *pod["containers"]] if one["name"] == "kilter")


PROBES = {
    name: probe
    for name, probe in kilter_of(list(yaml.safe_load_all(MANIFEST.read_text("utf-8")))).items()
    if name.endswith("Probe")
}


@pytest.mark.parametrize("layout", ["sidecar", "container", "gateway"])
def test_the_chart_has_the_manifests_probes(layout):
    kilter = kilter_of(rendered({"layout": layout}))
    assert {name: kilter[name] for name in kilter if name.endswith("Probe")} == PROBES


class Kubelet:
    """Asks the probes. ``results``: probe → one entry an attempt, empty for a success, else what was wrong."""

    def __init__(self, admin):
        self.admin = admin
        self.results = {name: [] for name in PROBES}

    async def watch(self, name, seconds):
        probe = PROBES[name]
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.results[name].append(await asyncio.to_thread(self._ask, probe))
            await asyncio.sleep(probe.get("periodSeconds", 10) / FASTER)

    def _ask(self, probe):
        host, _, port = self.admin.removeprefix("http://").rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=probe.get("timeoutSeconds", 1))
        try:
            connection.request(
                "GET", probe["httpGet"]["path"], headers={"Host": POD_IP, "User-Agent": "kube-probe/1.35"}
            )
            answer = connection.getresponse()
            return "" if 200 <= answer.status < 400 else answer.read().decode()
        except OSError as error:
            return type(error).__name__
        finally:
            connection.close()

    def gives_up(self, name):
        """Whether the failures in a row reached the probe's threshold."""
        row = 0
        for wrong in self.results[name]:
            row = row + 1 if wrong else 0
            if row >= PROBES[name].get("failureThreshold", 3):
                return True
        return False


async def test_a_pod_that_nobody_watches_and_whose_model_server_is_away_goes_on(tmp_path):
    with RunningKilter("http://127.0.0.1:9", tmp_path, wait=False) as kilter:
        kubelet = Kubelet(kilter.admin)
        await kubelet.watch("startupProbe", 1.0)
        assert not kubelet.gives_up("startupProbe")
        assert kubelet.results["startupProbe"][-1] == ""
        await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_monitor_up") == 1)
        (monitor,) = kilter.pids("sidecar.monitor")
        os.kill(monitor, signal.SIGSTOP)
        await asyncio.gather(*(kubelet.watch(name, 2.0) for name in ("livenessProbe", "readinessProbe")))
        os.kill(monitor, signal.SIGKILL)
        await asyncio.gather(*(kubelet.watch(name, 1.0) for name in ("livenessProbe", "readinessProbe")))
    assert not any(kubelet.results["livenessProbe"] + kubelet.results["readinessProbe"]), kubelet.results
    assert len(kubelet.results["readinessProbe"]) >= 4


async def test_a_draining_pod_leaves_the_service_at_once_and_is_not_killed_while_a_stream_goes_on(tmp_path):
    async with ScriptedUpstream(timing=Timing(chunk_s=0.04)) as upstream:
        with RunningKilter(upstream.url, tmp_path) as kilter:
            stream = asyncio.ensure_future(ask(kilter.url, *chat("Tell me about bread.", stream=True)))
            await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_inflight_requests") == 1)
            kilter.process.terminate()
            await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_draining") == 1)
            kubelet = Kubelet(kilter.admin)
            await asyncio.gather(*(kubelet.watch(name, 0.8) for name in ("livenessProbe", "readinessProbe")))
            assert not stream.done()
            assert set(kubelet.results["livenessProbe"]) == {""}
            assert [wrong.strip() for wrong in kubelet.results["readinessProbe"]] == ["draining"] * len(
                kubelet.results["readinessProbe"]
            )
            assert (await stream).error == ""


async def test_a_pod_whose_worker_hangs_is_taken_out_of_service_and_comes_back(tmp_path):
    with RunningKilter("http://127.0.0.1:9", tmp_path) as kilter:
        (worker,) = kilter.pids("sidecar.gateway")
        kubelet = Kubelet(kilter.admin)
        os.kill(worker, signal.SIGSTOP)
        await kubelet.watch("readinessProbe", 4.0)
        assert kubelet.gives_up("readinessProbe")
        os.kill(worker, signal.SIGCONT)
        await asyncio.sleep(0.5)
        await kubelet.watch("readinessProbe", 0.1)
        assert kubelet.results["readinessProbe"][-1] == ""
