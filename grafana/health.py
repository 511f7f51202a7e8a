"""The dashboard *Is the sidecar healthy?*"""  # noqa: INP001 - beside the script that uses it, no package

from __future__ import annotations

import layout
from events import events
from fleet import fleet
from panels import AMBER, BLUE, GREEN, RED, SCRAPED, Json, graph, named, query, rate, stat, steps

LOST = 'outcome=~"dropped_ring|dropped_budget|failed"'
MADE = 'outcome=~"sampled|truncated|dropped_ring|dropped_budget|failed"'


def at_a_glance() -> list[Json]:
    """One row of numbers."""
    overloaded = 'reason="overloaded"'
    return [
        stat(
            "Workers alive",
            "Gateway processes that run, over all instances. 0 at an instance: clients get no answer, and somebody is woken.",
            "none",
            f'sum(kilter_process_up{{{SCRAPED}, process=~"worker-.+"}})',
            steps((None, RED), (1, GREEN)),
        ),
        stat(
            "Monitors",
            "Whether every monitor answers. Traffic does not depend on it; what is seen of behaviour does.",
            "none",
            f"min(kilter_monitor_up{{{SCRAPED}}})",
            steps((None, RED), (1, GREEN)),
            mappings=named({0: ("not watching", RED), 1: ("watching", GREEN)}),
        ),
        stat(
            "Requests that fail",
            "Share of requests whose answer Kilter could not pass on whole. Error answers of the model server are "
            "passed on and not counted. Pages above 5%.",
            "percentunit",
            f"({rate('kilter_upstream_errors_total')} + {rate('kilter_rejected_requests_total', match=overloaded)})"
            f" / {rate('kilter_requests_total')}",
            steps((None, GREEN), (0.01, AMBER), (0.05, RED)),
        ),
        stat(
            "Copies lost",
            "Share of copies lost before they were looked at. Long answers are lost first, so above 0.5% the refusal "
            "rates of this time read too high.",
            "percentunit",
            f"{rate('kilter_captures_total', match=LOST)} / {rate('kilter_captures_total', match=MADE)}",
            steps((None, GREEN), (0.001, AMBER), (0.005, RED)),
        ),
        stat(
            "Conversations looked at",
            "The inclusion probability. Below what `sample` says, Kilter looks at fewer conversations because it "
            "cannot keep up; rates stay unbiased and get less exact.",
            "percentunit",
            f"min(kilter_inclusion_probability{{{SCRAPED}}})",
            steps((None, BLUE)),
        ),
        stat(
            "Evidence",
            "Whether the evidence log can be written and was as it had been left. Traffic and detection do not depend on it.",
            "none",
            f"min(kilter_evidence_consistent{{{SCRAPED}}})",
            steps((None, RED), (1, GREEN)),
            mappings=named({0: ("not kept, or changed", RED), 1: ("consistent", GREEN)}),
        ),
    ]


def traffic() -> list[Json]:
    """Rate, errors, duration."""
    return [
        graph(
            "Requests by status",
            "Answers a second by status class, the model server's own errors included. `none`: the client left before an answer.",
            "reqps",
            query(rate("kilter_requests_total", "status_class"), "{{status_class}}"),
        ),
        graph(
            "Requests without a whole answer",
            "A second, by reason. `connect`, `timeout_*`, `reset`, `tls`, `protocol`: between Kilter and the model server. "
            "`overloaded` and the other rejections: Kilter answered itself. `client left` is nobody's fault.",
            "reqps",
            query(rate("kilter_upstream_errors_total", "reason"), "{{reason}}"),
            query(rate("kilter_rejected_requests_total", "reason"), "rejected: {{reason}}"),
            query(rate("kilter_client_disconnects_total"), "client left"),
        ),
        _quantiles(
            "Duration of requests",
            "From the request's first byte to the answer's last, streams to their end. Mostly the model server's time.",
            "kilter_request_duration_seconds",
        ),
        _quantiles(
            "Time to the first chunk",
            "From the request's last byte sent to the model server to the first byte of its answer's body: the model "
            "server's time, not Kilter's. What Kilter adds itself is not measured here: the README has figures.",
            "kilter_time_to_first_chunk_seconds",
        ),
        graph(
            "In flight",
            "Requests whose answer is not finished, and client connections. Near `limits.inflight` or `limits.connections`: "
            "more are rejected as `overloaded`.",
            "short",
            query(f"sum(kilter_inflight_requests{{{SCRAPED}}})", "requests"),
            query(f"sum(kilter_open_connections{{{SCRAPED}}})", "connections"),
        ),
        graph(
            "Sent again",
            "Requests a second that were sent a second time because an idle connection had died. Clients do not notice; many: "
            "`timeouts.upstream_keepalive_s` is longer than the server keeps its connections.",
            "reqps",
            query(rate("kilter_upstream_retries_total"), "sent again"),
        ),
    ]


