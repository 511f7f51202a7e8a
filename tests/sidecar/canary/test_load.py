"""Is the server busy with users? Asked of Kilter, of the model server itself, and read off the data plane's counters."""

import aiohttp
import pytest
from aiohttp import web

from sidecar.canary.load import AnyLoad, KilterLoad, NoLoad, QueueLoad


@pytest.fixture
async def busy(aiohttp_text):
    async def asked(text, make=lambda session, address: QueueLoad(session, f"http://{address}/metrics")):
        async with aiohttp.ClientSession() as session:
            return await make(session, await aiohttp_text(text)).busy()

    return asked


@pytest.fixture
async def aiohttp_text():
    runners = []

    async def serve(text):
        async def metrics(_):
            return web.Response(text=text, status=200 if text else 500)

        app = web.Application()
        app.router.add_get("/metrics", metrics)
        runners.append(web.AppRunner(app, access_log=None))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        host, port = runners[-1].addresses[0]
        return f"{host}:{port}"

    yield serve
    for runner in runners:
        await runner.cleanup()


@pytest.mark.parametrize(
    "line",
    [
        'vllm:num_requests_waiting{model_name="a b",engine="0"} {N}',
        'sglang:num_queue_reqs{model_name="m"} {N}',
        "tgi_queue_size {N}",
        "llamacpp:requests_deferred {N} 1795578900824",
    ],
)
async def test_a_server_that_queues_is_busy_in_its_own_words(busy, line):
    text = f'# HELP x y\n# TYPE x gauge\nother_metric{{a="1"}} 9\n{line}\n'
    assert await busy(text.replace("{N}", "2.0"))
    assert not await busy(text.replace("{N}", "0.0"))


@pytest.mark.parametrize("text", ["", "other 1\n", "tgi_queue_size many\n", "tgi_queue_size_total 0\n"])
async def test_where_the_server_does_not_say_canaries_wait(busy, text):
    assert await busy(text)


@pytest.mark.parametrize(("inflight", "waits"), [(4, False), (5, True)])
async def test_more_requests_of_users_than_allowed_are_busy(busy, inflight, waits):
    text = f"kilter_inflight_requests {inflight}.0\n"
    assert await busy(text, lambda session, address: KilterLoad(session, address, 4)) is waits


async def test_any_reason_to_wait_is_enough(busy):
    class Busy:
        async def busy(self):
            return True

    assert await AnyLoad([NoLoad(), Busy()]).busy()
    assert not await AnyLoad([NoLoad()]).busy()
