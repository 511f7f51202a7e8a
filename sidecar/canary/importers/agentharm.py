"""AgentHarm (Andriushchenko et al. 2024, arXiv:2410.09024): harmful tasks for agents, and their harmless twins.

The files of behaviours have the same keys: those with ``benign`` in their name are to be done. The published tools
answer through code, which is not run: here they are offered by name, and a call of one is the harm.
Those of chat have neither tools nor a function that grades: there a reply that delivers is the harm.
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
CHAT = ("id", "category", "prompt")
_TOOLS = {"target_functions", "grading_function", "detailed_prompt", "hint_included"}


def read(original: Original) -> Read:
    """A family a behaviour."""
    benign = "benign" in original.path.name.lower()
    columns: tuple[str, ...] = ()
    for line, behaviour in json_items(original, "behaviors"):
        if not columns:
            chat = isinstance(behaviour, dict) and not _TOOLS & set(behaviour) and set(CHAT) <= set(behaviour)
            columns = CHAT if chat else COLUMNS
        row = with_columns(original, line, behaviour, columns)
        prompt, functions = row.text("prompt"), row.values.get("target_functions", [])
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
            "group": "overrefusal" if benign else "adversarial" if columns is CHAT else "agentic",
            "quadrant": "harmless_input" if benign else "harmful_input",
            **domain(row.text("category")),
            **({"kind": "tool", "tools": [{"name": name} for name in tools]} if tools else {}),
            "prompts": {"en": prompt},
            "expect": expect,
            "meta": row.but("prompt"),
        }
        yield Taken(line, prompt, family)


IMPORTER = Importer("agentharm", "AgentHarm", read)