def copies() -> list[Json]:
    """From the exchange to the monitor."""
    return [
        graph(
            "What became of the copies",
            "Exchanges a second by outcome. `sampled` were looked at, `skipped` are outside the sample or of no known "
            "format, `dropped_*` and `failed` are lost.",
            "reqps",
            query(rate("kilter_captures_total", "outcome"), "{{outcome}}"),
        ),
        graph(
            "Waiting in the ring",
            "Bytes of copies that the monitor has not read, and of those whose exchange is not finished. Near "
            "`capture.ring_bytes` a worker, copies are dropped.",
            "bytes",
            query(f"sum by (instance) (kilter_ring_bytes{{{SCRAPED}}})", "ring {{instance}}"),
            query(f"sum by (instance) (kilter_capture_inflight_bytes{{{SCRAPED}}})", "in flight {{instance}}"),
        ),
        graph(
            "Age of what was last looked at",
            "From the end of an exchange to its analysis. Rising: the monitor does not keep up, and changes are told "
            "later. It stands still while there is no traffic.",
            "s",
            query(f"kilter_analysis_lag_seconds{{{SCRAPED}}}", "{{instance}}"),
            limits=(60,),
        ),
        graph(
            "Records of the rings",
            "Copies a second as the monitor read them. `bad_crc` and `lost` should be 0: a worker died while it wrote, or "
            "wrote faster than could be read.",
            "reqps",
            query(rate("kilter_ring_records_total", "outcome"), "{{outcome}}"),
        ),
    ]


def analysis() -> list[Json]:
    """The monitor at work."""
    return [
        _quantiles(
            "Work on one exchange",
            "From the copy to the counts. Above some milliseconds: long conversations, or a core that is shared.",
            "kilter_analysis_seconds",
        ),
        graph(
            "Busy",
            "Share of one core that analysis takes. Near 1 the monitor cannot keep up and looks at fewer conversations.",
            "percentunit",
            query(rate("kilter_analysis_seconds_sum", "instance"), "{{instance}}"),
        ),
        graph(
            "Not understood",
            "Exchanges a second lost to an error of ours, by stage; copies in no known format; events of a kind not known, by "
            "format. All should be near 0: anything else is worth a report.",
            "reqps",
            query(rate("kilter_analysis_errors_total", "stage"), "error: {{stage}}"),
            query(rate("kilter_opaque_exchanges_total"), "no known format"),
            query(rate("kilter_parse_unknown_total", "protocol"), "unknown event: {{protocol}}"),
        ),
        graph(
            "Names beyond the lists",
            "Values a second that were shown as `other` because a list is full or closed: models, languages, tools, "
            "applications. Many: put what matters into `labels`.",
            "reqps",
            query(rate("kilter_label_overflow_total", "label"), "{{label}}"),
        ),
        graph(
            "Ticks",
            "Ticks a second that were closed, and those that were not judged, by reason. `losses`: too many copies were lost in "
            "it; `restart`: the monitor died with it.",
            "cps",
            query(rate("kilter_ticks_total"), "closed"),
            query(rate("kilter_invalid_ticks_total", "reason"), "not judged: {{reason}}"),
        ),
        graph(
            "Left out",
            "Observations a second that are no independent trials, by reason, and exchanges that ended after their tick was "
            "closed. The first are meant to be left out; many of the second: raise `ticks.grace_s`.",
            "cps",
            query(rate("kilter_observations_left_out_total", "reason"), "{{reason}}"),
            query(rate("kilter_unfinished_exchanges_total"), "ended too late"),
        ),
    ]


def processes() -> list[Json]:
    """Memory, deaths, and what is kept."""
    return [
        graph(
            "Memory",
            "Resident memory of each process. It is bounded: a line that rises for days is a leak and worth a report.",
            "bytes",
            query(f"kilter_process_resident_memory_bytes{{{SCRAPED}}}", "{{process}} {{instance}}"),
        ),
        graph(
            "Restarts",
            "Restarts of processes after a death, since Kilter's start. Any step is worth a look at the log.",
            "short",
            query(f"kilter_process_restarts_total{{{SCRAPED}}}", "{{process}} {{instance}}"),
        ),
        graph(
            "Evidence log",
            "Records of the evidence log, and those that could not be written since the monitor's start.",
            "short",
            query(f"kilter_evidence_records{{{SCRAPED}}}", "records {{instance}}"),
            query(f"kilter_evidence_lost_records{{{SCRAPED}}}", "lost {{instance}}"),
        ),
        graph(
            "What could not be kept",
            "Errors of the store since the monitor's start. Detection goes on in memory, and would begin anew at a restart.",
            "short",
            query(f"kilter_store_errors_total{{{SCRAPED}}}", "{{instance}}"),
        ),
    ]


def _quantiles(title: str, description: str, metric: str) -> Json:
    buckets = rate(f"{metric}_bucket", "le")
    quantiles = (query(f"histogram_quantile({q}, {buckets})", f"p{100 * q:g}") for q in (0.5, 0.95, 0.99))
    return graph(title, description, "s", *quantiles)


def dashboard() -> Json:
    """The whole, as Grafana loads it."""
    return layout.dashboard(
        "kilter-health",
        "Kilter: is the sidecar healthy?",
        "Whether clients are served, whether what is copied is looked at in time, and what Kilter takes for it.",
        [],
        events(),
        {
            "At a glance": at_a_glance(),
            "Traffic": traffic(),
            "Copies": copies(),
            "Analysis": analysis(),
            "Processes": processes(),
            "Fleet": fleet(),
        },
    )
