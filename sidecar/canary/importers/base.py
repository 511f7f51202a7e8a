"""What a file of ``importers/`` offers, how it is found, and how its families become a suite."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sidecar.canary.importers
from sidecar.canary.importers.family import Passed, Read, Taken, digest, literal
from sidecar.canary.importers.original import Original

_LITERAL = ("prompts", "turns", "system", "expect", "tools")
_NOT_MEASURED = "Anything that models cannot have learnt by heart: its text is published."
_NO_LOW_RESOURCE = "The published file has no language of which little text exists."
_LOW_RESOURCE = {"bn", "sw", "jv", "am", "yo", "ha", "ig", "zu", "so", "ne", "my", "km", "lo", "mr", "te", "ta", "ur"}


@dataclass(frozen=True, slots=True)
class Importer:
    """One format. ``name`` is what ``--format`` is given; ``title`` is for people.

    ``read`` gives a family or a reason for each row, in the file's order, and raises
    ImportMistake where the file is not of the format. ``licence`` is that of the published
    text, empty where its authors have to be asked.
    """

    name: str
    title: str
    read: Callable[[Original], Read]
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """``document`` is a suite file's content. ``rows`` = ``taken`` + the counts in ``passed``."""

    document: dict[str, Any]
    rows: int
    taken: int
    passed: tuple[Passed, ...]
    sha256: str

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows were passed over, by reason, most first."""
        return dict(Counter(passed.reason for passed in self.passed).most_common())


@cache
def importers() -> dict[str, Importer]:
    """Every importer of this folder, by name."""
    modules = (
        importlib.import_module(f"{sidecar.canary.importers.__name__}.{found.name}")
        for found in pkgutil.iter_modules(sidecar.canary.importers.__path__)
    )
    offered = (getattr(module, "IMPORTER", None) for module in modules)
    return {found.name: found for found in offered if isinstance(found, Importer)}


def imported(importer: Importer, path: Path, name: str) -> Imported:
    """The file as a suite called ``name``. ImportMistake where it cannot be read, is of another format, or holds nothing to ask."""
    original = Original.read(path)
    families: list[dict[str, Any]] = []
    passed: list[Passed] = []
    seen: set[str] = set()
    taken = 0
    for read in importer.read(original):
        found = _unless_known(importer, read, seen)
        if isinstance(found, Passed):
            passed += [found] * (read.rows if isinstance(read, Taken) else 1)
            continue
        families.append(found)
        taken += read.rows if isinstance(read, Taken) else 1
    if not families:
        raise original.mistake(1, "no row can be asked" + (f": {passed[0].reason}" if passed else ""))
    document: dict[str, Any] = {
        "version": 1,
        "suite": name,
        "public": True,
        "description": f"{importer.title}, imported from a file with SHA-256 {original.sha256}",
        "not_measured": _NOT_MEASURED,
        **({"licence": importer.licence} if importer.licence else {}),
        **_waiver(families),
        "families": families,
    }
    return Imported(document, taken + len(passed), taken, tuple(passed), original.sha256)


def _unless_known(importer: Importer, read: Taken | Passed, seen: set[str]) -> dict[str, Any] | Passed:
    if isinstance(read, Passed):
        return read
    asked = {key: literal(value) if key in _LITERAL else value for key, value in read.family.items()}
    whole = json.dumps({key: value for key, value in asked.items() if key in _LITERAL}, sort_keys=True, default=str)
    try:
        name = f"{importer.name}-{digest(read.key)}"
        str(read.family).encode()
    except UnicodeEncodeError:
        return Passed(read.line, "half of a character: not Unicode text")
    if whole in seen:
        return Passed(read.line, "the same text again")
    if name in seen:  # the same text with other answers, tools or translations is another question
        name = f"{importer.name}-{digest(f'{read.key}|{whole}')}"
    seen |= {name, whole}
    # What cannot vary is asked in one frozen form; of several wordings one is drawn an epoch.
    varies = any(
        isinstance(wording, dict) and len(wording["text"]) > 1 for wording in asked.get("prompts", {}).values()
    )
    return {"id": name, **asked, **({} if varies else {"frozen": True})}


def _waiver(families: list[dict[str, Any]]) -> dict[str, str]:
    """Kilter's own suites must ask in a low-resource language; a published file is as it is."""
    languages = {
        language for family in families if family.get("group") == "multilingual" for language in family["prompts"]
    }
    return {"low_resource_waiver": _NO_LOW_RESOURCE} if languages and not languages & _LOW_RESOURCE else {}
