"""What canaries found, what they cost and which prompts were used: one SQLite file.

Rules of this file
* No prompt and no reply is stored: names, numbers and times only.
* WAL, so that a reader never waits for the writer; every change is one transaction.
* The budget is taken before a request is sent, in the file, so that two processes together
  stay within it; what was not used is given back when the usage is known.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

VERSION = 4
_BUSY_S = 10.0
_STEPS = (
    """
CREATE TABLE result (
  at_s REAL NOT NULL, run TEXT NOT NULL, suite TEXT NOT NULL, family TEXT NOT NULL, variant TEXT NOT NULL,
  language TEXT NOT NULL, epoch INTEGER NOT NULL, draw INTEGER NOT NULL, repeat INTEGER NOT NULL,
  secret_id TEXT NOT NULL, family_group TEXT NOT NULL, kind TEXT NOT NULL, attack TEXT NOT NULL,
  domain TEXT NOT NULL, quadrant TEXT NOT NULL, frozen INTEGER NOT NULL, public INTEGER NOT NULL,
  model TEXT NOT NULL, fingerprint TEXT NOT NULL, outcome TEXT NOT NULL, decided_by TEXT NOT NULL,
  reason TEXT NOT NULL, factual TEXT NOT NULL, label TEXT NOT NULL, tokens INTEGER NOT NULL, latency_s REAL NOT NULL
) STRICT;
CREATE INDEX result_by_time ON result (suite, at_s);
CREATE TABLE exposure (
  secret_id TEXT NOT NULL, suite TEXT NOT NULL, epoch INTEGER NOT NULL, draw INTEGER NOT NULL, uses INTEGER NOT NULL,
  first_s REAL NOT NULL, last_s REAL NOT NULL, PRIMARY KEY (secret_id, suite, epoch, draw)
) STRICT;
CREATE TABLE spent (day TEXT PRIMARY KEY, tokens INTEGER NOT NULL) STRICT;
""",
    """
CREATE TABLE comparison (
  at_s REAL NOT NULL, run TEXT NOT NULL, a TEXT NOT NULL, b TEXT NOT NULL, category TEXT NOT NULL,
  units INTEGER NOT NULL, passed_a INTEGER NOT NULL, passed_b INTEGER NOT NULL, points REAL NOT NULL,
  low REAL NOT NULL, high REAL NOT NULL, verdict TEXT NOT NULL
) STRICT;
""",
    """
