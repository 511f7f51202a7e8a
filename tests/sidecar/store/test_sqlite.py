"""What is kept is whole, survives a kill, and is left alone by whoever does not understand it."""

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from detectors.records.baseline import Baseline, Layer, Reference
from detectors.records.verdict import Alarm, Example, Verdict
from sidecar.store.base import Acknowledgement, Annotation, StoreError
from sidecar.store.sqlite import SCHEMA, SqliteStore, migrate, version

REFERENCE = Reference("refusal_by_length", "1", "m", (Layer("1", 5, 100),), 60.0, 1.0, 1.1, 0.9, 0.01)
BASELINE = Baseline((REFERENCE,), (), 60.0, 1440, 1, 0.0, 86400.0, 86400.0, "digest", 1)
ALARM = Alarm("a1", Verdict("refusal_by_length", "1", "m", "out_of_control", 9.0, "text"), (Example(8.0, "r", "", ""),))


def test_what_is_kept_comes_back(tmp_path):
    store = SqliteStore(tmp_path / "state" / "kilter.db")
    assert store.saved() is None
    store.save("first", 1.0, clean=False)
    store.save("second", 2.0, clean=True)
    store.keep_baseline(BASELINE)
    store.keep_alarm(ALARM)
    store.annotate(Annotation(3.0, "new prompt"))
    store.acknowledge(Acknowledgement("a1", 4.0, "Ada", "routed elsewhere"))
    store.acknowledge(Acknowledgement("a1", 5.0, "Ada", "rolled back"))
    store.close()
    again = SqliteStore(tmp_path / "state" / "kilter.db")
    assert (again.saved().text, again.saved().clean) == ("second", True)
    assert again.baselines() == [BASELINE]
    assert again.alarms(5)[0].examples == ALARM.examples
    assert again.annotations(5) == [Annotation(3.0, "new prompt")]
    assert again.acknowledgements(5) == [Acknowledgement("a1", 5.0, "Ada", "rolled back")]
    again.close()
    assert (tmp_path / "state" / "kilter.db").stat().st_mode & 0o077 == 0


def test_a_process_that_is_killed_while_it_saves_leaves_a_whole_state(tmp_path):
    file = tmp_path / "kilter.db"
    code = (
        "import pathlib, sys\n"
        "from sidecar.store.sqlite import SqliteStore\n"
        "store = SqliteStore(pathlib.Path(sys.argv[1]))\n"
        "n = 0\n"
        "while True:\n"
        "    n += 1\n"
        "    store.save(f'{n:08d}' * 50_000, float(n), clean=False)\n"
    )
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", code, str(file)])
        deadline = time.monotonic() + 20
        while version(file) != SCHEMA and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        store = SqliteStore(file)
        saved = store.saved()
        if saved is not None:
            assert saved.text == saved.text[:8] * 50_000
        store.close()
    assert saved is not None


def test_a_file_of_a_newer_schema_is_refused_and_not_touched(tmp_path):
    file = tmp_path / "kilter.db"
    SqliteStore(file).close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    before = hashlib.sha256(file.read_bytes()).hexdigest(), sorted(tmp_path.iterdir())
    with pytest.raises(StoreError, match=f"of schema {SCHEMA + 1}, and this Kilter knows up to {SCHEMA}"):
        SqliteStore(file)
    assert (hashlib.sha256(file.read_bytes()).hexdigest(), sorted(tmp_path.iterdir())) == before


def test_an_older_file_is_brought_forward_and_can_go_back_one_version_with_what_that_one_knows(tmp_path):
    file = tmp_path / "kilter.db"
    store = SqliteStore(file)
    store.save("kept", 1.0, clean=True)
    store.keep_baseline(BASELINE)
    store.annotate(Annotation(3.0, "new prompt"))
    store.acknowledge(Acknowledgement("a1", 4.0, "Ada", "lost on the way back"))
    store.close()
    with closing(sqlite3.connect(file)) as connection:
        migrate(connection, SCHEMA - 1)
    assert version(file) == SCHEMA - 1
    again = SqliteStore(file)
    assert version(file) == SCHEMA
    assert again.saved().text == "kept"
    assert again.baselines() == [BASELINE]
    assert again.annotations(5) == [Annotation(3.0, "new prompt")]
    assert again.acknowledgements(5) == []
    again.close()


def test_a_migration_that_fails_leaves_the_schema_as_it_was(tmp_path):
    file = tmp_path / "kilter.db"
    SqliteStore(file).close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TABLE acknowledgements")
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, 0)
        connection.rollback()
    assert version(file) == SCHEMA


def test_what_is_no_database_is_an_error_with_its_path(tmp_path):
    file = tmp_path / "kilter.db"
    file.write_bytes(b"not a database at all, but long enough to be one" * 100)
    with pytest.raises(StoreError, match=str(file)):
        SqliteStore(file)
