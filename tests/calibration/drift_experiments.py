"""Every promise of the drift statistics as a seeded simulation: measured, Monte Carlo error, target.

An experiment takes ``runs`` (how much) and returns rows. A row's ``error`` is one standard error of the
measured figure; ``target`` is the bound it must respect, None where it is only reported (peers).
"""

import time
from dataclasses import dataclass

import drift_peers as peers
import drift_streams as streams
import numpy as np

from detectors.stats.exact_scan import ExactScan
from detectors.stats.localise import localise
from detectors.stats.over_dispersion import over_dispersion

ALPHA = 0.01
TICKS, PER_TICK = 2000, 50
MONTH = 43_200


@dataclass(frozen=True)
class Row:
    experiment: str
    method: str
    what: str
    measured: float
    error: float = 0.0
    target: float | None = None
    unit: str = ""
    at_least: bool = False

    @property
    def kept(self):
        """Within the target; a share may be beyond it by two standard errors, its own resolution."""
        slack = 0.0 if self.unit else 2 * self.error
        if self.target is None:
            return True
        return self.measured + slack >= self.target if self.at_least else self.measured - slack <= self.target


def share(hits, runs):
    return hits / runs, float(np.sqrt(max(hits, 1) * (1 - min(hits, runs - 1) / runs)) / runs)


