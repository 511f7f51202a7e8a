"""The description of the API, OpenAPI 3.1: ``openapi.yaml``, which a test holds against the routes and the answers."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import yaml

from sidecar import __version__


@functools.cache
def document() -> dict[str, Any]:
    """Plain JSON."""
    text = resources.files("sidecar.admin").joinpath("openapi.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    found["info"]["version"] = __version__
    return found
