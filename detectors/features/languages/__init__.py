"""One file a language, named by its BCP-47 base tag, each offering ``lexicon``.

A file more is a language more: nothing else names them.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from detectors.features.lexicon import Lexicon


@cache
def tags() -> frozenset[str]:
    """Every language that has a lexicon."""
    return frozenset(module.name for module in pkgutil.iter_modules(__path__))


@cache
def lexicon(tag: str) -> Lexicon:
    """The lexicon of ``tag``, loaded when first asked for; ``KeyError`` when there is none."""
    if tag not in tags():
        raise KeyError(f"no lexicon for {tag!r}; there are {', '.join(sorted(tags()))}")
    found: Lexicon = importlib.import_module(f"{__name__}.{tag}").lexicon
    return found
