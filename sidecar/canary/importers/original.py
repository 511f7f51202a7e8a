"""A file as its authors published it, read row by row, each row with its line.

Rules of this file
* UTF-8 with or without a byte order mark; lines may end in CR LF; a quoted CSV field may hold line ends.
* A column that is needed and missing is a mistake of the file, named with the line where it was looked
  for. Columns beyond those needed are passed on.
* JSON is read element by element, since Python's own reader does not say where an element stood.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAX_BYTES = 64 << 20
_WHITE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class ImportMistake(Exception):  # noqa: N818  # a mistake in what was given, told to a person
    """A file cannot be imported: ``str()`` names it, the line, and what is needed there."""


@dataclass(frozen=True, slots=True)
class Original:
    """One file. ``sha256`` is of its bytes; ``text`` has no byte order mark."""

    path: Path
    text: str
    sha256: str

    @classmethod
    def read(cls, path: Path) -> Original:
        """The file, whole. ImportMistake where it cannot be read."""
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ImportMistake(f"{path}: need at most {MAX_BYTES} bytes")
            raw = path.read_bytes()
        except OSError as error:
            raise ImportMistake(f"{path}: cannot be read: {error.strerror}") from None
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise ImportMistake(f"{path}:{line}: not UTF-8 text") from None
        return cls(path, text, hashlib.sha256(raw).hexdigest())

    def mistake(self, line: int, need: str) -> ImportMistake:
        """To be raised: ``need`` says what is wrong in the line (from 1)."""
        return ImportMistake(f"{self.path}:{line}: {need}")

    def line_at(self, position: int) -> int:
        """The line (from 1) of a character."""
        return self.text.count("\n", 0, position) + 1


@dataclass(frozen=True, slots=True)
class Row:
    """One row by column. ``wrong``: why it cannot be taken, empty where it can."""

    line: int
    values: Mapping[str, Any]
    wrong: str = ""

    def text(self, column: str) -> str:
        """What stands in the column, without outer white space; empty where it is no text."""
        value = self.values.get(column)
        return value.strip() if isinstance(value, str) else ""

    def but(self, *columns: str) -> dict[str, Any]:
        """The other columns, those that hold something."""
        return {name: value for name, value in self.values.items() if name not in columns and value not in ("", None)}


def csv_header(original: Original) -> frozenset[str]:
    """What the columns are called; empty where that cannot be read. Of a format with several versions it says which one."""
    reader = csv.reader(io.StringIO(original.text, newline=""), strict=True)
    try:
        found = next((fields for fields in reader if fields not in ([], [""])), [])
    except csv.Error:
        found = []
    return frozenset(name.strip() for name in found)


def csv_rows(original: Original, columns: Sequence[str]) -> Iterator[Row]:
    """The rows below the header, which must hold ``columns``. A row's line is its first one."""
    reader = csv.reader(io.StringIO(original.text, newline=""), strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise original.mistake(line, f"not CSV: {error}") from None
        if fields is None:
            break
        if not fields or fields == [""]:
            continue
        if header is None:
            header = _header(original, line, fields, columns)
        else:
            named = dict(zip(header, fields, strict=False))
            missing = next((name for name in columns if name not in named), None)
            wrong = f"column {missing}: the row ends before it" if missing else ""
            yield Row(line, named, "more fields than columns" if len(fields) > len(header) else wrong)
    if header is None:
        raise original.mistake(1, f"column {columns[0]} is missing: the file is empty")


def _header(original: Original, line: int, fields: Sequence[str], columns: Sequence[str]) -> list[str]:
    header = [name.strip() or f"column_{at}" for at, name in enumerate(fields, 1)]
    # What is there instead is not told: without a header that would be a row's text.
    if missing := [name for name in columns if name not in header]:
        raise original.mistake(line, f"column {', '.join(missing)} is missing")
    for name in columns:
        if header.count(name) > 1:
            raise original.mistake(line, f"column {name} is there twice")
    return header


def json_lines(original: Original) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, object) of every line that is not empty."""
    for line, text in enumerate(original.text.split("\n"), 1):
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise original.mistake(line, "not JSON") from None
        if not isinstance(value, dict):
            raise original.mistake(line, "need a JSON object")
        yield line, value


def json_rows(original: Original, columns: Sequence[str]) -> Iterator[Row]:
    """The lines as rows; each must hold ``columns``."""
    empty = True
    for line, value in json_lines(original):
        empty = False
        yield with_columns(original, line, value, columns)
    if empty:
        raise original.mistake(1, f"column {columns[0]} is missing: the file is empty")


def with_columns(original: Original, line: int, value: Any, columns: Sequence[str]) -> Row:
    """An object as a row that holds ``columns``."""
    if not isinstance(value, dict):
        raise original.mistake(line, "need a JSON object")
    if missing := [name for name in columns if name not in value]:
        raise original.mistake(line, f"column {', '.join(missing)} is missing")
    return Row(line, value)


@dataclass(slots=True)
class _Cursor:
    """A place in a JSON text."""

    original: Original
    at: int = 0
    line: int = field(init=False, default=1)

    def sign(self) -> str:
        """The next sign that is no white space."""
        match = _WHITE.match(self.original.text, self.at)
        end = match.end() if match else self.at
        self.line += self.original.text.count("\n", self.at, end)
        self.at = end
        return self.original.text[end : end + 1]

    def take(self, sign: str) -> bool:
        """Whether the next sign is this one, which is then passed."""
        found = self.sign() == sign
        self.at += found
        return found

    def value(self) -> Any:
        """The next value, which is then passed."""
        self.sign()
        try:
            value, end = _DECODER.raw_decode(self.original.text, self.at)
        except json.JSONDecodeError as error:
            raise self.original.mistake(self.original.line_at(error.pos), "not JSON") from None
        except RecursionError:
            raise self.original.mistake(self.line, "nested too deep") from None
        self.line += self.original.text.count("\n", self.at, end)
        self.at = end
        return value

    def need(self, sign: str) -> None:
        """Passes the sign."""
        if not self.take(sign):
            raise self.original.mistake(self.line, f"not JSON: need {sign}")


def json_items(original: Original, *keys: str) -> Iterator[tuple[int, Any]]:
    """(line, element) of the list that the file is, or that stands under ``keys``, one within the other, in its outermost object."""
    cursor = _Cursor(original)
    if cursor.take("["):
        yield from _elements(cursor)
        return
    for key in keys:
        if not cursor.take("{"):
            raise original.mistake(cursor.line, f"need a JSON list, or an object with {key}")
        if not _found(cursor, key):
            raise original.mistake(1, f"{key} is missing")
    cursor.need("[")
    yield from _elements(cursor)


def _found(cursor: _Cursor, key: str) -> bool:
    """Whether the object that has begun has the key; its value is next then."""
    while not cursor.take("}"):
        name = cursor.value()
        cursor.need(":")
        if name == key:
            return True
        cursor.value()
        if cursor.sign() != "}":
            cursor.need(",")
    return False


def _elements(cursor: _Cursor) -> Iterator[tuple[int, Any]]:
    while not cursor.take("]"):
        cursor.sign()
        line = cursor.line
        yield line, cursor.value()
        if cursor.sign() != "]":
            cursor.need(",")
