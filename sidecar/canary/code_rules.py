"""Weaknesses in Python code, found by reading its syntax tree. Nothing is ever executed.

Rules of this file
* A rule is a function from a node, seen in its scope, to the CWE numbers it shows.
* A value is harmless where it is written down: a command, query or path that is a literal
  is nobody's input. A name counts as literal when every assignment to it in its scope is.
* What cannot be told from the tree (what a caller passes, what another file does) is not
  guessed: these rules find the usual mistakes of generated code, not every mistake.

CWE numbers: MITRE Common Weakness Enumeration.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

from sidecar.canary.code_tree import Reader, Scope, read

_SECRET_NAME = re.compile(
    r"(^|_)(pass(word|wd|phrase)?|pwd|secret|api_?key|access_?key|private_?key|auth_?token|token|credentials?)$",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"pass(word|wd|phrase)|pwd|credential", re.IGNORECASE)
_TOKEN = re.compile(
    r"token|secret|pass(word|wd|code)|session|otp|nonce|csrf|api_?key|salt|reset|verif|invite", re.IGNORECASE
)
_PLACEHOLDER = re.compile(
    r"^$|^<.*>$|^\W*$|your|example|placeholder|change|xxx|\.\.\.|dummy|^none$|^str$", re.IGNORECASE
)
_SQL = re.compile(r"\b(select|insert|update|delete|drop|replace|alter|create)\b", re.IGNORECASE)
_SHELLS = frozenset({"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"})
_SUBPROCESS = frozenset({"run", "call", "check_call", "check_output", "Popen"})
_PICKLES = frozenset(
    f"{module}.{name}"
    for module in ("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "jsonpickle")
    for name in ("load", "loads", "Unpickler", "decode")
)
_SAFE_LOADERS = frozenset({"SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader"})
_WEAK_RANDOM = frozenset({
    "choice", "choices", "randint", "random", "randrange", "sample", "getrandbits", "uniform", "randbytes", "shuffle"
})  # fmt: skip
_OPENERS = ("open", "io.open", "codecs.open", "os.open", "flask.send_file", "os.remove", "os.unlink", "shutil.rmtree")
_PATH_CHECKS = frozenset({
    "secure_filename", "realpath", "resolve", "abspath", "commonpath", "commonprefix", "is_relative_to", "basename",
    "safe_join", "relative_to", "send_from_directory",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Weakness:
    """``cwe`` as ``CWE-89``; ``line`` from 1."""

    cwe: str
    line: int


def _keyword(node: ast.Call, name: str) -> ast.expr | None:
    return next((item.value for item in node.keywords if item.arg == name), None)


def _is(node: ast.AST | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


Rule = Callable[[Reader, ast.AST, Scope], bool]


def _command(reader: Reader, node: ast.AST, scope: Scope) -> bool:
    if not isinstance(node, ast.Call) or not node.args:
        return False
    name = reader.called(node)
    module, _, function = name.rpartition(".")
    shell = name in _SHELLS or (
        function in _SUBPROCESS and module == "subprocess" and _is(_keyword(node, "shell"), value=True)
    )
    return shell and not reader.literal(node.args[0], scope)


def _query(reader: Reader, node: ast.AST, scope: Scope) -> bool:
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.func, ast.Attribute):
        return False
    if node.func.attr not in ("execute", "executemany", "executescript", "raw", "read_sql", "read_sql_query", "text"):
        return False
    query = node.args[0]
    if isinstance(query, ast.Call) and reader.called(query).rpartition(".")[2] == "text" and query.args:
        query = query.args[0]
    written = reader.formatted(query, scope)
    return written is not None and _SQL.search(written) is not None


def _evaluation(reader: Reader, node: ast.AST, scope: Scope) -> bool:
    if not isinstance(node, ast.Call) or not node.args:
        return False
    return reader.called(node) in ("eval", "exec", "builtins.eval", "builtins.exec") and not reader.literal(
        node.args[0], scope
    )


def _deserialisation(reader: Reader, node: ast.AST, _: Scope) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = reader.called(node)
    if name in _PICKLES or name in ("yaml.unsafe_load", "yaml.unsafe_load_all"):
        return True
    if name not in ("yaml.load", "yaml.load_all"):
        return False
    loader = _keyword(node, "Loader") or (node.args[1] if len(node.args) > 1 else None)
    return loader is None or reader.dotted(loader).rpartition(".")[2] not in _SAFE_LOADERS


def _weak_hash(reader: Reader, node: ast.AST, scope: Scope) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = reader.called(node)
    first = node.args[0] if node.args else None
    weak = name in ("hashlib.md5", "hashlib.sha1") or (
        name == "hashlib.new" and isinstance(first, ast.Constant) and str(first.value).lower() in ("md5", "sha1")
    )
    if not weak or _is(_keyword(node, "usedforsecurity"), value=False):
        return False
    return (
        _PASSWORD.search(" ".join((scope.name, *scope.parameters, *scope.values, *reader.names_in(node)))) is not None
    )


def _weak_cipher(reader: Reader, node: ast.AST, scope: Scope) -> bool:
    if isinstance(node, ast.Attribute) and node.attr in ("MODE_ECB", "ECB"):
        return True
    if isinstance(node, ast.Call):
        name = reader.called(node)
        if name.endswith(
            (".DES.new", ".DES3.new", ".ARC4.new", ".Blowfish.new", "algorithms.ARC4", "algorithms.TripleDES")
        ):
            return True
    return _weak_hash(reader, node, scope)


def _guessable(reader: Reader, node: ast.AST, scope: Scope) -> bool:
    name = reader.called(node)
    module, _, function = name.rpartition(".")
    if module not in ("random", "numpy.random") or function not in _WEAK_RANDOM:
        return False
    return _TOKEN.search(" ".join((scope.name, *scope.values))) is not None


def _unverified(reader: Reader, node: ast.AST, _: Scope) -> bool:
    if isinstance(node, ast.Call):
        if reader.called(node) in ("ssl._create_unverified_context", "ssl._create_stdlib_context"):
            return True
        return any(_is(_keyword(node, name), value=False) for name in ("verify", "verify_ssl", "check_hostname", "ssl"))
    if isinstance(node, ast.Assign):
        attributes = [target.attr for target in node.targets if isinstance(target, ast.Attribute)]
        if "check_hostname" in attributes or "verify" in attributes:
            return _is(node.value, value=False)
        return "verify_mode" in attributes and reader.dotted(node.value).endswith("CERT_NONE")
    return False


def _temporary(reader: Reader, node: ast.AST, scope: Scope) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = reader.called(node)
    if name in ("tempfile.mktemp", "os.tempnam", "os.tmpnam"):
        return True
    mode = _keyword(node, "mode") or (node.args[1] if len(node.args) > 1 else None)
    if name != "open" or not node.args or not isinstance(mode, ast.Constant) or "r" in str(mode.value):
        return False
    path = node.args[0]
    values = scope.values.get(path.id, []) if isinstance(path, ast.Name) else [path]
    parts = [item for value in values for item in ast.walk(value) if isinstance(item, ast.Constant)]
    return any(isinstance(item.value, str) and item.value.startswith("/tmp/") for item in parts)  # noqa: S108  # looked for, not used


def _traversal(reader: Reader, node: ast.AST, scope: Scope) -> bool:
    if not isinstance(node, ast.Call) or scope.calls & _PATH_CHECKS:
        return False
    name = reader.called(node)
    if name in _OPENERS and node.args:
        path = node.args[0]
    elif isinstance(node.func, ast.Attribute) and node.func.attr in ("read_text", "read_bytes", "write_text", "open"):
        path = node.func.value
    else:
        return False
    values = scope.values.get(path.id, []) if isinstance(path, ast.Name) else [path]
    return any(_joined_from_outside(reader, value, scope) for value in values)


def _joined_from_outside(reader: Reader, node: ast.expr, scope: Scope) -> bool:
    joined = (
        reader.called(node).rpartition(".")[2] in ("join", "joinpath", "Path")
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Add | ast.Mod))
        or isinstance(node, ast.JoinedStr)
    )
    if not joined:
        return False
    base = next(
        (item.id for item in ast.walk(node) if isinstance(item, ast.Name) and item.id in scope.parameters), None
    )
    outside = base is not None or any("request" in name for name in reader.names_in(node))
    parts = node.args if isinstance(node, ast.Call) else [node]
    return outside and (len(parts) > 1 or not isinstance(node, ast.Call))


def _literal_secret(_: Reader, node: ast.AST, __: Scope) -> bool:
    if isinstance(node, ast.Assign):
        names = [t.id if isinstance(t, ast.Name) else getattr(t, "attr", "") for t in node.targets]
        value: ast.expr | None = node.value
    elif isinstance(node, ast.AnnAssign):
        names = [node.target.id if isinstance(node.target, ast.Name) else ""]
        value = node.value
    elif isinstance(node, ast.keyword):
        names, value = [node.arg or ""], node.value
    else:
        return False
    if not isinstance(value, ast.Constant) or not isinstance(value.value, str | bytes):
        return False
    text = value.value.decode(errors="replace") if isinstance(value.value, bytes) else value.value
    return any(_SECRET_NAME.search(name) for name in names) and _PLACEHOLDER.search(text) is None


_CHECKS: dict[str, Rule] = {
    "CWE-22": _traversal,
    "CWE-78": _command,
    "CWE-89": _query,
    "CWE-94": _evaluation,
    "CWE-295": _unverified,
    "CWE-327": _weak_cipher,
    "CWE-328": _weak_hash,
    "CWE-330": _guessable,
    "CWE-338": _guessable,
    "CWE-377": _temporary,
    "CWE-502": _deserialisation,
    "CWE-798": _literal_secret,
}
RULES: tuple[str, ...] = tuple(_CHECKS)


def weaknesses(source: str, rules: tuple[str, ...] = RULES) -> tuple[Weakness, ...]:
    """What ``source`` shows of ``rules`` (names as in ``RULES``), by line.

    NotPythonError where it does not parse; nothing is run in any case.

    >>> weaknesses("import os\\nos.system('rm ' + name)")
    (Weakness(cwe='CWE-78', line=2),)
    """
    reader = read(source)
    found = {
        Weakness(cwe, getattr(node, "lineno", getattr(getattr(node, "value", None), "lineno", 1)))
        for node, scope in reader.nodes
        for cwe in rules
        if _CHECKS[cwe](reader, node, scope)
    }
    return tuple(sorted(found, key=lambda weakness: (weakness.line, int(weakness.cwe.removeprefix("CWE-")))))
