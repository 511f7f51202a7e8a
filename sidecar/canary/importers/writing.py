"""A suite's content into a file that can be loaded: whole, or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import yaml

import sidecar
from sidecar.canary.importers.original import ImportMistake
from sidecar.canary.loading import SuiteError, load

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def write(document: dict[str, Any], path: Path) -> None:
    """Writes the suite, once it is seen to load: JSON lines where the name ends so, else YAML.

    ImportMistake where that fails; what stood there before is then still there.
    """
    if path.resolve().is_relative_to(Path(sidecar.__file__).resolve().parent):
        raise ImportMistake(f"{path}: imported text stays outside the package")
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        part.write_text(_json_lines(document) if path.suffix == ".jsonl" else _yaml(document), encoding="utf-8")
        written = load(part)
        if written.source.values != document:
            raise ImportMistake(f"{path}: not written: it would be read as something else")
        part.replace(path)
    except OSError as error:
        raise ImportMistake(f"{path}: cannot be written: {error.strerror}") from None
    except SuiteError as error:
        raise ImportMistake(f"{path}: not written: {str(error).replace(str(part), path.name)}") from None
    finally:
        part.unlink(missing_ok=True)


def _yaml(document: dict[str, Any]) -> str:
    class _NoAliases(_DUMPER):  # type: ignore[misc]  # the C dumper has no types
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # a suite file has none
            return True

    return str(yaml.dump(document, Dumper=_NoAliases, allow_unicode=True, sort_keys=False, width=100))


def _json_lines(document: dict[str, Any]) -> str:
    head = {key: value for key, value in document.items() if key != "families"}
    # ASCII, since some signs beyond it count as line ends.
    return "".join(f"{json.dumps(line)}\n" for line in (head, *document["families"]))
