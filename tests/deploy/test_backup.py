"""Backup, restore, rollback and a lost volume, by the very commands of the page."""

import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from running import RunningKilter

from sidecar.canary.results import Results
from sidecar.store.sqlite import SCHEMA, SqliteStore

PAGE = (Path(__file__).parents[2] / "deploy/README.md").read_text("utf-8")
NOTE = "a new system prompt in the shop"


def commands(heading):
    """The indented lines that follow a bold heading of the page."""
    after = PAGE.split(f"**{heading}")[1]
    return [line.strip() for line in re.search(r"\n\n((?:    .+\n)+)", after)[1].splitlines()]


def run(command, **named):
    for name, value in named.items():
        command = command.replace(name, str(value))
    command = command.replace("python -c", f"{sys.executable} -c", 1)
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def kilter_command(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def stopped(kilter):
    kilter.process.send_signal(signal.SIGTERM)
    assert kilter.process.wait(20) == 0, kilter.log()


def notes(state):
    store = SqliteStore(state / "kilter.db")
    try:
        return [one.text for one in store.annotations(5)]
    finally:
        store.close()


def version(file, to=None):
    with closing(sqlite3.connect(file)) as connection:
        if to is not None:
            connection.execute(f"PRAGMA user_version = {to}")
        return connection.execute("PRAGMA user_version").fetchone()[0]


def test_a_backup_of_a_running_kilter_restores_what_it_kept(tmp_path):
    backup = tmp_path / "backup"
    backup.mkdir()
    with RunningKilter("http://127.0.0.1:9", tmp_path / "first") as kilter:
        admin = kilter.admin.removeprefix("http://")
        code, said = kilter_command("annotate", NOTE, "--admin", admin, "--state", kilter.state)
        assert code == 0, said
        Results(kilter.state / "canary.db").close()
        for command in commands("Backup,"):
            run(command, STATE=kilter.state, BACKUP=backup)
        stopped(kilter)
    shutil.copytree(backup, tmp_path / "second/state")
    with RunningKilter("http://127.0.0.1:9", tmp_path / "second") as again:
        assert again.metrics().total("kilter_store_errors_total") == 0
        stopped(again)
    for name in ("install_key", "admin_token", "evidence_key"):
        assert (again.state / name).read_bytes() == (kilter.state / name).read_bytes()
        assert (again.state / name).stat().st_mode & 0o777 == 0o600
    assert notes(again.state) == [NOTE]
    assert {path.name for path in backup.glob("*.db")} == {"kilter.db", "canary.db"}
    code, said = kilter_command("evidence", "verify", "--state", again.state)
    assert code == 0, said


def test_a_newer_state_stops_no_traffic_is_left_as_it_is_and_goes_back_by_the_pages_command(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    file = state / "kilter.db"
    SqliteStore(file).close()
    version(file, SCHEMA + 1)
    before = file.read_bytes()
    with RunningKilter("http://127.0.0.1:9", tmp_path) as older:
        assert older.get("/readyz")[0] == 200
        assert older.metrics().total("kilter_store_errors_total") > 0
        stopped(older)
    assert file.read_bytes() == before
    version(file, SCHEMA)
    (command,) = commands("Rollback:")
    run(command, STATE=state, SCHEMA=SCHEMA - 1)
    assert version(file) == SCHEMA - 1
