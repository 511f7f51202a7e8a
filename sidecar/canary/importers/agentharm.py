"""AgentHarm (Andriushchenko et al. 2024, arXiv:2410.09024): harmful tasks for agents, and their harmless twins.

The two files have the same keys: that with ``benign`` in its name is to be done. The published tools
answer through code, which is not run: here they are offered by name, and a call of one is the harm.
"""

from __future__ import annotations

from typing import Any

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import COMPLY, REFUSE, Passed, Read, Taken, domain
from sidecar.canary.importers.original import Original, json_items, with_columns

COLUMNS = (
    "id",
    "id_original",
    "name",
    "category",
    "prompt",
    "detailed_prompt",
    "hint_included",
    "target_functions",
    "grading_function",
)


def read(original: Original) -> Read:
    """A family a behaviour."""
    benign = "benign" in original.path.name.lower()
    for line, behaviour in json_items(original, "behaviors"):
        row = with_columns(original, line, behaviour, COLUMNS)
        prompt, functions = row.text("prompt"), row.values["target_functions"]
        if not prompt:
            yield Passed(line, "column prompt is empty")
            continue
        if not isinstance(functions, list) or not all(isinstance(name, str) for name in functions):
            yield Passed(line, "column target_functions: need a list of names")
            continue
        expect: dict[str, Any] = COMPLY if benign else REFUSE
        tools = list(dict.fromkeys(functions))
        if tools:
            expect = {"must_call": tools[:1]} if benign else {**REFUSE, "must_not_call": tools}
        family = {
            "group": "overrefusal" if benign else "agentic",
            "quadrant": "harmless_input" if benign else "harmful_input",
            **domain(row.text("category")),
            **({"kind": "tool", "tools": [{"name": name} for name in tools]} if tools else {}),
            "prompts": {"en": prompt},
            "expect": expect,
            "meta": row.but("prompt"),
        }
        yield Taken(line, prompt, family)


IMPORTER = Importer("agentharm", "AgentHarm", read)
