"""Acceptance: one test a promise, printing what was measured beside what is required."""

import pytest


@pytest.fixture
def shown(capsys, request):
    """``shown(what, measured, required)`` prints a line past pytest's capture."""

    def show(what, measured, required):
        with capsys.disabled():
            print(f"\n  {request.node.name}: {what}: {measured} | {required}", end="")

    return show