ALTER TABLE result ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
CREATE TABLE kept (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
""",
    """
ALTER TABLE result ADD COLUMN sampling TEXT NOT NULL DEFAULT '';
""",
)
"""From schema i to i + 1."""


class StoreError(Exception):
    """The file cannot be used; ``str()`` is one line for a person."""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One probe, as stored. ``draw`` is the case's index, ``at_s`` Unix time, ``sampling`` JSON; empty where it is not known."""

    at_s: float
    run: str
    suite: str
    family: str
    variant: str
    language: str
    epoch: int
    draw: int
    repeat: int
    secret_id: str
    family_group: str
    kind: str
    attack: str
    domain: str
    quadrant: str
    frozen: bool
    public: bool
    model: str
    fingerprint: str
    outcome: str
    decided_by: str
    reason: str
    factual: str
    label: str
    tokens: int
    latency_s: float
    generation: int = 0
    sampling: str = ""

    @property
    def case_id(self) -> str:
        """The id of its case."""
        variant = f"[{self.variant}]" if self.variant else ""
        return f"{self.suite}/{self.family}{variant}/{self.language}/{self.draw}"


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """One category of one comparison of models ``a`` and ``b``. ``points`` (of a hundred) is by how much b passed less."""

    at_s: float
    run: str
    a: str
    b: str
    category: str
    units: int
    passed_a: int
    passed_b: int
    points: float
    low: float
    high: float
    verdict: str


_COMPARED = tuple(field.name for field in dataclasses.fields(Compared))
_COLUMNS = tuple(field.name for field in dataclasses.fields(Row))
_INSERT = f"INSERT INTO result ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608  # our own names


class Results:
    """``with Results(path) as results:``; the file and its folder are made when missing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{path}: cannot be opened: {error}") from None
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            with self._transaction():
                self._prepare()
        except sqlite3.Error as error:
            self._db.close()
            raise StoreError(f"{path}: cannot be used: {error}") from None
        except StoreError:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Afterwards nothing else may be called."""
        self._db.close()

    def _prepare(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise StoreError(f"{self._path}: written by a newer Kilter (version {version}, this one reads {VERSION})")
        for step in _STEPS[version:]:
            for statement in step.split(";"):
                self._db.execute(statement)
        self._db.execute(f"PRAGMA user_version={VERSION}")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def add(self, row: Row) -> None:
        """Keeps a result."""
        self._db.execute(_INSERT, tuple(getattr(row, name) for name in _COLUMNS))

    def rows(self, since_s: float = 0.0, run: str | None = None) -> list[Row]:
        """Results from ``since_s`` on, oldest first; ``run``: of that one only."""
        where, values = ("at_s >= ?", [since_s]) if run is None else ("at_s >= ? AND run = ?", [since_s, run])
        found = self._db.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM result WHERE {where} ORDER BY rowid",  # noqa: S608  # our own names
            values,
        )
        return [_row(values) for values in found]

    def renew_generation(self, model: str, fingerprint: str, generation: int, since_s: float) -> None:
        """What was answered under these names from ``since_s`` on was another generation's."""
        self._db.execute(
            "UPDATE result SET generation = ? WHERE model = ? AND fingerprint = ? AND at_s >= ?",
            (generation, model, fingerprint, since_s),
        )

    def keep(self, name: str, text: str) -> None:
        """One text that a process goes on from, in place of the last of that name."""
        self._db.execute(
            "INSERT INTO kept VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET text = excluded.text", (name, text)
        )

    def kept(self, name: str) -> str:
        """The text of that name; empty where there is none."""
        found = self._db.execute("SELECT text FROM kept WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else ""

    def add_comparison(self, compared: Iterable[Compared]) -> None:
        """Keeps every category of a comparison."""
        with self._transaction():
            self._db.executemany(
                f"INSERT INTO comparison ({', '.join(_COMPARED)}) VALUES ({', '.join('?' * len(_COMPARED))})",  # noqa: S608  # our own names
                [dataclasses.astuple(one) for one in compared],
            )

    def comparisons(self, since_s: float = 0.0) -> list[Compared]:
        """Those from ``since_s`` on, oldest first."""
        found = self._db.execute(
            f"SELECT {', '.join(_COMPARED)} FROM comparison WHERE at_s >= ? ORDER BY rowid",  # noqa: S608  # our own names
            (since_s,),
        )
        return [Compared(*values) for values in found]

    def reserve(self, day: str, tokens: int, budget: int) -> bool:
        """Takes ``tokens`` out of the day's budget; False, and nothing taken, where they do not fit."""
        with self._transaction():
            if self.spent(day) + tokens > budget:
                return False
            self._db.execute(
                "INSERT INTO spent VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET tokens = tokens + excluded.tokens",
                (day, tokens),
            )
        return True

    def settle(self, day: str, reserved: int, used: int) -> None:
        """Puts what was used in place of what was reserved."""
        self._db.execute("UPDATE spent SET tokens = tokens + ? WHERE day = ?", (used - reserved, day))

    def spent(self, day: str) -> int:
        """Tokens of a day (``2026-11-25``, UTC), reserved ones included."""
        found = self._db.execute("SELECT tokens FROM spent WHERE day = ?", (day,)).fetchone()
        return int(found[0]) if found else 0

    def expose(self, secret_id: str, suite: str, epoch: int, draw: int, at_s: float) -> None:
        """Counts one more use of a suite's draw."""
        self._db.execute(
            "INSERT INTO exposure VALUES (?, ?, ?, ?, 1, ?, ?) ON CONFLICT DO UPDATE SET uses = uses + 1, last_s = excluded.last_s",
            (secret_id, suite, epoch, draw, at_s, at_s),
        )

    def most_uses(self) -> dict[str, int]:
        """By suite, how often the prompts of its most used draw were asked."""
        return {
            suite: int(uses) for suite, uses in self._db.execute("SELECT suite, MAX(uses) FROM exposure GROUP BY suite")
        }

    def last_draws(self) -> dict[str, float]:
        """By suite, when the prompts that were begun last were first asked, Unix seconds."""
        found = self._db.execute("SELECT suite, MAX(first_s) FROM exposure GROUP BY suite")
        return {suite: float(first_s) for suite, first_s in found}

    def next_draw(self, secret_id: str, suite: str, epoch: int, max_uses: int) -> int:
        """The lowest draw of the epoch that was used fewer than ``max_uses`` times: used-up ones do not return."""
        used = self._db.execute(
            "SELECT draw FROM exposure WHERE secret_id = ? AND suite = ? AND epoch = ? AND uses >= ?",
            (secret_id, suite, epoch, max_uses),
        )
        retired = {int(draw) for (draw,) in used}
        return next(draw for draw in range(len(retired) + 1) if draw not in retired)


def _row(values: tuple[Any, ...]) -> Row:
    row = Row(*values)
    return dataclasses.replace(row, frozen=bool(row.frozen), public=bool(row.public))
