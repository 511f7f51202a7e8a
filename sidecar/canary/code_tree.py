"""A parsed Python text and the questions that rules ask of it: what is this call, is that value written down?"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_CHARACTERS = 100_000


class NotPythonError(ValueError):
    """The text does not parse."""


@dataclass
class Scope:
    """A module or function: what its names were given, and its own name and parameters."""

    name: str
    parameters: frozenset[str] = frozenset()
    values: dict[str, list[ast.expr]] = field(default_factory=dict)
    calls: set[str] = field(default_factory=set)


class Reader:
    """One parsed text: imports, scopes, and the questions that rules ask."""

    def __init__(self, tree: ast.Module) -> None:
        self.imported: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for name in node.names:
                    self.imported[name.asname or name.name.partition(".")[0]] = (
                        name.name if name.asname else name.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                for name in node.names:
                    self.imported[name.asname or name.name] = f"{node.module}.{name.name}"
        self.nodes: list[tuple[ast.AST, Scope]] = []
        self._enter(tree, Scope(""))

    def _enter(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            args = node.args
            names = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
            outer = scope
            scope = Scope(getattr(node, "name", outer.name), frozenset(names) | outer.parameters)
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    scope.values.setdefault(target.id, []).append(node.value)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
            if isinstance(node.target, ast.Name) and node.value is not None:
                scope.values.setdefault(node.target.id, []).append(node.value)
        elif isinstance(node, ast.Call):
            scope.calls.add(self.called(node).rpartition(".")[2])
        elif isinstance(node, ast.Attribute) and node.attr == "name":
            scope.calls.add("basename")  # pathlib's word for it
        self.nodes.append((node, scope))
        for child in ast.iter_child_nodes(node):
            self._enter(child, scope)

    def dotted(self, node: ast.AST) -> str:
        """The full name of a name or attribute, imports resolved; empty for anything else."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self.dotted(node.value)}.{node.attr}"
        return ""

    def called(self, node: ast.AST) -> str:
        """The full name of what a call calls."""
        return self.dotted(node.func) if isinstance(node, ast.Call) else ""

    def literal(self, node: ast.expr, scope: Scope, depth: int = 0) -> bool:
        """Whether the value is written down in the code."""
        if isinstance(node, ast.Constant):
            return True
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return all(self.literal(item, scope, depth) for item in node.elts)
        if isinstance(node, ast.BinOp):
            return self.literal(node.left, scope, depth) and self.literal(node.right, scope, depth)
        if isinstance(node, ast.JoinedStr):
            return all(self.literal(item, scope, depth) for item in node.values)
        if isinstance(node, ast.FormattedValue):
            return self.literal(node.value, scope, depth)
        if isinstance(node, ast.Name) and node.id not in scope.parameters and depth < 4:
            values = scope.values.get(node.id, [])
            return bool(values) and all(self.literal(value, scope, depth + 1) for value in values)
        return False

    def formatted(self, node: ast.expr, scope: Scope, depth: int = 0) -> str | None:
        """The written part of a text that values are put into; None for any other expression."""
        if self.literal(node, scope):
            return None
        if isinstance(node, ast.JoinedStr):
            return "".join(str(item.value) for item in node.values if isinstance(item, ast.Constant))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
            return "".join(str(item.value) for item in ast.walk(node) if isinstance(item, ast.Constant))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            return "".join(str(item.value) for item in ast.walk(node.func) if isinstance(item, ast.Constant))
        if isinstance(node, ast.Name) and depth < 4:
            texts = [self.formatted(value, scope, depth + 1) for value in scope.values.get(node.id, [])]
            return next((text for text in texts if text is not None), None)
        return None

    def names_in(self, node: ast.AST) -> Iterator[str]:
        """Every name below."""
        for item in ast.walk(node):
            if isinstance(item, ast.Name):
                yield item.id
            elif isinstance(item, ast.Attribute):
                yield item.attr


def read(source: str) -> Reader:
    """The parsed text. NotPythonError where there is none; warnings of the parser concern nobody here."""
    if len(source) > MAX_CHARACTERS:
        raise NotPythonError(f"need at most {MAX_CHARACTERS} characters, got {len(source)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a bad escape in somebody else's text is no warning of ours
            return Reader(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotPythonError("the code does not parse") from None
