"""The store: nothing said is kept, two processes share a budget, used-up draws do not return."""

import contextlib
import dataclasses
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from sidecar.canary.results import _STEPS, VERSION, Compared, Results, Row, StoreError

ROW = Row(
    1.0, "r", "s", "f", "", "en", 1, 0, 0, "id", "g", "single", "none", "", "", False, True, "m", "fp",
    "pass", "answer", "", "correct", "", 12, 0.5,
)  # fmt: skip


def test_a_result_comes_back_as_it_was(tmp_path):
    with Results(tmp_path / "deep" / "canary.db") as results:
        results.add(ROW)
        results.add(dataclasses.replace(ROW, at_s=5.0, run="other"))
        assert results.rows() == [ROW, dataclasses.replace(ROW, at_s=5.0, run="other")]
        assert results.rows(since_s=2.0)[0].run == "other"
        assert results.rows(run="r") == [ROW]
    with Results(tmp_path / "deep" / "canary.db") as again:
        assert len(again.rows()) == 2


def test_a_file_of_a_newer_kilter_or_of_something_else_is_refused(tmp_path):
    path = tmp_path / "canary.db"
    Results(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version={VERSION + 1}")
    db.close()
    with pytest.raises(StoreError, match="newer"):
        Results(path)
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError):
        Results(path)
    with pytest.raises(StoreError):
        Results(tmp_path / "canary.db" / "below-a-file.db")


def test_a_file_of_an_older_kilter_is_brought_forward_with_what_is_in_it(tmp_path):
    path = tmp_path / "canary.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(f"{_STEPS[0]} PRAGMA user_version=1; INSERT INTO spent VALUES ('2026-01-01', 7);")
    compared = Compared(3.0, "r", "a", "b", "adversarial", 9, 9, 8, 11.1, -9.0, 43.0, "insufficient")
    with Results(path) as results:
        assert results.spent("2026-01-01") == 7
        results.add_comparison([compared])
    with Results(path) as again:
        assert again.comparisons() == [compared]
        assert again.comparisons(since_s=4.0) == []


def test_a_budget_is_shared_and_what_was_not_used_is_given_back(tmp_path):
    with Results(tmp_path / "c.db") as one, Results(tmp_path / "c.db") as two:
        assert one.reserve("2026-01-01", 60, 100)
        assert not two.reserve("2026-01-01", 60, 100)
        assert two.reserve("2026-01-02", 60, 100)
        one.settle("2026-01-01", 60, 10)
        assert two.spent("2026-01-01") == 10
        assert two.reserve("2026-01-01", 90, 100)
        assert not one.reserve("2026-01-01", 1, 100)


def test_many_at_once_never_take_more_than_there_is(tmp_path):
    Results(tmp_path / "c.db").close()

    def take(_):
        with Results(tmp_path / "c.db") as results:
            return sum(results.reserve("2026-01-01", 1, 100) for _ in range(40))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, range(4))) == 100


def test_a_draw_that_was_used_often_enough_does_not_return(tmp_path):
    with Results(tmp_path / "c.db") as results:
        drawn = []
        for at in range(7):
            draw = results.next_draw("id", "s", 4, 3)
            results.expose("id", "s", 4, draw, float(at))
            drawn.append(draw)
        assert drawn == [0, 0, 0, 1, 1, 1, 2]
        assert results.next_draw("id", "s", 5, 3) == 0
        assert results.next_draw("other", "s", 4, 3) == 0
