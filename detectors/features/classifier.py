"""Which classifier judges: the one of this version, or one that was shipped before.

A baseline belongs to the classifier that judged it (``classifier_digest``). After an upgrade the old
one goes on judging until a baseline of the new one is there: ``classifier(digest)`` gives it back.
Weights and lexicons of what was shipped lie in ``classifiers/<digest>.json``, written by
``tests/detectors/features/keep_classifier.py`` before either is changed.

What breaks it: rules, folding, the cutting of sentences and the identification of languages are
those of the running version. Where they changed, the old classifier is nearly the old one; where
the evidence changed, it is refused (``ValueError``) and a new baseline has to be learnt.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from detectors.features.calibration import classifier_digest
from detectors.features.delivery import Weights, read_weights, weights, weights_document
from detectors.features.languages import lexicon, tags
from detectors.features.lexicon import Lexicon

_KEPT = resources.files("detectors.features").joinpath("classifiers")


@dataclass(frozen=True)
class Classifier:
    """``lexicons``: language → lexicon. English is always among them."""

    digest: str
    weights: Weights
    lexicons: Mapping[str, Lexicon]


@cache
def classifier(digest: str | None = None) -> Classifier:
    """The classifier of this version, or that of ``digest``.

    ``KeyError`` where no such classifier was kept, ``ValueError`` where it cannot judge any more.
    """
    if digest in (None, classifier_digest()):
        return Classifier(classifier_digest(), weights(), {tag: lexicon(tag) for tag in tags()})
    if digest not in kept():
        raise KeyError(f"no classifier {digest!r} was kept; there are {', '.join(sorted(kept())) or 'none'}")
    return read_classifier(digest, _KEPT.joinpath(f"{digest}.json").read_text("utf-8"))


@cache
def kept() -> frozenset[str]:
    """Digests of earlier classifiers that are shipped with this version."""
    return frozenset(file.name.removesuffix(".json") for file in _KEPT.iterdir()) if _KEPT.is_dir() else frozenset()


def document() -> str:
    """The classifier of this version, to be kept: its weights and lexicons as one JSON object."""
    lexicons = {tag: _spelt(lexicon(tag)) for tag in sorted(tags())}
    return json.dumps({"weights": json.loads(weights_document()), "lexicons": lexicons}, ensure_ascii=False) + "\n"


def read_classifier(digest: str, kept_document: str) -> Classifier:
    """``ValueError`` where it was fitted on other evidence, or has other roles, than this version knows."""
    held = json.loads(kept_document)
    try:
        lexicons = {tag: Lexicon(tag=tag, **_tuples(spelt)) for tag, spelt in held["lexicons"].items()}
    except TypeError:
        raise ValueError(f"classifier {digest} has roles that this version does not know") from None
    return Classifier(digest, read_weights(held["weights"], f"classifier {digest}"), lexicons)


def _spelt(one: Lexicon) -> dict[str, Any]:
    """What is not as it would be anyway."""
    return {
        field.name: value
        for field in dataclasses.fields(one)
        if field.name != "tag" and (value := getattr(one, field.name)) != field.default
    }


def _tuples(spelt: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in spelt.items()}
