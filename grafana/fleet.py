"""Panels about a fleet: sidecars that share a store, and the monitors that judge them."""  # noqa: INP001 - beside the script that uses it, no package

from __future__ import annotations

from panels import AMBER, GREEN, RED, SCRAPED, Json, graph, query, rate, timeline

STANDINGS = {
    0: ("no fleet", "#8e8e8e"),
    1: ("stands by", "#6d9fe0"),
    2: ("judged with the fleet", "#73bf69"),
    3: ("judges the fleet", GREEN),
    4: ("alone", AMBER),
    5: ("no store", RED),
}
"""From what asks least for attention to what asks most."""
_TERMS = (
    (0, 'role="none"', ""),
    (1, 'role="standby"', ""),
    (2, 'role="replica"', f'kilter_verdict_scope{{{SCRAPED}, scope="fleet"}} == 1'),
    (3, 'role="leading"', ""),
    (4, 'role="replica"', f'kilter_verdict_scope{{{SCRAPED}, scope="local"}} == 1'),
    (5, 'role!="none"', f"kilter_store_up{{{SCRAPED}}} == 0"),
)
"""Number, role, and what else holds."""


def standing() -> str:
    """The worst of ``STANDINGS`` that holds, by instance. The label keeps ``or`` from taking two of one series for the same."""
    terms = []
    for number, role, also in _TERMS:
        holds = f"kilter_fleet_role{{{SCRAPED}, {role}}} == 1"
        if also:
            holds += f" and on (job, instance) {also}"
        terms.append(f'label_replace({number} * ({holds}), "standing", "{number}", "", "")')
    return f"max by (instance) ({' or '.join(terms)})"


def fleet() -> list[Json]:
    """Of a Kilter without a fleet the first says so, and the others stand at 0."""
    return [
        timeline(
            "Where each process stands",
            "Green: the monitor that judges the fleet, and sidecars that it judges. Pale: a monitor that would take over, or a "
            "Kilter without a fleet. Amber: a sidecar that judges its own traffic alone. Red: the store does not answer.",
            query(standing(), "{{instance}}"),
            STANDINGS,
            (24, 6),
        ),
        graph(
            "Ticks of the fleet",
            "Ticks of one replica a second, by what became of them: of sidecars told, late or dropped; of the monitor counted, "
            "foreign, unreadable or invalid. Late, dropped, foreign and unreadable ones are in no verdict.",
            "cps",
            query(rate("kilter_fleet_parts_total", "outcome"), "{{outcome}}"),
        ),
        graph(
            "Waiting to be told",
            "Ticks of each sidecar that wait for the store or are kept to be told again. A line that rises: the store does not "
            "answer, or does not keep up.",
            "short",
            query(f"kilter_fleet_held_parts{{{SCRAPED}}}", "{{instance}}"),
        ),
        graph(
            "From a tick's end to its verdicts",
            "Of the monitor that judges. Some seconds above `ticks.grace_s` are usual; the slowest replica decides.",
            "s",
            query(f"kilter_fleet_close_seconds{{{SCRAPED}}}", "{{instance}}"),
        ),
        graph(
            "Replicas",
            "Sidecars that the monitor waits for. One that is gone without a word is waited for as long as `ticks.grace_s`.",
            "short",
            query(f"kilter_fleet_replicas{{{SCRAPED}}}", "{{instance}}"),
        ),
        graph(
            "Clocks against the store's",
            "Of each sidecar its own, of the monitor the widest of all replicas. The store's clock decides when a tick has ended: "
            "beyond 10 s (lines) a replica keeps the others waiting, or comes too late.",
            "s",
            query(f"kilter_fleet_clock_offset_seconds{{{SCRAPED}}}", "{{instance}}"),
            signed=True,
            limits=(-10, 10),
        ),
        graph(
            "Left out of large strata",
            "Trials a second left out because their stratum had more than `fleet.most_a_stratum` in a tick, in a sidecar or over the "
            "whole fleet. A fixed choice, so it biases nothing; it costs some time to find a change.",
            "cps",
            query(rate("kilter_fleet_thinned_observations_total", "instance"), "{{instance}}"),
        ),
    ]
