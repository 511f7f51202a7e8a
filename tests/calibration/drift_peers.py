"""What else one could run, on the same streams. Each peer yields bool (runs,) a tick.

``chi_square_windows``, ``fisher_windows``: the usual test of the last 500 trials against the reference.
``plug_in_glr``: the GLR chart that takes the reference's estimate for the truth.
``two_sample_glr``: the GLR of both samples; its limit must be calibrated at the true rate, which nobody has.
``oracle_cusum``: knows the rate before and after.
``of_river``: ADWIN and Page-Hinkley with their defaults, fed the reference first, one observation at a time.
"""

import numpy as np
from scipy.stats import chi2

from detectors.stats.hypergeometric import exponent, log_lower_tail, log_upper_tail
from detectors.stats.windows import plan


class Windows:
    """Counts of the last w ticks for w of ``lengths``; (lengths, runs)."""

    def __init__(self, lengths, runs, ticks):
        self.lengths = np.array(lengths)
        self.sums = np.zeros((2, ticks + 1, runs))
        self.tick = 0

    def add(self, events, trials):
        self.tick += 1
        self.sums[0, self.tick] = self.sums[0, self.tick - 1] + events
        self.sums[1, self.tick] = self.sums[1, self.tick - 1] + trials

    def counts(self):
        """(k, n) of each whole window, and (K, N) of what came before."""
        starts = self.tick - self.lengths[self.lengths <= self.tick]
        before = self.sums[:, starts]
        return *(self.sums[:, self.tick] - before.swapaxes(0, 1)).swapaxes(0, 1), *before


def chi_square_windows(stream, reference, ticks, sliding, per_window=10, alpha=0.01):
    limit = chi2.isf(alpha, 1)
    for k, n in _windows(stream, ticks, sliding, per_window):
        t, m = k + reference[0], n + reference[1]
        yield (k * m - n * t) ** 2 * m > limit * n * reference[1] * t * (m - t)


def fisher_windows(stream, reference, ticks, sliding, per_window=10, alpha=0.01):
    for k, n in _windows(stream, ticks, sliding, per_window):
        up, down = log_upper_tail(k, n, *reference), log_lower_tail(k, n, *reference)
        yield np.minimum(up, down) <= np.log(alpha / 2)


def _windows(stream, ticks, sliding, per_window):
    """Counts of the last ``per_window`` ticks: 0 of 0, which says nothing, where no test is due."""
    windows = None
    for tick, (events, trials) in enumerate(stream, 1):
        windows = windows or Windows([per_window], len(trials), ticks)
        windows.add(events, trials)
        due = tick >= per_window and (sliding or tick % per_window == 0)
        k, n, _, _ = windows.counts() if due else np.zeros((4, 1, len(trials)))
        yield k[0], n[0]


def glr_statistic(stream, reference, ticks, two_sample):
    """The GLR over the scan's window lengths at every tick, nats; yields (runs,)."""
    windows = None
    for events, trials in stream:
        windows = windows or Windows(plan(1, ticks).lengths, len(trials), ticks)
        windows.add(events, trials)
        k, n, big_k, big_n = windows.counts()
        # A rate taken for known is a reference of endless size.
        scale = 1.0 if two_sample else 1e9
        big_k, big_n = (reference[0] + big_k * two_sample) * scale, (reference[1] + big_n * two_sample) * scale
        t = k + big_k
        yield exponent(k, n * t / (n + big_n), n, t, big_n).max(axis=0)


def cusum_statistic(stream, before, after):
    """The larger of an upward and a downward CUSUM of log likelihood ratios, yields (runs,)."""
    up = down = 0.0
    low = np.maximum(before - (after - before), before / 5)
    for events, trials in stream:
        up = np.maximum(0, up + log_ratio(events, trials, before, after))
        down = np.maximum(0, down + log_ratio(events, trials, before, low))
        yield np.maximum(up, down)


def log_ratio(events, trials, before, after):
    return events * np.log(after / before) + (trials - events) * np.log((1 - after) / (1 - before))


def river_alarms(make, stream, reference, rng):
    """Observations until ``make()`` signals drift, for each run; inf if it does not. Slow: one by one."""
    columns = [np.stack(part, axis=1) for part in zip(*stream, strict=True)]
    delays = []
    for run, (events, trials) in enumerate(zip(*columns, strict=True)):
        detector, seen, delay = make(), 0, np.inf
        history = np.arange(reference[1]) < (reference[0] if np.isscalar(reference[0]) else reference[0][run])
        for value in rng.permutation(history):
            detector.update(int(value))
        for k, n in zip(events, trials, strict=True):
            for value in rng.permutation(np.arange(n) < k):
                detector.update(int(value))
                seen += 1
                if detector.drift_detected:
                    delay = seen
                    break
            if np.isfinite(delay):
                break
        delays.append(delay)
    return np.array(delays)


def of_river():
    """River's detectors by name."""
    from river import drift  # noqa: PLC0415 - takes a second to import, which few tests need

    return {"ADWIN": drift.ADWIN, "Page-Hinkley": drift.PageHinkley}
