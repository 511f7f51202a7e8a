import pytest

from detectors.features.length import STRATA, length_stratum
from detectors.records.exchange import Exchange


@pytest.mark.parametrize(
    ("turns", "stratum"),
    [(1, "1"), (2, "2-3"), (3, "2-3"), (4, "4-7"), (7, "4-7"), (8, "8-15"), (15, "8-15"), (16, "16+"), (900, "16+")],
)
def test_a_stratum_begins_where_it_says(turns, stratum):
    assert length_stratum(Exchange("chat", "x", turns=turns)) == stratum


@pytest.mark.parametrize("turns", [None, 0])
def test_a_conversation_out_of_sight_is_unknown_and_not_short(turns):
    assert length_stratum(Exchange("chat", "x", turns=turns)) == "unknown"


def test_the_strata_are_the_closed_set():
    assert {length_stratum(Exchange("chat", "x", turns=turns)) for turns in (None, *range(40))} == set(STRATA)
