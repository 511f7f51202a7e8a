from pathlib import Path

import pytest

import detectors.behaviours
from detectors import catalog

FOLDER = Path(detectors.behaviours.__file__).parent


def test_a_file_is_a_behaviour_of_the_same_name():
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert {behaviour.name for behaviour in catalog.behaviours()} == files


def test_the_order_is_that_of_the_names():
    names = [behaviour.name for behaviour in catalog.behaviours()]
    assert names == sorted(names)


def test_a_file_that_offers_another_name_is_an_error(tmp_path, monkeypatch):
    source = (FOLDER / "refusal_by_length.py").read_text(encoding="utf-8")
    (tmp_path / "refusal_by_moon_phase.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(detectors.behaviours, "__path__", [str(tmp_path)])
    with pytest.raises(ValueError, match=r"refusal_by_moon_phase\.py offers a behaviour named 'refusal_by_length'"):
        catalog.behaviours.__wrapped__()
