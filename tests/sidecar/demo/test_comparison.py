"""What moved is told by counts, clearest first."""

from sidecar.demo.comparison import counts, moves

PAGE = """# TYPE kilter_events_total counter
kilter_events_total{behaviour="b",stratum="tr",model="m"} 3
kilter_events_total{behaviour="b",stratum="tr",model="n"} 1
# TYPE kilter_observations_total counter
kilter_observations_total{behaviour="b",stratum="tr",model="m"} 30
kilter_observations_total{behaviour="b",stratum="tr",model="n"} 10
kilter_observations_total{behaviour="b",stratum="en",model="m"} 5
"""


def test_the_counters_of_all_models_are_summed():
    assert counts(PAGE) == {("b", "tr"): (4, 40), ("b", "en"): (0, 5)}


def test_a_large_difference_of_few_stands_behind_a_clear_one_of_many():
    before = {("b", "few"): (0, 10), ("b", "many"): (50, 1000), ("b", "none"): (0, 100)}
    end = {("b", "few"): (3, 20), ("b", "many"): (250, 2000), ("b", "none"): (0, 200)}
    assert [move.stratum for move in moves(before, end)] == ["many", "few", "none"]


def test_a_stratum_with_too_little_on_one_side_is_left_out():
    assert moves({("b", "new"): (0, 2)}, {("b", "new"): (50, 100)}) == []
