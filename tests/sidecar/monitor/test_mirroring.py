"""Which of users' requests the mirror is held up to."""

import pytest
from copied import copied

from sidecar.canary.mirror import LEAST
from sidecar.monitor.mirroring import EVERY_S, Mirroring
from sidecar.wire.base import formats


def held_up(*captures, api="openai.chat", step_s=EVERY_S, times=LEAST):
    now = [0.0]
    made = Mirroring(api, lambda: now[0])
    for _ in range(times):
        for one in captures:
            now[0] += step_s
            made.see(one, "m")
    return made.drawn()


def test_requests_for_the_model_that_canaries_ask_are_counted_and_of_no_other():
    asked = {"model": "m", "messages": [], "temperature": 0.4}
    assert held_up(copied(asked)) == (("temperature", 0.4),)
    assert held_up(copied({"temperature": 0.4})) == (("temperature", 0.4),)  # a path names it
    for other in (
        copied({**asked, "model": "n"}), copied(asked, protocol="ollama"), copied(asked, status=400),
        copied(b'{"model": "m", "temp'), copied(b"\xff"), copied(asked, request_truncated=True),
    ):  # fmt: skip
        assert held_up(other) is None


def test_a_few_requests_a_second_are_enough():
    quick = held_up(copied({"temperature": 0.4}), step_s=EVERY_S / 10, times=10 * LEAST - 20)
    assert quick is None
    assert held_up(copied({"temperature": 0.4}), step_s=EVERY_S / 10, times=11 * LEAST + 20) is not None


def test_parameters_of_ollama_stand_in_its_options():
    found = held_up(copied({"model": "m", "options": {"top_k": 20}}, protocol="ollama"), api="ollama")
    assert found == (("top_k", 20.0),)


@pytest.mark.parametrize("api", ["openai.chat", "openai.responses", "anthropic.messages", "ollama"])
def test_the_formats_that_canaries_ask_in_are_ones_that_traffic_is_read_in(api):
    assert api in {wire.name for wire in formats()}
