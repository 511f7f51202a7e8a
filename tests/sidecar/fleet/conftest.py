"""A coordinator on a real Redis, with ticks of the real time."""

import pytest
from redis_server import RunningRedis


@pytest.fixture
def redis(tmp_path):
    with RunningRedis(tmp_path / "redis") as running:
        yield running
