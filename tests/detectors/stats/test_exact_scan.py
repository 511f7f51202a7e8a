"""The scan alarms exactly where its definition says, within its budget, and goes on after a restart."""

import itertools
import json
import time
from math import comb

import numpy as np
import pytest
from scipy.stats import binom, hypergeom

from detectors.stats.exact_scan import ExactScan
from detectors.stats.hypergeometric import log_upper_tail
from detectors.stats.spending import Spending
from detectors.stats.windows import plan, ticks_per_block


def slow_scan(reference, ticks, planned, period, budget, favoured=None):
    """Every alarm by definition: all windows of the whole stream, scipy's tails, no sieve. bool (ticks,)."""
    setup = plan(ticks_per_block(planned, period), period)
    b, alarms, tests = setup.ticks_per_block, np.zeros(len(ticks), bool), []
    blocks = ticks[: len(ticks) // b * b].reshape(-1, b, 2).sum(axis=1)
    for t in range(1, len(blocks) + 1):
        for w, g, count in zip(setup.lengths, setup.strides, setup.tests, strict=True):
            length_share = 1 / len(setup.lengths)
            if favoured:
                inside = [favoured[0] <= length * b * planned <= favoured[1] for length in setup.lengths]
                is_in = favoured[0] <= w * b * planned <= favoured[1]
                length_share = 0.9 / sum(inside) if is_in else 0.1 / (len(inside) - sum(inside))
            if t >= w and t % g == 0:
                k, n = blocks[t - w : t].sum(axis=0)
                before = blocks[: t - w].sum(axis=0)
                for share, (big_k, big_n) in ((0.7, reference + before), (0.3, reference)):
                    tests.append((t * b - 1, k, n, big_k, big_n, budget * share * length_share / (2 * count)))
    at, k, n, big_k, big_n, threshold = map(np.array, zip(*tests, strict=True))
    up = hypergeom.sf(k - 1, n + big_n, k + big_k, n)
    down = hypergeom.cdf(k, n + big_n, k + big_k, n)
    alarms[at[(np.minimum(up, down) <= threshold)].astype(int)] = True
    return alarms


@pytest.mark.parametrize("chunk", range(4))
def test_the_scan_agrees_alarm_for_alarm_with_a_slow_oracle_on_200_streams(chunk):
    """Rates, references, block lengths and traffic at random; half of the streams shift. Four fifties."""
    rng = np.random.default_rng([7, chunk])
    alarming = 0
    for _ in range(50):
        n0, p = int(rng.integers(20, 800)), rng.choice([0.02, 0.1, 0.4, 0.9])
        planned, budget = rng.choice([4.0, 9.0, 30.0]), rng.choice([0.01, 0.3])
        reference = np.array([rng.binomial(n0, p), n0])
        n = rng.poisson(planned, 70)
        shifted = np.where(np.arange(70) >= rng.integers(0, 140), rng.choice([0.3, 0.01]), p)
        ticks = np.stack([rng.binomial(n, shifted), n], axis=1)
        scan = ExactScan(*reference, 60, planned, budget)
        ours = [scan.update(*tick) for tick in ticks]
        expected = slow_scan(reference, ticks, planned, 60, budget)
        assert ours == expected.tolist()
        alarming += expected.any()
    assert 10 < alarming < 45


def test_a_window_that_alarms_is_found_behind_one_of_greater_deviance_that_does_not():
    """Deviance orders tests almost as their tails do; in these two streams, found by search, it does not."""
    rng = np.random.default_rng(0)
    n0 = rng.integers(20, 800, 400)
    events = rng.binomial(n0, 0.1)
    ticks = []
    for tick in range(30):
        n = rng.poisson(9, 400)
        ticks.append((rng.binomial(n, 0.1 + 0.12 * (tick > 15)), n))
    for column, alarm_at in ((316, 27), (5, 29)):
        stream = np.array([(k[column], n[column]) for k, n in ticks])
        scan = ExactScan(events[column], n0[column], 60, 9, 0.3)
        ours = [scan.update(*tick) for tick in stream]
        assert ours == slow_scan(np.array([events[column], n0[column]]), stream, 9, 60, 0.3).tolist()
        assert ours[alarm_at]


def test_favoured_windows_get_nine_tenths_of_the_same_budget():
    """The first tick holds one window, of 50 trials; of the 21 lengths, 7 have 100 to 800."""
    for favoured, share in (((100, 800), 0.1 / 14), ((50, 50), 0.9)):
        spending = Spending(0.7, favoured, 0.9)
        even, uneven = ExactScan(250, 5000, 2000, 50), ExactScan(250, 5000, 2000, 50, spending=spending)
        even.update(9, 50)
        uneven.update(9, 50)
        nearer = even.evidence.log_p_over_threshold[0] - uneven.evidence.log_p_over_threshold[0]
        assert nearer == pytest.approx(np.log(share * 21))


def test_with_favoured_windows_it_agrees_with_the_slow_oracle_and_survives_json():
    """Strata of unlike traffic, so that other lengths are favoured in each; 20 streams of 60 ticks."""
    rng = np.random.default_rng(47)
    planned, alarming = np.array([20.0, 45.0]), 0
    for _ in range(20):
        n0 = rng.integers(50, 800, 2)
        reference = rng.binomial(n0, 0.1)
        n = rng.poisson(planned, (60, 2))
        k = rng.binomial(n, np.where(np.arange(60)[:, None] > 25, 0.17, 0.1))
        scan = ExactScan(reference, n0, 60, planned, 0.2, spending=Spending(0.7, (100, 400), 0.9))
        ours = []
        for tick in range(60):
            scan = ExactScan.from_json(scan.to_json()) if tick == 31 else scan
            ours.append(scan.update(k[tick], n[tick]))
        for s in range(2):
            ticks = np.stack([k[:, s], n[:, s]], axis=1)
            expected = slow_scan(np.array([reference[s], n0[s]]), ticks, planned[s], 60, 0.1, (100, 400))
            assert np.array(ours)[:, s].tolist() == expected.tolist()
            alarming += expected.any()
    assert 10 < alarming < 38


def test_each_stratum_has_its_own_share_of_the_budget_and_its_own_margin():
    """One stream, five strata: by budget and margin, each as if it were alone."""
    budgets, margins = [0.2, 1e-3, 1e-9, 0.2, 1e-3], [1.0, 1.0, 1.0, 1.5, 1.2]
    wide = ExactScan([50] * 5, [1000] * 5, 200, 20, budgets, margins)
    alone = [ExactScan(50, 1000, 200, 20, budget, margin) for budget, margin in zip(budgets, margins, strict=True)]
    first = [None] * 5
    for tick in range(60):
        k = 1 if tick < 20 else 3
        got = wide.update(k, 20)
        assert got.tolist() == [scan.update(k, 20) for scan in alone]
        first = [at if at is not None or not alarm else tick for at, alarm in zip(first, got, strict=True)]
    assert first[0] < first[1] < first[2]
    assert first[0] < first[3]


def test_with_a_margin_the_tails_are_those_at_that_odds_ratio():
    """Every alarm of 40 streams, by the noncentral law summed in fractions, over all windows."""
    rng = np.random.default_rng(41)
    alarming = 0
    for _ in range(40):
        stream = np.stack([rng.binomial(16, np.where(np.arange(12) < 4, 0.2, 0.6)), np.full(12, 16)], axis=1)
        reference = np.array([rng.binomial(60, 0.2), 60])
        scan = ExactScan(*reference, 12, 16, 0.3, odds_margin=1.5)
        setup = plan(1, 12)
        for t in range(1, 13):
            expected = False
            for w, count in zip(setup.lengths, setup.tests, strict=True):
                k, n = stream[max(0, t - w) : t].sum(axis=0)
                before = stream[: max(0, t - w)].sum(axis=0)
                for share, (big_k, big_n) in ((0.7, reference + before), (0.3, reference)):
                    p = min(margin_tail(k, n, big_k, big_n), margin_tail(big_k, big_n, k, n))
                    expected |= t >= w and p <= 0.3 * share / (2 * len(setup.lengths) * count)
            assert scan.update(*stream[t - 1]) == expected
            alarming += expected
    assert 20 < alarming < 400


def margin_tail(k, n, big_k, big_n, odds=1.5):
    """P(X >= k) at ``odds``, term by term."""
    t = int(k + big_k)
    x = range(max(0, t - int(big_n)), min(int(n), t) + 1)
    terms = [comb(int(n), j) * comb(int(big_n), t - j) * odds**j for j in x]
    return sum(term for j, term in zip(x, terms, strict=True) if j >= k) / sum(terms)


def test_arrays_over_strata_are_the_scalars_side_by_side():
    """Also where strata differ in block length, and the budget is shared."""
    rng = np.random.default_rng(3)
    reference, trials = np.array([5, 40, 300]), np.array([100, 400, 1000])
    planned = np.array([2.0, 8.0, 40.0])
    wide = ExactScan(reference, trials, 200, planned, 0.03)
    alone = [ExactScan(reference[i], trials[i], 200, planned[i], 0.01) for i in range(3)]
    seen = np.zeros(3, bool)
    for tick in range(300):
        n = rng.poisson(planned)
        k = rng.binomial(n, [0.05 + 0.2 * (tick > 100), 0.1, 0.3 + 0.15 * (tick > 200)])
        got = wide.update(k, n)
        assert got.tolist() == [scan.update(k[i], n[i]) for i, scan in enumerate(alone)]
        seen |= got
    assert seen.tolist() == [True, False, True]


def test_the_trace_of_channel_g_is_the_reference_one():
    scan = ExactScan(25, 500, 2000, 50, 0.01 * 0.7, spending=Spending(1.0))
    trace = []
    for events in (2, 5, 9, 8, 10, 7):
        scan.update(events, 50)
        evidence = scan.evidence
        trace.append((evidence.log_p_over_threshold[0], evidence.window_blocks[0]))
        assert evidence.channel[0] == "G"
    values = [15.697984, 14.161335, 9.889803, 7.214005, 3.409880, 2.596138]
    assert [value for value, _ in trace] == pytest.approx(values, abs=1e-6)
    assert [window for _, window in trace] == [1, 1, 2, 3, 3, 4]


@pytest.mark.parametrize(
    ("p", "alarm"), [(0.05, 0.008152), (0.1, 0.018973), (0.2, 0.035456), (0.3, 0.046056), (0.5, 0.046669)]
)
def test_enumeration_of_every_stream_gives_the_reference_probabilities(p, alarm):
    """13 references x 64 streams of three blocks of three, all at once as strata; budget .25 a direction."""
    streams = np.array(list(itertools.product(range(13), range(4), range(4), range(4))))
    scan = ExactScan(
        streams[:, 0], np.full(len(streams), 12), 3, 16, np.full(len(streams), 0.5), spending=Spending(1.0)
    )
    alarmed = np.zeros(len(streams), bool)
    for block in (1, 2, 3):
        alarmed |= scan.update(streams[:, block], 3)
    weight = binom.pmf(streams[:, 0], 12, p) * binom.pmf(streams[:, 1:], 3, p).prod(axis=1)
    assert weight.sum() == pytest.approx(1)
    assert weight[alarmed].sum() == pytest.approx(alarm, abs=5e-7)


def test_evidence_is_at_or_below_its_threshold_exactly_when_an_alarm_is_due():
    rng = np.random.default_rng(5)
    scan = ExactScan(np.full(40, 20), np.full(40, 400), 300, 16, np.full(40, 0.01))
    alarms = 0
    for tick in range(120):
        got = scan.update(rng.binomial(16, 0.05 + 0.12 * (tick >= 60), 40), 16)
        assert ((scan.evidence.log_p_over_threshold <= 0) == got).all()
        alarms += got.sum()
    assert alarms > 100


def test_the_window_of_an_alarm_estimates_when_and_how_the_rate_moved():
    scan = ExactScan(50, 1000, 1000, 20)
    for tick in range(400):
        if scan.update(1 if tick < 200 else 5, 20):
            break
    evidence = scan.evidence
    assert 200 <= tick < 215
    assert abs(evidence.changed_at[0] - 200) <= 1
    assert evidence.direction[0] == 1
    assert evidence.events[0] / evidence.trials[0] == pytest.approx(0.25, abs=0.03)
    k, n = int(evidence.events[0]), int(evidence.trials[0])
    seen = 50 + sum(1 if at < 200 else 5 for at in range(tick + 1)), 1000 + 20 * (tick + 1)
    before = (seen[0] - k, seen[1] - n) if evidence.channel[0] == "G" else (50, 1000)
    assert evidence.log_p[0] == pytest.approx(float(log_upper_tail(k, n, *before)))


def test_a_rate_that_falls_is_found_with_its_direction():
    scan = ExactScan(500, 1000, 1000, 20)
    assert any(scan.update(5, 20) for _ in range(20))
    assert scan.evidence.direction[0] == -1


def test_a_shift_present_from_the_first_tick_is_found_by_channel_f():
    """Channel G compares later data with the first and sees nothing in a steady stream."""
    scan = ExactScan(250, 5000, 2000, 50)
    first = next(tick for tick in range(2000) if scan.update(5, 50))
    assert first < 60
    without_f = ExactScan(0, 1, 2000, 50, spending=Spending(1.0))
    assert not any(without_f.update(5, 50) for _ in range(500))


def test_before_the_first_block_there_is_no_evidence():
    scan = ExactScan(25, 500, 2000, 4)
    assert scan.update(4, 4) is False
    assert np.isinf(scan.evidence.log_p_over_threshold[0])
    assert scan.evidence.direction[0] == 0


def test_a_tick_without_trials_is_no_evidence():
    scan = ExactScan(25, 500, 2000, 16)
    assert not any(scan.update(0, 0) for _ in range(200))


def test_within_the_margin_nothing_alarms_that_alarms_without_it():
    """10 % against 8 % for ever: odds ratio 1.28."""
    plain, wide = ExactScan(800, 10_000, 2000, 50), ExactScan(800, 10_000, 2000, 50, odds_margin=1.4)
    assert any(plain.update(5, 50) for _ in range(2000))
    assert not any(wide.update(5, 50) for _ in range(2000))
    assert any(wide.update(20, 50) for _ in range(50))


def test_layers_forgive_what_the_hour_explains_and_find_what_it_does_not():
    """Two layers of 5 % and 30 %; the second takes over all traffic. Crudely a rise, layer by layer none."""
    reference = [[50, 300]], [[1000, 1000]]
    layered, crude = ExactScan(*reference, 500, 40), ExactScan(350, 2000, 500, 40)
    ticks = [((1, 0), (20, 0)), ((0, 6), (0, 20))]
    assert not any(layered.update([ticks[t > 50][0]], [ticks[t > 50][1]])[0] for t in range(200))
    assert any(crude.update(sum(ticks[t > 50][0]), 20) for t in range(200))
    assert any(layered.update([(0, 12)], [(0, 20)])[0] for _ in range(30))


def test_with_layers_the_scan_agrees_alarm_for_alarm_with_plain_convolutions():
    """20 streams of two layers that are unlike in rate and size; half of them shift. Lengths are powers of 2."""
    rng = np.random.default_rng(13)
    setup, alarming = plan(1, 25, lengths_per_octave=1), 0
    for stream in range(20):
        n = rng.poisson([4, 14], (25, 2))
        shift = np.where(np.arange(25)[:, None] >= 12, 0.2 * (stream % 2), 0.0)
        k = rng.binomial(n, np.array([0.4, 0.05]) + shift)
        n0 = rng.integers(10, 200, 2)
        k0 = rng.binomial(n0, [0.4, 0.05])
        scan = ExactScan([k0], [n0], 25, 16, 0.3)
        for t in range(1, 26):
            expected = False
            for w, g, count in zip(setup.lengths, setup.strides, setup.tests, strict=True):
                if t < w or t % g:
                    continue
                window = k[t - w : t].sum(axis=0), n[t - w : t].sum(axis=0)
                before = k[: t - w].sum(axis=0), n[: t - w].sum(axis=0)
                for share, live in ((0.7, 1), (0.3, 0)):
                    reference = k0 + live * before[0], n0 + live * before[1]
                    p = min(sum_tail(*window, *reference), sum_tail(*reference, *window))
                    expected |= p <= 0.3 * share / (2 * len(setup.lengths) * count)
            assert scan.update([k[t - 1]], [n[t - 1]])[0] == expected
            alarming += expected
    assert 20 < alarming < 200


def sum_tail(k, n, big_k, big_n):
    """P(sum of X >= sum of k), two layers."""
    laws = [hypergeom.pmf(np.arange(n[i] + 1), n[i] + big_n[i], k[i] + big_k[i], n[i]) for i in (0, 1)]
    return np.convolve(*laws)[k.sum() :].sum()


def test_a_held_reference_does_not_learn_the_change():
    """A step that lasts: G forgets it once its windows lie within; held, G still compares with before."""
    free, held = (ExactScan(2, 40, 100, 20, spending=Spending(1.0)) for _ in range(2))
    for tick in range(700):
        k = 1 if tick < 40 else 6
        free_alarms, held_alarms = free.update(k, 20), held.update(k, 20)
        if tick == 59:
            began = int(held.evidence.changed_at[0])
            held.hold([True])
    assert 36 <= began <= 44
    quiet = sum(1 if tick < 40 else 6 for tick in range(began))
    evidence = held.evidence
    now = log_upper_tail(evidence.events[0], evidence.trials[0], 2 + quiet, 40 + 20 * began)
    assert evidence.log_p[0] == pytest.approx(float(now))
    assert free.evidence.log_p_over_threshold[0] > 0
    assert held.evidence.log_p_over_threshold[0] < 0
    assert (free_alarms, held_alarms) == (False, False)
    held.release([True])
    assert [held.update(6, 20) for _ in range(3)] == [free.update(6, 20) for _ in range(3)]


def test_a_held_stratum_alarms_no_more_and_the_others_as_if_it_were_not_there():
    """Two strata move together; the first is held at once, the second never, with layers and without."""
    for reference in (([50, 50], [1000, 1000]), ([[25, 25]] * 2, [[500, 500]] * 2)):
        both, free = ExactScan(*reference, 500, 16, [0.01] * 2), ExactScan(*reference, 500, 16, [0.01] * 2)
        later = 0
        for tick in range(120):
            layer = np.zeros(np.shape(reference[0])[1:], int)
            k, n = layer + (1 if tick < 60 else 4), layer + 16
            alarms, expected = both.update([k, k], [n, n]), free.update([k, k], [n, n])
            assert alarms[1] == expected[1]
            if later:
                assert not alarms[0]
            later += expected[0]
            both.hold([later > 0, False])
        assert later > 20


def test_a_rebased_stratum_starts_anew_and_the_others_go_on():
    """Stratum 0 has moved from 5 % to 25 % and is promoted; stratum 1 is untouched."""
    scan, alone = ExactScan([50, 50], [1000, 1000], 500, 16, [0.01, 0.01]), ExactScan(50, 1000, 500, 16)
    for _ in range(60):
        alarms = scan.update([4, 1], 16)
        assert alone.update(1, 16) == alarms[1]
    assert alarms[0]
    scan.rebase(0, 250, 1000)
    scan = ExactScan.from_json(scan.to_json())
    fresh = ExactScan(250, 1000, 500, 16)
    for tick in range(200):
        k = 4 if tick < 150 else 9
        alarms = scan.update([k, 1], 16)
        # The windows of a scan begun anew are due at other blocks, so only quiet and loud are compared.
        assert alone.update(1, 16) == alarms[1]
        if tick < 150:
            assert not fresh.update(k, 16)
            assert not alarms[0]
    assert alarms[0]
    with pytest.raises(ValueError, match="need 0 <= reference_events"):
        scan.rebase(0, 5, 4)


def test_after_json_it_goes_on_as_if_nothing_had_happened():
    rng = np.random.default_rng(9)
    scan = ExactScan([20, 60], [400, 600], 300, [7, 30], odds_margin=1.05)
    got, expected = [], []
    for tick in range(400):
        k, n = rng.binomial(25, 0.08 + 0.1 * (tick > 200), 2), 25
        if tick in (113, 250):
            twin = ExactScan.from_json(scan.to_json())
            json.loads(scan.to_json())
        expected.append(scan.update(k, n).tolist())
        if tick >= 113:
            got.append(twin.update(k, n).tolist())
            if tick < 130:
                assert np.array_equal(twin.evidence.log_p, scan.evidence.log_p)
    assert got == expected[113:]
    assert np.array(expected).any(axis=0).all()
    assert twin.ticks == scan.ticks == 400


def test_arguments_that_are_numpy_numbers_survive_json():
    scan = ExactScan(np.int64(5), np.int64(100), np.int64(50), np.float64(16), np.float64(0.01), np.float64(1.1))
    scan.update(np.int64(3), np.int64(16))
    assert ExactScan.from_json(scan.to_json()).to_json() == scan.to_json()


def test_it_runs_past_its_period_with_the_same_memory():
    scan = ExactScan(np.full(3, 50), np.full(3, 1000), 100, 16)
    memory = []
    for _ in range(30):
        for _ in range(100):
            scan.update(1, 16)
        memory.append(scan.bytes_per_stratum)
    assert memory[0] > 300
    assert max(memory) == memory[1]
    assert any(scan.update(5, 16).all() for _ in range(60))


@pytest.mark.parametrize(
    "arguments",
    [
        {"reference_events": 6, "reference_trials": 5},
        {"reference_events": 0, "reference_trials": 0},
        {"ticks_per_budget": 0},
        {"trials_per_tick": -1.0},
        {"false_alarm_budget": 0.0},
        {"false_alarm_budget": 1.0},
        {"odds_margin": 0.9},
        {"odds_margin": [1.0, float("nan")], "reference_events": [1, 1]},
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments):
    fine = {"reference_events": 1, "reference_trials": 5, "ticks_per_budget": 10, "trials_per_tick": 1.0}
    ExactScan(**fine)
    with pytest.raises(ValueError, match="need"):
        ExactScan(**(fine | arguments))


def test_a_stratum_costs_microseconds_and_two_kilobytes_and_five_with_eight_layers():
    """Loose bounds of time, for busy machines; the calibration measures. Memory after 1,000 blocks."""
    rng = np.random.default_rng(1)
    scan = ExactScan(np.full(5000, 250), np.full(5000, 5000), 43_200, 20)
    ticks = rng.binomial(20, 0.05, (40, 5000))
    began = time.process_time()
    for tick in ticks:
        scan.update(tick, 20)
    assert (time.process_time() - began) / ticks.size < 5e-6
    for layers, bound in ((1, 2048), (8, 5120)):
        narrow = ExactScan(np.full((2, layers), 250), np.full((2, layers), 5000), 1_000, 20)
        for _ in range(1_000):
            narrow.update(np.full((2, layers), 1), np.full((2, layers), 20))
        # The windows of a month of minutes hold at most 66 (plain), 26 (layered) totals more, as their own test says.
        assert narrow.bytes_per_stratum < bound - layers * 8 * (66 if layers == 1 else 26)


@pytest.mark.parametrize("layers", [1, 3])
def test_what_is_near_an_alarm_is_told_as_the_evidence_tells_it(layers):
    rng = np.random.default_rng(20261201)
    rates = np.full(40, 0.08) + rng.choice([0, 0.02, 0.04], 40)
    scan = ExactScan(np.full((40, layers), 60), np.full((40, layers), 1000), 2000, 30, odds_margin=1.05)
    seen = 0
    for tick in range(160):
        trials = rng.multinomial(30, np.full(layers, 1 / layers), 40)
        alarms = scan.update(rng.binomial(trials, rates[:, None]), trials)
        if tick == 120:
            scan.hold(alarms)
        if tick % 10 == 9:
            for factor in (1.0, 20.0, 1e4):
                near = scan.near(factor)  # before `evidence`, which it would otherwise only repeat
                fresh = ExactScan.from_json(scan.to_json())
                assert np.array_equal(near, fresh.evidence.log_p_over_threshold <= np.log(factor)), (tick, factor)
                seen += 0 < near.sum() < 40
    assert seen > 10
    with pytest.raises(ValueError, match=r"factor >= 1, got 0\.5"):
        scan.near(0.5)
