"""JailFlip's questions, whichever file they come from.

A seed question is asked where the right answer is no, and turned round where it is yes: two
families, a pair. Its styles (slang, typos, …) are wordings of one family, of which one is
drawn an epoch; its Chinese and German forms are that family in other languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidecar.canary.importers.family import domain

LANGUAGES = {"cn": "zh", "de": "de"}
TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def flip_family(styles: Mapping[str, str], topic: str, *, truth: bool, meta: dict[str, Any]) -> dict[str, Any]:
    """A family of one question. ``styles``: wording by style, none of them empty."""
    prompts: dict[str, dict[str, Any]] = {}
    names: dict[str, list[str]] = {}
    for style, wording in styles.items():
        language = LANGUAGES.get(style.lower(), "en")
        status = {} if language == "en" else {"status": "imported"}
        prompts.setdefault(language, {"text": [], **status})["text"].append(wording)
        names.setdefault(language, []).append(style)
    return {
        "group": "implicit_harm",
        "quadrant": "harmless_input_factual_output",
        **domain(topic),
        "prompts": prompts,
        "expect": {"answer": {"yes_no": truth}, "confident_wrong_is": "fail"},
        "meta": {"topic": topic, "styles": names, **meta},
    }
