"""promptfoo: a configuration (YAML or JSON), or the results of an evaluation (JSON).

Of a configuration, each of its prompts with the variables of each of its tests; a variable that is a list stands for as many
tests. Of results, each prompt as it was sent, with the assertions that its answer was held against; answers are another
model's and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import Passed, Read, Taken
from sidecar.canary.importers.original import Original
from sidecar.canary.importers.promptfoo_case import PassedOverError, filled, listed, mapping, taken
from sidecar.canary.importers.promptfoo_file import document, results

MOST_VARIANTS = 1000
"""Of one test, by variables that are lists."""


@dataclass(frozen=True, slots=True)
class _Prompt:
    text: str
    label: str


def read(original: Original) -> Read:
    """A family a prompt and test. A row is such a pair."""
    config, places = document(original)
    if "results" in config and "tests" not in config:
        keys = ("results", "results") if isinstance(config["results"], dict) else ("results",)
        for line, result in results(original, *keys):
            yield _or_passed(line, lambda: _result(line, result))  # noqa: B023  # called at once
        return
    prompts, common = _prompts(original, config, places), config.get("defaultTest") or {}
    if not isinstance(common, dict):
        raise original.mistake(1, "defaultTest: need its keys here; a file it names is not followed")
    templates = config.get("assertionTemplates")
    known = templates if isinstance(templates, dict) else {}
    for line, test in zip(places["tests"], config["tests"], strict=True):
        for prompt in prompts:
            yield from _pair(line, prompt, common, test, known)


def _prompts(original: Original, config: Mapping[str, Any], places: Mapping[str, list[int]]) -> list[_Prompt]:
    for name in ("prompts", "tests"):
        if name not in config:
            raise original.mistake(1, f"column {name} is missing")
        if not isinstance(config[name], list) and not (name == "prompts" and isinstance(config[name], str | dict)):
            line = places[name][0] if name in places else 1
            raise original.mistake(line, f"column {name}: need a list; a file is not followed")
    given = config["prompts"]
    return [_prompt(prompt) for prompt in ([given] if isinstance(given, str) else given)]


def _prompt(prompt: Any) -> _Prompt:
    """Without a text where it has none here."""
    if isinstance(prompt, dict):
        text, label = prompt.get("raw"), prompt.get("label") or prompt.get("id")
    else:
        text, label = prompt, None
    return _Prompt(text if isinstance(text, str) else "", str(label or ""))


def _pair(
    line: int, prompt: _Prompt, common: Mapping[str, Any], test: Any, templates: Mapping[str, Any]
) -> Iterator[Taken | Passed]:
    if not isinstance(test, dict):
        yield Passed(line, "a test in another file, which is not followed")
        return
    chosen = test.get("prompts")
    if isinstance(chosen, list) and prompt.label not in chosen and prompt.text not in chosen:
        return
    try:
        variants = list(_variants({**mapping(common.get("vars")), **mapping(test.get("vars"))}))
        options = {**mapping(common.get("options")), **mapping(test.get("options"))}
        checks = [given for part in (common, test) for given in listed(part.get("assert"), "assert")]
    except PassedOverError as error:
        yield Passed(line, str(error))
        return
    whole = {**common, **test, "options": options, "assert": checks}
    text = f"{options.get('prefix') or ''}{prompt.text}{options.get('suffix') or ''}"
    for variables in variants:
        yield _or_passed(line, lambda: taken(line, filled(text, variables), variables, whole, templates))  # noqa: B023


def _variants(variables: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One for each combination of what lists hold."""
    choices = [value if isinstance(value, list) and value else [value] for value in variables.values()]
    number = 1
    for choice in choices:
        number *= len(choice)
    if number > MOST_VARIANTS:
        raise PassedOverError(f"more than {MOST_VARIANTS} variants of one test")
    for chosen in product(*choices):
        yield dict(zip(variables, chosen, strict=True))


def _result(line: int, result: Any) -> Taken:
    if not isinstance(result, dict):
        raise PassedOverError("a result that is not an object")
    sent = result.get("prompt")
    asked = sent.get("raw") if isinstance(sent, dict) else sent
    test = mapping(result.get("testCase"))
    if not test:  # before its version 3 a result names the assertions only beside what came of them
        graded = mapping(result.get("gradingResult")).get("componentResults")
        test = {
            "assert": [
                part["assertion"] for part in listed(graded, "componentResults") if mapping(part).get("assertion")
            ]
        }
    return taken(line, asked if isinstance(asked, str) else "", mapping(result.get("vars")), test, {})


def _or_passed(line: int, make: Any) -> Taken | Passed:
    try:
        return make()  # type: ignore[no-any-return]
    except PassedOverError as error:
        return Passed(line, str(error))


IMPORTER = Importer("promptfoo", "promptfoo", read)
