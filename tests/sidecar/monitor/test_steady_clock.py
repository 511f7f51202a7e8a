"""Time that goes on where the machine's clock is set back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from sidecar.monitor.steady_clock import SteadyClock


class Machine:
    def __init__(self):
        self.wall_s, self.run_s = 1.7e9, 50.0

    def passes(self, seconds, step_s=0.0):
        self.run_s += seconds
        self.wall_s += seconds + step_s

    def clock(self, *more, **options):
        return SteadyClock(lambda: self.wall_s, lambda: self.run_s, *more, **options)


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(-1e5, 1e5)), max_size=20))
def test_it_never_goes_back_passes_as_time_does_and_is_never_behind_the_machine(moves):
    machine = Machine()
    clock, before = machine.clock(), 1.7e9
    for seconds, step_s in moves:
        machine.passes(seconds, step_s)
        now = clock.now()
        assert now >= before + seconds - 1e-3
        assert now >= machine.wall_s - 1e-3
        assert clock.back_s() == pytest.approx(now - machine.wall_s if now - machine.wall_s > 1 else 0.0, abs=1e-3)
        before = now


def test_what_was_stamped_after_the_change_moves_with_it_and_what_was_stamped_before_does_not():
    machine = Machine()
    clock = machine.clock()
    assert clock.placed_s(machine.wall_s - 3) == machine.wall_s - 3
    stamped_before = machine.wall_s
    machine.passes(10, -7200)
    assert clock.placed_s(stamped_before) == stamped_before
    assert clock.placed_s(machine.wall_s - 3) == pytest.approx(clock.now() - 3)
    machine.passes(10, 7200)
    assert clock.placed_s(machine.wall_s - 3) == machine.wall_s - 3
    assert clock.back_s() == 0.0


def test_a_start_after_the_change_goes_on_where_judging_had_come():
    machine = Machine()
    clock = machine.clock(machine.wall_s + 7200)
    assert clock.now() == pytest.approx(machine.wall_s + 7200)
    registry = CollectorRegistry()
    clock.shown(registry)
    assert registry.get_sample_value("kilter_clock_back_seconds") == pytest.approx(7200)


def test_with_a_fleet_the_machines_clock_is_shown_as_it_is():
    machine = Machine()
    clock = machine.clock(machine.wall_s + 7200, absorb=False)
    machine.passes(10, -60)
    assert (clock.now(), clock.back_s()) == (pytest.approx(machine.wall_s), 0.0)
