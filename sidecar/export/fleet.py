"""How a process stands in its fleet, as metrics; without one too, so that no series is ever missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sidecar.fleet.status import PARTS, ROLES, SCOPES, FleetStatus


class FleetCollector(Collector):
    """``status()`` is asked at each scrape."""

    def __init__(self, status: Callable[[], FleetStatus]) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        status = self._status()
        scope = GaugeMetricFamily(
            "kilter_verdict_scope", "Whose traffic the verdicts are about: this process's own, or the fleet's.", labels=["scope"]
        )  # fmt: skip
        for one in SCOPES:
            scope.add_metric([one], float(one == status.scope))
        yield scope
        role = GaugeMetricFamily(
            "kilter_fleet_role", "What this process is in its fleet; none without one.", labels=["role"]
        )
        for which in ROLES:
            role.add_metric([which], float(which == status.role))
        yield role
        for name, text, value in (
            ("kilter_store_up", "Whether the fleet's store answers; 0 without one.", float(status.store_up)),
            ("kilter_fleet_leading", "Whether this process makes the fleet's verdicts.", float(status.role == "leading")),
            ("kilter_fleet_replicas", "Replicas that the fleet's monitor waits for.", float(len(status.replicas))),
            ("kilter_fleet_held_parts", "Ticks of this replica that wait for the store or are kept to be told again.", float(status.held)),
            ("kilter_fleet_clock_offset_seconds", "This process's clock minus the store's; of the monitor, the widest of all replicas.", status.offset_s),
            ("kilter_fleet_close_seconds", "From the end of the last counted tick to its verdicts.", status.close_s),
        ):  # fmt: skip
            yield GaugeMetricFamily(name, text, value=value)
        parts = CounterMetricFamily(
            "kilter_fleet_parts", "Ticks of one replica, by what became of them.", labels=["outcome"]
        )
        for outcome in PARTS:
            parts.add_metric([outcome], status.parts.get(outcome, 0))
        yield parts
        yield CounterMetricFamily(
            "kilter_fleet_thinned_observations",
            "Trials left out because their stratum had more than fleet.most_a_stratum in a tick.",
            value=status.thinned,
        )
