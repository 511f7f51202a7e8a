"""How a process stands in its fleet, as metrics: every series is there from the start, also without a fleet."""

import pytest
from prometheus_client import CollectorRegistry

from sidecar.export.fleet import FleetCollector
from sidecar.fleet.status import PARTS, ROLES, FleetStatus


def series(status):
    registry = CollectorRegistry()
    registry.register(FleetCollector(lambda: status))
    return {
        (one.name, *one.labels.values()): one.value
        for family in registry.collect()
        for one in family.samples
        if not one.name.endswith("_created")
    }


@pytest.mark.parametrize("role", ROLES)
def test_one_role_holds_and_the_others_are_nought(role):
    shown = series(FleetStatus(role))
    assert {name: shown["kilter_fleet_role", name] for name in ROLES} == {name: float(name == role) for name in ROLES}
    assert shown["kilter_fleet_leading",] == (role == "leading")


def test_without_a_fleet_there_is_the_same_as_with_one():
    with_one = FleetStatus("leading", "fleet", store_up=True, parts=dict.fromkeys(PARTS, 3), offset_s=-2.0)
    assert series(FleetStatus()).keys() == series(with_one).keys()
    assert series(with_one)["kilter_fleet_parts_total", "late"] == 3
