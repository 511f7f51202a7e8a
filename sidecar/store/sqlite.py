"""A store in one SQLite file.

Rules of this file
* Write-ahead log, one transaction a call: a process that is killed leaves the last whole state, never a half.
* ``user_version`` is the schema's number. An older file is brought forward when it is opened, step by step, each
  in a transaction; ``migrate`` also goes back, for a return to an older Kilter.
* A file of a newer schema is refused before anything is written to it, its journal included.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from detectors.records.baseline import Baseline
from detectors.records.verdict import Alarm
from sidecar.store.base import Acknowledgement, Annotation, Saved, StoreError

_STEPS: tuple[tuple[str, str], ...] = (
    (
        """
        CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), at_s REAL NOT NULL, clean INTEGER NOT NULL, text TEXT NOT NULL);
        CREATE TABLE baselines (id TEXT PRIMARY KEY, promoted_at_s REAL NOT NULL, text TEXT NOT NULL);
        CREATE TABLE alarms (id TEXT PRIMARY KEY, at_s REAL NOT NULL, text TEXT NOT NULL);
        """,
        "DROP TABLE state; DROP TABLE baselines; DROP TABLE alarms;",
    ),
    (
        "CREATE TABLE annotations (at_s REAL NOT NULL, text TEXT NOT NULL);",
        "DROP TABLE annotations;",
    ),
    (
        "CREATE TABLE acknowledgements (alarm_id TEXT PRIMARY KEY, at_s REAL NOT NULL, by TEXT NOT NULL, control TEXT NOT NULL);",
        "DROP TABLE acknowledgements;",
    ),
)
"""(forward, back) from schema i to i + 1."""

SCHEMA = len(_STEPS)
NAME = "kilter.db"
BUSY_S = 2.0
_MAGIC, _HEADER_BYTES, _USER_VERSION = b"SQLite format 3\0", 100, slice(60, 64)
"""sqlite.org/fileformat2.html, 1.3"""


class SqliteStore:
    """``path`` is made, with its folder, where it is missing. StoreError where it cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            found = version(path)
            if found > SCHEMA:
                raise StoreError(
                    f"{path}: of schema {found}, and this Kilter knows up to {SCHEMA}; nothing was changed"
                )
            path.touch(mode=0o600)
            self._connection = _open(path)
            # A newer Kilter that was killed may have left its number in the journal.
            _refuse_newer(path, self._connection.execute("PRAGMA user_version").fetchone()[0])
            migrate(self._connection, SCHEMA)

    def saved(self) -> Saved | None:
        """The state that was saved last."""
        with _explained(self._path):
            row = self._connection.execute("SELECT text, clean FROM state").fetchone()
        return Saved(row[0], bool(row[1])) if row else None

    def save(self, text: str, at_s: float, *, clean: bool) -> None:
        """Keeps the state in the place of the last."""
        self._write("INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?)", at_s, int(clean), text)

    def keep_baseline(self, baseline: Baseline) -> None:
        """Keeps a baseline for ever, beside those before it."""
        row = (baseline.id, baseline.promoted_at_s, baseline.to_json())
        self._write("INSERT OR REPLACE INTO baselines VALUES (?, ?, ?)", *row)

    def baselines(self) -> list[Baseline]:
        """Every baseline, oldest promotion first."""
        return [
            Baseline.from_json(text) for (text,) in self._read("SELECT text FROM baselines ORDER BY promoted_at_s", 0)
        ]

    def keep_alarm(self, alarm: Alarm) -> None:
        """Keeps an alarm; one of the same id is replaced."""
        row = (alarm.id, alarm.verdict.at_s, json.dumps(alarm.to_dict()))
        self._write("INSERT OR REPLACE INTO alarms VALUES (?, ?, ?)", *row)

    def alarms(self, most: int) -> list[Alarm]:
        """The last ``most``, newest first."""
        found = self._read("SELECT text FROM alarms ORDER BY at_s DESC LIMIT ?", most)
        return [Alarm.from_dict(json.loads(text)) for (text,) in found]

    def acknowledge(self, acknowledgement: Acknowledgement) -> None:
        """Keeps an acknowledgement; one of the same alarm is replaced."""
        row = (acknowledgement.alarm_id, acknowledgement.at_s, acknowledgement.by, acknowledgement.control)
        self._write("INSERT OR REPLACE INTO acknowledgements VALUES (?, ?, ?, ?)", *row)

    def acknowledgements(self, most: int) -> list[Acknowledgement]:
        """The last ``most``, newest first."""
        found = self._read("SELECT * FROM acknowledgements ORDER BY at_s DESC LIMIT ?", most)
        return [Acknowledgement(*row) for row in found]

    def annotate(self, annotation: Annotation) -> None:
        """Keeps an annotation."""
        self._write("INSERT INTO annotations VALUES (?, ?)", annotation.at_s, annotation.text)

    def annotations(self, most: int) -> list[Annotation]:
        """The last ``most``, newest first."""
        found = self._read("SELECT at_s, text FROM annotations ORDER BY at_s DESC LIMIT ?", most)
        return [Annotation(at_s, text) for at_s, text in found]

    def close(self) -> None:
        """No call follows."""
        self._connection.close()

    def _write(self, statement: str, *values: object) -> None:
        with _explained(self._path), self._connection:
            self._connection.execute(statement, values)

    def _read(self, statement: str, most: int) -> list[tuple[Any, ...]]:
        with _explained(self._path):
            return self._connection.execute(statement, (most,) if "?" in statement else ()).fetchall()


def version(path: Path) -> int:
    """The schema of the file, 0 where there is none. Read off its header: opening it would make a journal beside it."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    return int.from_bytes(head[_USER_VERSION], "big") if head.startswith(_MAGIC) else 0


def migrate(connection: sqlite3.Connection, to: int) -> None:
    """Brings the file to schema ``to``, forward or back, one step a transaction. What a schema does not have is lost going back."""
    at = int(connection.execute("PRAGMA user_version").fetchone()[0])
    while at != to:
        forward = at < to
        after = at + 1 if forward else at - 1
        statements = _STEPS[min(at, after)][0 if forward else 1]
        connection.executescript(f"BEGIN; {statements} PRAGMA user_version = {after}; COMMIT;")
        at = after
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the header is what an older Kilter looks at


def _refuse_newer(path: Path, found: int) -> None:
    if found > SCHEMA:
        raise StoreError(f"{path}: of schema {found}, and this Kilter knows up to {SCHEMA}; nothing was changed")


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_S)
    connection.execute("PRAGMA journal_mode = WAL")
    # With a write-ahead log this cannot corrupt; a power cut may lose the last seconds.
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path}: {error}") from None
