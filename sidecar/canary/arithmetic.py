"""Arithmetic and comparison over slots, from a closed list of syntax nodes; never ``eval``.

Powers and shifts are left out, so that no expression can grow a number without bound.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

MAX_CHARACTERS = 400
MAX_TEXT = 4000

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
_CALLS: dict[str, Callable[..., Any]] = {"abs": abs, "min": min, "max": max, "round": round}


class ExpressionError(ValueError):
    """The expression cannot be read, or not with these values."""


def check(text: str) -> tuple[str, ...]:
    """The names that ``text`` uses. ExpressionError where it is not of the closed list.

    >>> check("dose * 2 <= 4 and not child")
    ('child', 'dose')
    """
    tree = _parsed(text)
    calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in calls}
    _allowed(tree.body)
    return tuple(sorted(names))


def value(text: str, names: Mapping[str, Any]) -> Any:
    """What it comes to. ExpressionError for an unknown name, a division by zero, or unlike kinds.

    >>> value("min(dose, 4) == dose", {"dose": 3})
    True
    """
    tree = _parsed(text)
    _allowed(tree.body)
    try:
        return _value(tree.body, names)
    except KeyError as error:
        raise ExpressionError(f"no slot named {error.args[0]}") from None
    except (ArithmeticError, TypeError, ValueError):
        raise ExpressionError("cannot be computed with these values") from None


def _parsed(text: str) -> ast.Expression:
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"need at most {MAX_CHARACTERS} characters")
    try:
        return ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError("need an expression such as `dose <= 4`") from None


def _allowed(node: ast.AST) -> None:
    known = (
        (isinstance(node, ast.Constant) and isinstance(node.value, int | float | str))
        or isinstance(node, ast.Name | ast.BoolOp | ast.IfExp | ast.Tuple | ast.List)
        or (isinstance(node, ast.BinOp) and type(node.op) in _BINARY)
        or (isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY)
        or (isinstance(node, ast.Compare) and all(type(op) in _COMPARE for op in node.ops))
        or (isinstance(node, ast.Call) and _called(node) in _CALLS and not node.keywords)
    )
    if not known:
        raise ExpressionError(f"{type(node).__name__} is not allowed: only arithmetic and comparison over slots")
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            _allowed(child)


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return names[node.id]
        case ast.Tuple() | ast.List():
            return [_value(item, names) for item in node.elts]
        case ast.BinOp():
            result = _BINARY[type(node.op)](_value(node.left, names), _value(node.right, names))
            if isinstance(result, str) and len(result) > MAX_TEXT:
                raise ExpressionError("the text grows too long")
            return result
        case ast.UnaryOp():
            return _UNARY[type(node.op)](_value(node.operand, names))
        case ast.BoolOp():
            parts = (_value(item, names) for item in node.values)
            return all(parts) if isinstance(node.op, ast.And) else any(parts)
        case ast.IfExp():
            return _value(node.body if _value(node.test, names) else node.orelse, names)
        case ast.Call():
            return _CALLS[_called(node)](*(_value(item, names) for item in node.args))
        case ast.Compare():
            left = _value(node.left, names)
            for op, right_node in zip(node.ops, node.comparators, strict=True):
                right = _value(right_node, names)
                if not _COMPARE[type(op)](left, right):
                    return False
                left = right
            return True
        case _:
            raise ExpressionError("not allowed")
