"""Finds the behaviours: a file of ``detectors/behaviours`` is a behaviour of the same name."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import detectors.behaviours
from detectors.records.behaviour import Behaviour


@cache
def behaviours() -> tuple[Behaviour, ...]:
    """Every behaviour, by name; ``ValueError`` where a file and its behaviour are named apart."""
    found = []
    for module in pkgutil.iter_modules(detectors.behaviours.__path__):
        behaviour: Behaviour = importlib.import_module(f"{detectors.behaviours.__name__}.{module.name}").behaviour
        if behaviour.name != module.name:
            raise ValueError(f"file {module.name}.py offers a behaviour named {behaviour.name!r}; need the same name")
        found.append(behaviour)
    return tuple(sorted(found, key=lambda behaviour: behaviour.name))
