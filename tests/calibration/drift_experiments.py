"""The promises of the drift statistics for single streams, many side by side, as seeded simulations.

An experiment takes ``runs`` (how much) and yields rows. p = .05 where no rate is named.
"""

from functools import cache

import drift_peers as peers
import drift_streams as streams
import numpy as np
from drift_rows import (
    ALPHA,
    GLR,
    OBSERVATIONS,
    PER_TICK,
    SCANS,
    TICKS,
    Row,
    first_alarms,
    median,
    scans,
    share,
    within_ticks,
)

from detectors.stats.exact_scan import ExactScan
from detectors.stats.localise import localise
from detectors.stats.over_dispersion import over_dispersion
from detectors.stats.spending import FAVOURING


def false_alarms_by_cell(runs):
    """Chance of any false alarm in 100,000 observations, by rate and size of the reference."""
    for method, options in SCANS.items():
        for rate in (0.01, 0.05, 0.2):
            for n0 in (500, 5_000, 50_000):
                rng = np.random.default_rng([1, n0, int(rate * 100)])
                scan, _ = scans(rng, rate, n0, runs, **options)
                delays = first_alarms(scan.update(*tick) for tick in streams.steady(rng, rate, runs, TICKS))
                measured = share(np.isfinite(delays).sum(), runs)
                yield Row("false alarms in 100k", method, f"p {rate:g}, n0 {n0:,}", *measured, ALPHA)


@cache
def glr_limit(rate, n0, runs, *, two_sample, per_tick=PER_TICK):
    """The limit that one stream in a hundred passes, at the true rate; known to nobody in production."""
    rng = np.random.default_rng([13, n0, per_tick])
    ticks = OBSERVATIONS // per_tick
    reference = (rng.binomial(n0, rate, runs), n0) if two_sample else (rate, 1.0)
    highest = np.zeros(runs)
    stream = streams.steady(rng, rate, runs, ticks, per_tick)
    for value in peers.glr_statistic(stream, reference, ticks, two_sample):
        highest = np.maximum(highest, value)
    return np.quantile(highest, 1 - ALPHA)


def cusum_limit(rng, before, after, runs, per_tick=PER_TICK):
    highest = np.zeros(runs)
    stream = streams.steady(rng, before, runs, OBSERVATIONS // per_tick, per_tick)
    for value in peers.cusum_statistic(stream, before, after):
        highest = np.maximum(highest, value)
    return np.quantile(highest, 1 - ALPHA)


def peers_false_alarms(runs):
    """What the usual detectors do on streams in which nothing happens; p = .05."""
    for n0 in (500, 5_000):
        rng = np.random.default_rng([2, n0])
        events = rng.binomial(n0, 0.05, runs)
        reference = events, np.full(runs, n0)
        limit = glr_limit(0.05, n0, runs, two_sample=False)

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


SHIFTS = ((500, 0.05), (5_000, 0.02), (5_000, 0.05), (5_000, 0.10), (50_000, 0.05))
"""Reference trials, rise of the rate."""


def delays(runs):
    """Observations from a change until the alarm, all methods looking at every tick; 5,000 quiet ones before it."""
    for per_tick in (PER_TICK, 16):
        quiet, ticks = 5_000 // per_tick, OBSERVATIONS // per_tick
        for n0, shift in SHIFTS:
            rng = np.random.default_rng([3, n0, int(shift * 100)])
            what = f"n0 {n0:,}, +{shift * 100:g} pt" + ("" if per_tick == PER_TICK else f", ticks of {per_tick}")
            two_sample = glr_limit(0.05, n0, 2 * max(runs, 500), two_sample=True, per_tick=per_tick)
            oracle = cusum_limit(rng, 0.05, 0.05 + shift, max(runs, 1000), per_tick)
            events = rng.binomial(n0, 0.05, runs)
            reference = events, np.full(runs, n0)
            stream = list(streams.step(rng, 0.05, 0.05 + shift, runs, quiet, 30_000 // per_tick, per_tick))
            found = {}
            for method, options in SCANS.items():
                scan = ExactScan(*reference, ticks, per_tick, np.full(runs, ALPHA), **options)
                found[method] = first_alarms(scan.update(*tick) for tick in stream)
            glr = peers.glr_statistic(stream, reference, ticks, two_sample=True)
            found[GLR] = first_alarms(value > two_sample for value in glr)
            cusum = peers.cusum_statistic(stream, 0.05, 0.05 + shift)
            found["CUSUM, knows both rates"] = first_alarms(value > oracle for value in cusum)
            found = {method: each * per_tick for method, each in found.items()}
            if per_tick == PER_TICK:
                found["χ², 500 tumbling"] = PER_TICK * first_alarms(
                    peers.chi_square_windows(stream, reference, ticks, sliding=False)
                )
                few = max(20, runs // 10)
                columns = [(k[:few], n[:few]) for k, n in stream]
                for method, make in peers.of_river().items():
                    found[method] = peers.river_alarms(make, columns, (events, n0), rng)
            quiet_trials = quiet * per_tick
            late = {method: each[each > quiet_trials] - quiet_trials for method, each in found.items()}
            measured = {}
            for method, each in late.items():
                measured[method] = within_ticks(each, 1 if "Page" in method or method == "ADWIN" else per_tick)
                yield Row("median delay", method, what, *measured[method], None, "observations")
            for method, options in SCANS.items():
                ours, best = measured[method], measured[GLR]
                ratio = ours[0] / best[0]
                error = ratio * np.hypot(ours[1] / ours[0], best[1] / best[0])
                # Evenly spread over all lengths, the budget buys less of those that find such shifts.
                target = None if n0 < 5_000 else 1.2 if options["spending"] is FAVOURING else 1.3
                yield Row("delay over that of the GLR", method, what, ratio, error, target)
            if n0 == 500 and per_tick == PER_TICK:
                hits = np.isfinite(late["exact scan"]).sum()
                yield Row("found within 30k", "exact scan", what, *share(hits, runs), 0.95, at_least=True)


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
        yield Row(
            "dated within 4 blocks",
            "localise",
            what,
            *share(np.sum(np.array(found) <= 4), len(found)),
            0.9,
            at_least=True,
        )


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
                FAVOURING,
            )
            found = first_alarms(scan.update(*tick) for tick in ticks)
            target = ALPHA if method == "user rules and margin" else None
            measured = share(np.isfinite(found).sum(), runs)
            yield Row("false months, Zipf users", method, f"ICC {icc:g}", *measured, target)
            if method == "user rules and margin":
                yield Row(
                    "margin asked for", "Phase I", f"ICC {icc:g}", float(np.median(margins)), 0.0, None, "odds ratio"
                )
