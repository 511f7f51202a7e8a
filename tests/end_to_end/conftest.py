"""Stories from end to end: what was measured is printed beside what is required."""

import pytest


@pytest.fixture
def shown(capsys, request):
    """``shown(what, measured, required)`` prints a line past pytest's capture."""

    def show(what, measured, required):
        with capsys.disabled():
            print(f"\n  {request.node.name}: {what}: {measured} | {required}", end="")

    return show
