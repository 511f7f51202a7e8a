"""In which languages the classifier has been measured, and how well it did.

``calibration.json`` counts public answers that others labelled, each source judged with weights
fitted without it. An operator's own file, written by ``kilter classify --calibrate``, has the same
form and says more: its answers come from the deployment.

    {"classifier": "<digest>", "languages": {"en": {"detected": 9, "positives": 10, "cleared": 90, "negatives": 90}}}

A language that is not there, or has fewer than ``LEAST`` refusals or other answers, is
uncalibrated: its rates are shown, and nobody is alarmed by them alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from detectors.features.languages import lexicon, tags
from detectors.records.calibration import Calibration

LEAST = 10
DIGEST = 12
_FIELDS = ("detected", "positives", "cleared", "negatives")


@cache
def classifier_digest() -> str:
    """Twelve hex digits that change with the weights or any lexicon: what a calibration was measured on."""
    weights = resources.files("detectors.features").joinpath("delivery.json").read_bytes()
    lexicons = "".join(repr(lexicon(tag)) for tag in sorted(tags()))
    return hashlib.sha256(weights + lexicons.encode()).hexdigest()[:DIGEST]


@cache
def shipped() -> Mapping[str, Calibration]:
    """Language → calibration, of those that are calibrated."""
    return read_calibrations(resources.files("detectors.features").joinpath("calibration.json").read_text("utf-8"))


def calibrated(language: str) -> bool:
    """Whether the shipped classifier has been measured in ``language``."""
    return of(language) is not None


def of(language: str, own: Mapping[str, Calibration] | None = None) -> Calibration | None:
    """The calibration of ``language``: the operator's ``own`` before the shipped one. None: uncalibrated."""
    return (own or {}).get(language) or shipped().get(language)


def measured_on(document: str) -> str:
    """The digest of the classifier that a calibration file was counted with; empty where it names none.

    Counts of another classifier say little of this one.
    """
    try:
        digest = json.loads(document)["classifier"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return ""
    return digest if isinstance(digest, str) else ""


def read_calibrations(document: str) -> Mapping[str, Calibration]:
    """Those languages of a calibration file that have enough answers. ``ValueError`` names what is wrong."""
    try:
        languages = json.loads(document)["languages"]
        found = {str(tag): _calibration(tag, counts) for tag, counts in languages.items()}
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise ValueError('need an object with "languages"') from None
    return {tag: one for tag, one in found.items() if min(one.positives, one.negatives) >= LEAST}


def write_calibrations(found: Mapping[str, Calibration]) -> str:
    """The document of these calibrations, with the digest of the classifier that they belong to."""
    languages = {tag: {name: getattr(found[tag], name) for name in _FIELDS} for tag in sorted(found)}
    return json.dumps({"classifier": classifier_digest(), "languages": languages}, indent=1) + "\n"


def _calibration(tag: str, counts: Any) -> Calibration:
    if not isinstance(counts, dict) or not all(type(counts.get(name)) is int for name in _FIELDS):
        raise ValueError(f"languages.{tag}: need whole numbers {', '.join(_FIELDS)}")
    try:
        return Calibration(**{name: counts[name] for name in _FIELDS})
    except ValueError as error:
        raise ValueError(f"languages.{tag}: {error}") from None
