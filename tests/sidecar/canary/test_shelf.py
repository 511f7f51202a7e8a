"""Suites while a process lives: a file that breaks or goes leaves its last good form in use."""

import logging
import os

import pytest

from sidecar.canary.loading import built_in_paths
from sidecar.canary.shelf import Shelf

GOOD = """version: 1
suite: NAME
slots: {w: {nonce: 8}}
families:
  - {id: word, group: agentic, prompts: {en: "Say {w}. ROUND"}, expect: {contains_nonce: w}}
"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "suites"
    folder.mkdir()
    write(folder / "a.yaml", "mine")
    return folder


def write(path, name="mine", round_="one", text=GOOD):
    path.write_text(text.replace("NAME", name).replace("ROUND", round_), encoding="utf-8")
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + write.calls))  # a file system's clock may be coarse
    write.calls += 1


write.calls = 1


def shelf_of(folder):
    shelf = Shelf(folder, ("mine",))
    shelf.look()
    return shelf


def wording(shelf):
    (suite,) = shelf.suites
    return suite.suite.families[0].prompts["en"].text[0]


def states(shelf):
    return {state: shelf.count(state) for state in ("loaded", "kept", "broken")}


BUILT_IN = len(built_in_paths())


def test_the_suites_that_ship_and_those_of_a_directory_are_asked(folder):
    shelf = Shelf(folder)
    shelf.look()
    assert len(shelf.suites) == BUILT_IN + 1
    assert states(shelf) == {"loaded": BUILT_IN + 1, "kept": 0, "broken": 0}
    assert shelf.errors == 0


def test_a_file_that_changes_is_read_again_and_one_that_does_not_is_not(folder):
    shelf = shelf_of(folder)
    before = shelf.suites
    shelf.look()
    assert shelf.suites[0] is before[0]
    write(folder / "a.yaml", round_="two")
    shelf.look()
    assert wording(shelf).endswith("two")


@pytest.mark.parametrize(
    "broken", ["families: [", "", "version: 1\nsuite: mine\nfamilies: []\n", "not yaml: : :", "\xff"]
)
def test_a_file_that_breaks_leaves_its_last_good_form_in_use_and_is_said_once(folder, broken, caplog):
    shelf = shelf_of(folder)
    with caplog.at_level(logging.ERROR, "kilter.monitor"):
        write(folder / "a.yaml", text=broken)
        for _ in range(5):
            shelf.look()
    assert wording(shelf).endswith("one")
    assert states(shelf) == {"loaded": BUILT_IN, "kept": 1, "broken": 0}
    assert (shelf.errors, len(caplog.records)) == (1, 1)
    assert "a.yaml" in caplog.records[0].fields["why"]
    write(folder / "a.yaml", round_="three")
    shelf.look()
    assert (wording(shelf)[-5:], shelf.errors, shelf.count("kept")) == ("three", 1, 0)


def test_a_file_that_is_deleted_leaves_its_last_form_in_use(folder):
    shelf = shelf_of(folder)
    (folder / "a.yaml").unlink()
    for _ in range(3):
        shelf.look()
    assert wording(shelf).endswith("one")
    assert (shelf.errors, shelf.count("kept")) == (1, 1)
    write(folder / "a.yaml", round_="back")
    shelf.look()
    assert (wording(shelf)[-4:], shelf.count("kept")) == ("back", 0)


def test_a_directory_that_is_gone_leaves_all_its_suites_in_use(folder):
    shelf = shelf_of(folder)
    folder.rename(folder.with_name("elsewhere"))
    for _ in range(3):
        shelf.look()
    assert wording(shelf).endswith("one")
    assert shelf.errors == 2  # the directory, and the file
    folder.with_name("elsewhere").rename(folder)
    shelf.look()
    assert shelf.count("kept") == 0


def test_a_file_that_never_read_or_bears_anothers_name_is_counted_and_left_out(folder):
    write(folder / "b.yaml", text="suite: [")
    write(folder / "c.yaml", "mine")
    truth = "truth: {expr: no_such_slot <= 4, yes_no: true, source: a, as_of: 2026-01, expires: 2030-01}"
    write(folder / "d.yaml", "other", text=GOOD.replace("group: agentic", f"group: agentic, {truth}"))
    shelf = Shelf(folder, ("mine", "other"))
    shelf.look()
    assert [suite.path.name for suite in shelf.suites] == ["a.yaml"]
    assert (shelf.count("broken"), shelf.errors) == (3, 3)
