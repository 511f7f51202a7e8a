"""The plan of windows is the stated one."""

from detectors.stats.windows import plan, ticks_per_block


def test_lengths_of_two_thousand_blocks_are_the_reference_ones():
    lengths = (1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512, 724, 1024, 1448)
    assert plan(1, 2000).lengths == lengths


def test_a_length_is_tested_as_often_as_its_stride_fits_into_the_period():
    of_length = dict(zip(plan(1, 2000).lengths, plan(1, 2000).tests, strict=True))
    assert (of_length[1], of_length[16], of_length[181], of_length[1448]) == (2000, 1000, 90, 11)


def test_a_block_holds_about_sixteen_planned_trials():
    assert [ticks_per_block(rate, 43_200) for rate in (0.5, 1, 3, 16, 1000)] == [32, 16, 5, 1, 1]


def test_a_stratum_with_hardly_any_traffic_still_has_one_block():
    assert plan(ticks_per_block(0.0, 500), 500).blocks == 1
    assert plan(ticks_per_block(0.0001, 500), 500).blocks == 1