def median(delays):
    """The median and half the width of its 68 % order-statistic interval; inf counts as late."""
    ordered, n = np.sort(delays), len(delays)
    low, high = (ordered[min(n - 1, max(0, int(n / 2 + side * np.sqrt(n) / 2)))] for side in (-1, 1))
    return float(ordered[n // 2]), float((high - low) / 2) if np.isfinite(high) else float("inf")


def scans(rng, rate, reference_trials, runs, **arguments):
    """One scan a run, side by side, each with a reference of its own and the whole budget."""
    events = rng.binomial(reference_trials, rate, runs)
    trials = np.broadcast_to(reference_trials, (runs,))
    arguments = {"ticks_per_budget": TICKS, "trials_per_tick": PER_TICK} | arguments
    return ExactScan(events, trials, false_alarm_budget=np.full(runs, ALPHA), **arguments), (events, trials)


def first_alarms(alarms, counts=None):
    """Ticks (or, with ``counts`` of each tick, trials) until the first alarm of each run, inf without."""
    delays = None
    seen = 0
    for tick, alarm in enumerate(alarms, 1):
        seen = seen + (1 if counts is None else counts[tick - 1])
        delays = np.full(len(alarm), np.inf) if delays is None else delays
        delays = np.where(alarm & np.isinf(delays), seen, delays)
    return delays


def false_alarms_by_cell(runs):
    """Chance of any false alarm in 100,000 observations, by rate and size of the reference."""
    for rate in (0.01, 0.05, 0.2):
        for n0 in (500, 5_000, 50_000):
            rng = np.random.default_rng([1, n0, int(rate * 100)])
            scan, _ = scans(rng, rate, n0, runs)
            delays = first_alarms(scan.update(*tick) for tick in streams.steady(rng, rate, runs, TICKS))
            measured = share(np.isfinite(delays).sum(), runs)
            yield Row("false alarms in 100k", "exact scan", f"p {rate:g}, n0 {n0:,}", *measured, ALPHA)


def glr_limit(rng, rate, n0, runs, *, two_sample):
    """The limit that one stream in a hundred passes, at the true rate; known to nobody in production."""
    reference = (rng.binomial(n0, rate, runs), n0) if two_sample else (rate, 1.0)
    highest = np.zeros(runs)
    for value in peers.glr_statistic(streams.steady(rng, rate, runs, TICKS), reference, TICKS, two_sample):
        highest = np.maximum(highest, value)
    return np.quantile(highest, 1 - ALPHA)


def cusum_limit(rng, before, after, runs):
    highest = np.zeros(runs)
    for value in peers.cusum_statistic(streams.steady(rng, before, runs, TICKS), before, after):
        highest = np.maximum(highest, value)
    return np.quantile(highest, 1 - ALPHA)


def peers_false_alarms(runs):
    """What the usual detectors do on streams in which nothing happens; p = .05."""
    for n0 in (500, 5_000):
        rng = np.random.default_rng([2, n0])
        events = rng.binomial(n0, 0.05, runs)
        reference = events, np.full(runs, n0)
        limit = glr_limit(rng, 0.05, n0, runs, two_sample=False)

        def stream(rng=rng):
            return streams.steady(rng, 0.05, runs, TICKS)

        alarms = {
            "χ², 500 tumbling": peers.chi_square_windows(stream(), reference, TICKS, sliding=False),
            "χ², 500 sliding": peers.chi_square_windows(stream(), reference, TICKS, sliding=True),
            "Fisher, 500 sliding": peers.fisher_windows(stream(), reference, TICKS, sliding=True),
            "GLR, plug-in": (
                value > limit for value in peers.glr_statistic(stream(), (events / n0, 1.0), TICKS, two_sample=False)
            ),
        }
        for method, found in alarms.items():
            measured = share(np.isfinite(first_alarms(found)).sum(), runs)
            yield Row("false alarms in 100k", method, f"p 0.05, n0 {n0:,}", *measured)
        few = max(20, runs // 10)
        for method, make in peers.of_river().items():
            ticks = list(streams.steady(rng, 0.05, few, TICKS))
            found = peers.river_alarms(make, ticks, (events, n0), rng)
            yield Row("false alarms in 100k", method, f"p 0.05, n0 {n0:,}", *share(np.isfinite(found).sum(), few))


def delays(runs):
    """Observations from a change until the alarm; the change after 5,000 quiet ones."""
    quiet, horizon = 100, 600
    for n0, shift in ((500, 0.05), (5_000, 0.02), (5_000, 0.05), (5_000, 0.10), (50_000, 0.05)):
        rng = np.random.default_rng([3, n0, int(shift * 100)])
        what = f"n0 {n0:,}, +{shift * 100:g} pt"
        events = rng.binomial(n0, 0.05, runs)
        scan, reference = scans(rng, 0.05, n0, runs)
        two_sample = glr_limit(rng, 0.05, n0, max(runs, 1000), two_sample=True)
        oracle = cusum_limit(rng, 0.05, 0.05 + shift, max(runs, 1000))
        ticks = list(streams.step(rng, 0.05, 0.05 + shift, runs, quiet, horizon))
        alarms = {
            "exact scan": (scan.update(*tick) for tick in ticks),
            "GLR, two-sample, calibrated at the true rate": (
                value > two_sample for value in peers.glr_statistic(ticks, reference, TICKS, two_sample=True)
            ),
            "CUSUM, knows both rates": (value > oracle for value in peers.cusum_statistic(ticks, 0.05, 0.05 + shift)),
            "χ², 500 tumbling": peers.chi_square_windows(ticks, reference, TICKS, sliding=False),
        }
        found = {method: first_alarms(each) * PER_TICK for method, each in alarms.items()}
        few = max(20, runs // 10)
        columns = [(k[:few], n[:few]) for k, n in ticks]
        for method, make in peers.of_river().items():
            found[method] = peers.river_alarms(make, columns, (events, n0), rng)
        late = {method: each[each > quiet * PER_TICK] - quiet * PER_TICK for method, each in found.items()}
        bound = 1.2 * median(late["GLR, two-sample, calibrated at the true rate"])[0]
        for method, each in late.items():
            target = bound if method == "exact scan" and n0 >= 5_000 else None
            yield Row("median delay", method, what, *median(each), target, "observations")
        if n0 == 500:
            measured = share(np.isfinite(late["exact scan"]).sum(), len(late["exact scan"]))
            yield Row("found within 30k", "exact scan", what, *measured, 0.95, at_least=True)


def present_from_the_start(runs):
    rng = np.random.default_rng(4)
    scan, _ = scans(rng, 0.05, 5_000, runs)
    found = first_alarms(scan.update(*tick) for tick in streams.steady(rng, 0.10, runs, 200))
    yield Row(
        "found, present from the first tick", "exact scan", "+5 pt, n0 5,000", *share(np.isfinite(found).sum(), runs), 1.0,
        at_least=True,
    )  # fmt: skip


def localisation(runs):
    """Change estimate when the alarm sounds, and 20 blocks of 50 observations later; +5 points."""
    rng = np.random.default_rng(5)
    scan, (events, trials) = scans(rng, 0.05, 5_000, runs)
    ticks, alarmed_at, errors = [], np.full(runs, -1), {0: [], 20: []}
    for tick, counts in enumerate(streams.step(rng, 0.05, 0.10, runs, 200, 200)):
        ticks.append(counts)
        alarmed_at = np.where(np.asarray(scan.update(*counts)) & (alarmed_at < 0), tick, alarmed_at)
        for later, found in errors.items():
            for run in np.flatnonzero((alarmed_at >= 200) & (alarmed_at + later == tick)):
                column = [[part[i][run] for part in ticks] for i in (0, 1)]
                found.append(abs(localise(*column, events[run], trials[run]).at - 200))
    for later, found in errors.items():
        what = f"+5 pt, {later} blocks after the alarm"
        yield Row("dating, median error", "localise", what, *median(found), 1, "blocks")
        yield Row("dating, 90 % of errors", "localise", what, float(np.quantile(found, 0.9)), 0.0, 4, "blocks")


def conversations(runs):
    """Turns of one conversation alike (ICC .25): counted once each, and, for comparison, at every turn."""
    for once in (True, False):
        rng = np.random.default_rng(6)
        scan, _ = scans(rng, 0.05, 5_000, runs)
        ticks = streams.clustered(rng, 0.05, 0.25, runs, TICKS, once=once)
        found = first_alarms(scan.update(*tick) for tick in ticks)
        method = "one count a conversation" if once else "every turn counted"
        measured = share(np.isfinite(found).sum(), runs)
        yield Row("false alarms, conversations ICC .25", method, "100k", *measured, ALPHA if once else None)


def zipf_users(runs):
    """200 Zipf users who come and go; 7 days of reference, then 30 days in which no model changes."""
    day = 144
    for icc in (0.02, 0.05, 0.10):
        for method in (
            "user rules",
            "user rules, margin, an app launched",
            "user rules and margin",
            "every request counted",
        ):
            rng = np.random.default_rng([7, int(icc * 100)])
            app = 22 * day if "app" in method else None
            ticks = streams.users(rng, 0.05, icc, runs, 37 * day, app_at=app, capped="user" in method)
            reference = np.zeros((7, 2, runs), np.int64)
            for tick in range(7 * day):
                reference[tick // day] += np.array(next(ticks))
            margins = [
                over_dispersion(reference[:, 0, run], reference[:, 1, run]).odds_margin_upper for run in range(runs)
            ]
            scan = ExactScan(
                *reference.sum(axis=0),
                30 * day,
                30,
                np.full(runs, ALPHA),
                np.array(margins) if "margin" in method else 1.0,
            )
            found = first_alarms(scan.update(*tick) for tick in ticks)
            target = ALPHA if method == "user rules and margin" else None
            measured = share(np.isfinite(found).sum(), runs)
            yield Row("false months, Zipf users", method, f"ICC {icc:g}", *measured, target)
            if method == "user rules and margin":
                yield Row(
                    "margin asked for", "Phase I", f"ICC {icc:g}", float(np.median(margins)), 0.0, None, "odds ratio"
                )


def months(count):
    """60 strata, 30 days: quiet until day 15, then +5 points in every stratum."""
    rng = np.random.default_rng(8)
    rates, per_tick, reference = streams.strata_of_a_house(rng, count)
    runs, half, budget = len(rates), MONTH // 2, ALPHA / 60
    events = rng.binomial(reference, rates)
    scan = ExactScan(events, reference, MONTH, per_tick, np.full(runs, budget))
    after = rates + 0.05
    # A CUSUM's false alarms in N observations are about N I exp(-h), I the divergence of the quiet rate.
    divergence = rates * np.log(rates / after) + (1 - rates) * np.log((1 - rates) / (1 - after))
    limit = np.log(per_tick * MONTH * divergence / budget)
    cusum, seen = np.zeros(runs), np.zeros(runs)
    quiet_alarm, delay = np.zeros(runs, bool), {name: np.full(runs, np.inf) for name in ("exact scan", "oracle")}
    for tick in range(MONTH):
        changed = tick >= half
        trials = rng.poisson(per_tick)
        counts = rng.binomial(trials, after if changed else rates)
        alarm = np.asarray(scan.update(counts, trials))
        cusum = np.maximum(0, cusum + peers._log_ratio(counts, trials, rates, after))
        if not changed:
            quiet_alarm |= alarm
            continue
        seen += trials
        for name, hit in (("exact scan", alarm), ("oracle", cusum > limit)):
            delay[name] = np.where(hit & np.isinf(delay[name]), seen, delay[name])
        if all(np.isfinite(each).all() for each in delay.values()):
            break
    false = quiet_alarm.reshape(count, 60).any(axis=1).sum()
    yield Row("false months (first halves), 60 strata", "exact scan", f"of {count}", *share(false, count), 1 / 40)
    for quantile, factor in ((0.5, 1.4), (0.75, None), (0.9, 2.1)):
        values = {name: float(np.quantile(each, quantile, method="lower")) for name, each in delay.items()}
        target = factor and factor * values["oracle"]
        what = f"+5 pt, {quantile * 100:.0f} %"
        yield Row("delay, 60 strata", "exact scan", what, values["exact scan"], 0.0, target, "observations")
        yield Row("delay, 60 strata", "CUSUM, knows both rates", what, values["oracle"], 0.0, None, "observations")


def quiet_months(count):
    """60 strata, 30 days, nothing happens, or only the hour of the day does (±.35 logit)."""
    for season in (0.0, 0.35):
        for layered in (False, True) if season else (False,):
            rng = np.random.default_rng([9, int(season * 100)])
            rates, per_tick, reference = streams.strata_of_a_house(rng, count)
            runs, hours = len(rates), np.arange(1440) / 1440
            by_minute = streams.logistic(streams.logit(rates) + season * np.sin(2 * np.pi * hours)[:, None])
            layer_of = np.arange(1440) // 180
            layer_rates = np.stack([by_minute[layer_of == layer].mean(axis=0) for layer in range(8)], axis=1)
            trials0 = np.broadcast_to(np.maximum(reference[:, None] // 8, 1), layer_rates.shape)
            events0 = rng.binomial(trials0, layer_rates)
            if not layered:
                events0, trials0 = events0.sum(axis=1), trials0.sum(axis=1)
            scan = ExactScan(events0, trials0, MONTH, per_tick, np.full(runs, ALPHA / 60))
            alarmed, table = np.zeros(runs, bool), np.zeros((2, runs, 8), np.int64)
            for tick in range(MONTH):
                minute = tick % 1440
                trials = rng.poisson(per_tick)
                counts = rng.binomial(trials, by_minute[minute])
                if layered:
                    table[:] = 0
                    table[:, :, layer_of[minute]] = counts, trials
                    alarmed |= scan.update(*table)
                else:
                    alarmed |= scan.update(counts, trials)
                if alarmed.reshape(count, 60).any(axis=1).all():
                    break
            false = alarmed.reshape(count, 60).any(axis=1).sum()
            method = "exact scan, 8 layers" if layered else "exact scan"
            what = f"{'seasonal' if season else 'quiet'}, of {count}"
            target = None if season and not layered else 1 / 40 if not season else 1 / 20
            yield Row("false months, 60 strata", method, what, *share(false, count), target)


def mix_months(count):
    """A parent of eight children whose shares of the traffic change on day 15; no child's rate does."""
    rng = np.random.default_rng(10)
    rates = np.geomspace(0.01, 0.3, 8)
    before, after = np.full(8, 1 / 8), np.array([0.02, 0.03, 0.05, 0.05, 0.1, 0.15, 0.25, 0.35])
    trials0 = rng.multinomial(20_000, before, count)
    events0 = rng.binomial(trials0, rates)
    budget = np.full(count, ALPHA / 60)
    layered = ExactScan(events0, trials0, MONTH, 20, budget)
    crude = ExactScan(events0.sum(axis=1), trials0.sum(axis=1), MONTH, 20, budget)
    false = {"parent as layers of its children": np.zeros(count, bool), "crude overall rate": np.zeros(count, bool)}
    for tick in range(MONTH):
        trials = rng.multinomial(20, after if tick >= MONTH // 2 else before, count)
        counts = rng.binomial(trials, rates)
        false["parent as layers of its children"] |= layered.update(counts, trials)
        false["crude overall rate"] |= crude.update(counts.sum(axis=1), trials.sum(axis=1))
    for method, alarmed in false.items():
        target = 1 / 20 if "layers" in method else None
        yield Row("false months, mix shift", method, f"of {count}", *share(alarmed.sum(), count), target)


def transitions(runs):
    """12 tools, 20,000 reference conversations, each with exits of its own (Dirichlet, ICC .25); 32,000 live."""
    rng = np.random.default_rng(11)
    tools, cells = 12, 144
    means = rng.dirichlet(np.full(tools, 1.0), tools)

    def exits(conversations, means):
        """One exit of each conversation, (runs, tools, tools)."""
        rows = [rng.multinomial(conversations, means[i], runs) for i in range(tools)]
        return np.stack(rows, axis=1)

    # An exit picked at random from a conversation with Dirichlet exits has the mean exits' law.
    reference = exits(20_000 // tools, means)

    def stacked(table):
        return table.reshape(-1), np.broadcast_to(table.sum(axis=2, keepdims=True), table.shape).reshape(-1)

    def scan():
        return ExactScan(*stacked(reference), TICKS, 16, np.full(runs * cells, ALPHA / cells))

    quiet, alarmed = scan(), np.zeros(runs * cells, bool)
    for _ in range(TICKS // 4):
        alarmed |= quiet.update(*stacked(exits(16, means)))
    false = alarmed.reshape(runs, cells).any(axis=1).sum()
    yield Row("false tables, 144 cells", "exact scan a cell", f"8,000 a tool, of {runs}", *share(false, runs), 1 / 80)
    moved = means.copy()
    target = int(np.argmin(np.abs(means[0] - 0.1)))
    moved[0] *= (1 - means[0, target] - 0.15) / (1 - means[0, target])
    moved[0, target] = means[0, target] + 0.15
    drifting, first = scan(), np.full(runs, np.inf)
    for tick in range(1, 150):
        alarm = drifting.update(*stacked(exits(16, moved))).reshape(runs, tools, tools)[:, 0, target]
        first = np.where(alarm & np.isinf(first), tick * 16, first)
    yield Row("transition +15 pt", "exact scan a cell", "median delay", *median(first), 1500, "conversations")


def cost(_runs):
    """Processor time; the machine's, not a promise."""
    rng = np.random.default_rng(12)
    for strata, layers, target in ((5000, 1, 1.0), (5000, 8, 2.0)):
        shape = (strata, layers)
        scan = ExactScan(np.full(shape, 250), np.full(shape, 5000), MONTH, 20)
        ticks = rng.binomial(20, 0.05, (60, strata))
        table, spent = np.zeros((2, *shape), np.int64), 0.0
        for i in range(120):
            table[:] = 0
            table[0, :, i * layers // 120], table[1, :, i * layers // 120] = ticks[i % 60], 20
            began = time.process_time()
            scan.update(*table)
            spent += time.process_time() - began
        what = "5,000 strata" + (", 8 layers" if layers > 1 else "")
        yield Row("cost of a stratum-tick", "exact scan", what, spent / 120 / strata * 1e6, 0.0, target, "µs")
        bound = 2048 if layers == 1 else 5120
        yield Row("state of a stratum", "exact scan", what, scan.bytes_per_stratum, 0.0, bound, "bytes")
    scan, worst = ExactScan(np.full(500, 250), np.full(500, 5000), MONTH, 20), 0.0
    for tick in range(1024):
        rate = 0.05 if tick < 512 else 0.15
        counts = rng.binomial(20, rate, 500)
        began = time.process_time()
        scan.update(counts, 20)
        worst = max(worst, time.process_time() - began)
    yield Row("worst tick", "exact scan", "500 strata, all of them drifting", worst * 1e3, 0.0, 5, "ms")


EXPERIMENTS = {
    # name: (experiment, runs reduced, runs whole)
    "cells": (false_alarms_by_cell, 300, 2000),
    "peers": (peers_false_alarms, 200, 1000),
    "delays": (delays, 200, 1000),
    "start": (present_from_the_start, 200, 1000),
    "localisation": (localisation, 200, 1000),
    "conversations": (conversations, 300, 2000),
    "users": (zipf_users, 40, 300),
    "months": (months, 10, 40),
    "quiet": (quiet_months, 5, 40),
    "mix": (mix_months, 10, 40),
    "transitions": (transitions, 20, 80),
    "cost": (cost, 0, 0),
}
