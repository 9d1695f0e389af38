"""Noise of the stated law from a stream that nobody can know or repeat.

Statistical tests use fresh operating-system entropy; each states its false-alarm rate.
"""

import copy
import inspect
import os
import pickle

import numpy as np
import pytest
from scipy import stats

from dpsynth.privacy import noise
from dpsynth.privacy.noise import CryptoStream

ALARM = 1e-6
MANY = 400_000


def two_sided(observed: float, mean: float, sd: float) -> float:
    """P-value of a nearly normal statistic."""
    return float(2 * stats.norm.sf(abs(observed - mean) / sd))


def test_gaussians_are_normal_with_unit_deviation_and_no_memory():
    draws = CryptoStream().normal(MANY)
    # Four tests, each at ALARM.
    assert stats.kstest(draws, "norm").pvalue > ALARM
    low, high = stats.chi2.ppf([ALARM / 2, 1 - ALARM / 2], MANY)
    assert low < (draws**2).sum() < high
    # Box-Muller pairs a value with the one half a draw later: that lag is tested as well.
    for lag in (1, 2, MANY // 2):
        product = draws[lag:] * draws[:-lag]
        assert two_sided(product.mean(), 0.0, len(product) ** -0.5) > ALARM / 3
        squares = (draws[lag:] ** 2 - 1) * (draws[:-lag] ** 2 - 1) / 2
        assert two_sided(squares.mean(), 0.0, len(squares) ** -0.5) > ALARM / 3
    assert stats.kurtosistest(draws).pvalue > ALARM


def test_calls_of_any_size_go_on_in_one_stream():
    # An odd size throws one Gaussian away and must not repeat any.
    stream = CryptoStream()
    draws = np.concatenate([stream.normal(size) for size in (0, 1, 3, 1, 1001, 7)])
    assert len(draws) == 1013 == len(set(draws))


def test_two_streams_differ():
    assert not np.isin(CryptoStream().normal(1000), CryptoStream().normal(1000)).any()


def test_an_insecure_seed_repeats_and_another_does_not():
    assert (CryptoStream(7).normal(50) == CryptoStream(7).normal(50)).all()
    assert not np.isin(CryptoStream(7).normal(50), CryptoStream(8).normal(50)).any()


@pytest.mark.parametrize(("words", "value"), [(b"\x00" * 8, 2.0**-53), (b"\xff" * 8, 1 - 2.0**-53)])
def test_a_uniform_is_never_0_and_never_1(monkeypatch, words, value):
    # The extreme words of the cipher: 0 would make an infinite Gaussian, 1 a patient who stays
    # out of a step that all must join.
    stream = CryptoStream()
    monkeypatch.setattr(stream, "_words", lambda n: np.frombuffer(words * n, dtype=np.uint64))
    assert stream.uniform(3).tolist() == [value] * 3
    assert np.isfinite(stream.normal(2)).all()
    assert len(stream.join(5, 1.0)) == 5
    assert abs(stream.two_sided_geometric(0.5)) == 0


def test_uniforms_are_uniform():
    assert stats.kstest(CryptoStream().uniform(MANY), "uniform").pvalue > ALARM


@pytest.mark.parametrize("epsilon", [0.15, 1.0, 3.0])
def test_the_two_sided_geometric_follows_its_exact_law(epsilon):
    # P(x) = (1 - a) / (1 + a) a^|x| with a = exp(-epsilon): the ratio of neighbours is e^epsilon.
    stream, draws = CryptoStream(), 20_000
    found = np.array([stream.two_sided_geometric(epsilon) for _ in range(draws)])
    a, edge = np.exp(-epsilon), int(6 / epsilon) + 1
    inner = np.arange(-edge, edge + 1)
    law = (1 - a) / (1 + a) * a ** np.abs(inner)
    tail = a ** (edge + 1) / (1 + a)  # of each side
    assert law.sum() + 2 * tail == pytest.approx(1)
    counts = [(found < -edge).sum(), *[(found == x).sum() for x in inner], (found > edge).sum()]
    expected = np.array([tail, *law, tail]) * draws
    groups = np.digitize(np.cumsum(expected) - expected / 2, np.arange(10, draws, 10))
    observed_, expected_ = (np.bincount(groups, weights=w) for w in (counts, expected))
    kept = expected_ > 5
    assert kept.sum() > 3
    chi = ((observed_ - expected_)[kept] ** 2 / expected_[kept]).sum()
    assert stats.chi2.sf(chi, kept.sum() - 1) > ALARM
    assert {type(stream.two_sided_geometric(epsilon))} == {int}


def test_patients_join_by_independent_coins_and_not_by_shuffled_batches():
    patients, steps, rate = 400, 500, 0.1
    stream = CryptoStream()
    joined = np.zeros((steps, patients), dtype=bool)
    for step in range(steps):
        joined[step, stream.join(patients, rate)] = True
    # Inclusion rate: binomial.
    assert stats.binomtest(int(joined.sum()), joined.size, rate).pvalue > ALARM
    # Dispersion of patients' counts and of batch sizes: chi-square; fixed batches have none.
    for counts, trials in ((joined.sum(0), steps), (joined.sum(1), patients)):
        spread = ((counts - trials * rate) ** 2 / (trials * rate * (1 - rate))).sum()
        low, high = stats.chi2.ppf([ALARM / 2, 1 - ALARM / 2], len(counts))
        assert low < spread < high
    # A patient who joined joins the next step no more and no less often.
    again = int((joined[1:] & joined[:-1]).sum())
    assert stats.binomtest(again, int(joined[:-1].sum()), rate).pvalue > ALARM


def test_the_dispersion_test_would_see_shuffled_batches():
    # Power of the test above: an epoch of 10 batches of 40 has batch sizes without spread.
    sizes = np.full(500, 40)
    spread = ((sizes - 40) ** 2 / (400 * 0.1 * 0.9)).sum()
    assert spread < stats.chi2.ppf(ALARM / 2, 500)


def test_all_and_nobody_join_at_the_edges():
    stream = CryptoStream()
    assert stream.join(1000, 1.0).tolist() == list(range(1000))
    assert stream.join(0, 0.5).tolist() == []
    assert stream.join(1000, 0.0).tolist() == []


def test_the_masking_seed_is_63_bits_and_never_negative():
    seeds = [CryptoStream().seed() for _ in range(64)]
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert len(set(seeds)) == 64
    assert max(seeds) > 2**60  # chance 2^-192 to fail


def test_a_stream_can_be_neither_pickled_nor_copied():
    stream = CryptoStream()
    for attempt in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(stream)
    shared = copy.copy(stream)  # shares the cipher, so it can't repeat a draw
    assert not np.isin(shared.normal(100), stream.normal(100)).any()


def test_the_key_is_nowhere_in_the_stream():
    stream = CryptoStream()
    held = vars(stream)
    assert not any(isinstance(value, bytes) for value in held.values())
    assert "key" not in repr(stream)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_draws_other_noise():
    stream = CryptoStream()
    stream.normal(4)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, stream.normal(32).tobytes())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        theirs = np.frombuffer(pipe.read())
    assert len(theirs) == 32
    assert not np.isin(theirs, stream.normal(32)).any()


def test_no_weak_generator_is_in_the_source_of_noise():
    source = inspect.getsource(noise)
    assert "urandom(32)" in source
    for weak in ("manual_seed", "default_rng", "np.random", "import random", "torch"):
        assert weak not in source
