"""Real servers: a missing one is a skip on a laptop and a failure where they are required."""

import os
import shutil

import pytest


def missing(reason):
    if os.environ.get("KILTER_REQUIRE_REAL") == "1":
        pytest.fail(f"{reason}, and KILTER_REQUIRE_REAL=1 asks for the real thing")
    pytest.skip(reason)


def program(name):
    """Path of an installed program."""
    return shutil.which(name) or missing(f"{name} is not installed")
