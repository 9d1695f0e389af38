"""Distances of pictures: worked by hand, blind to nothing that is planted, and bounded in n."""

import numpy as np
import pytest
import torch

from dpsynth.data.phantoms import chest
from dpsynth.evaluation.fidelity import LOOKS, picture_features
from dpsynth.evaluation.fidelity.frechet import FEWEST, distance, frechet
from dpsynth.evaluation.fidelity.kid import discrepancy, kid
from dpsynth.evaluation.fidelity.picture_features import WIDTH, features, trained
from dpsynth.evaluation.jackknife import jackknifed


@pytest.fixture(scope="module", autouse=True)
def quick():
    """A network that learnt less: enough to see, in seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(picture_features, "PATIENTS", 200)
        patch.setattr(picture_features, "STEPS", 60)
        trained.cache_clear()
        yield
    trained.cache_clear()


@pytest.fixture(scope="module")
def chests() -> np.ndarray:
    """One picture of each of 600 patients, none of whom the network saw (another seed)."""
    found = chest(600, seed=77, size=16)
    return found.images[~found.table["patient"].duplicated()]


def test_the_kernel_distance_worked_by_hand():
    # Width 1, k(x, y) = (x y + 1)^3. Real 0, 0: every k is 1. Other 1, 1: k is 8 between
    # others and 1 across: 1 + 8 - 2 = 7.
    real, other = np.zeros((2, 1)), np.ones((2, 1))
    assert discrepancy(real, other) == pytest.approx(7.0)
    # Real 0, 1 and other 0, 1: within k(0, 1) = 1 both; across the mean of 1, 1, 1, 8 is 2.75:
    # 1 + 1 - 5.5 = -3.5, below 0 as an estimate without bias must be at times.
    both = np.array([[0.0], [1.0]])
    assert discrepancy(both, both) == pytest.approx(-3.5)


def test_the_frechet_distance_worked_by_hand():
    # Width 1: (difference of means)^2 + (difference of standard deviations)^2. Means 0 and 3,
    # variances 2 and 8 (n - 1 = 1): 9 + (sqrt 8 - sqrt 2)^2 = 9 + 2 = 11.
    real, other = np.array([[-1.0], [1.0]]), np.array([[1.0], [5.0]])
    assert distance(real, other) == pytest.approx(11.0)
    assert distance(real, real) == pytest.approx(0.0, abs=1e-9)
    # In 32 bits, squares of 10^4 would swallow variances of 2 and 8.
    assert distance(real + 1e4, other + 1e4) == pytest.approx(11.0, rel=1e-6)


def test_the_interval_of_a_mean_is_students():
    # Of a mean, leaving out groups of one size gives the standard error of group means:
    # for standard normals 1 / sqrt n each, so sqrt(2 / 400) of the difference = .071; the
    # half width is t(.975; 19) = 2.09 times that, .148. Over 200 tries its mean is known to 2 %.
    rng, widths, held = np.random.default_rng(3), [], 0
    for _ in range(200):
        one, other = rng.normal(size=(400, 1)), rng.normal(size=(400, 1))
        found = jackknifed(lambda a, b: float(a.mean() - b.mean()), one, other, rng)
        widths.append((found.high - found.low) / 2)
        held += found.low <= 0 <= found.high
    assert np.mean(widths) == pytest.approx(0.148, rel=0.08)
    # At a coverage of 95 %, fewer than 174 of 200 happens once in 10^5 times, and the seed is set.
    assert held >= 174


def test_samples_of_two_sizes_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="must have one size, at least 40"):
        jackknifed(lambda a, b: 0.0, np.zeros((50, 1)), np.zeros((51, 1)), rng)


def test_what_is_planted_is_seen(chests):
    half = len(chests) // 2
    real, other = chests[:half], chests[half:]
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 25, other.shape)
    planted = {
        "dark": (other * 0.7).astype(np.uint8),
        "rough": np.clip(other + noise, 0, 255).astype(np.uint8),
        "one picture": np.repeat(other[:1], half, axis=0),
        "no place": rng.permuted(other.reshape(half, -1), axis=1).reshape(other.shape),
    }
    for name, metric in LOOKS.items():
        alike = metric.measure(real, other)
        assert alike.n == half
        for fault, pictures in planted.items():
            seen = metric.measure(real, pictures)
            assert seen.low > alike.high, (name, fault)
    assert kid(real, other).low < 0.01


def test_too_few_pictures_are_not_assessed(chests):
    few = frechet(chests[: FEWEST - 1], chests[FEWEST:])
    assert not few.assessable
    assert few.note == f"fewer than {FEWEST} pictures, ten for each of {WIDTH} features"
    assert FEWEST == 10 * WIDTH
    assert frechet(chests[:FEWEST], chests[FEWEST:]).assessable
    assert not kid(chests[:39], chests[39:]).assessable
    assert kid(chests[:40], chests[40:]).assessable


def test_both_sides_have_one_size(chests):
    found = kid(chests[:100], chests[100:])
    assert found.n == 100


def test_features_depend_on_the_seed_and_on_nothing_else(chests):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = features(chests[:8])
    trained.cache_clear()
    torch.manual_seed(6)
    np.testing.assert_array_equal(features(chests[:8]), first)
    assert first.dtype == np.float64
    assert np.abs(features(chests[:8], seed=1) - first).max() > 0.1
    # Each picture's features are its own.
    np.testing.assert_allclose(features(chests[3:4]), first[3:4], atol=1e-5)
    torch.manual_seed(5)
    features(chests[:8], seed=2)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (28, 1), (32, 3), (128, 3)])
def test_every_size_a_schema_may_have_has_features(size, channels, monkeypatch):
    monkeypatch.setattr(picture_features, "PATIENTS", 8)
    monkeypatch.setattr(picture_features, "STEPS", 2)
    trained.cache_clear()
    pictures = np.random.default_rng(0).integers(0, 256, (3, size, size, channels))
    assert features(pictures.astype(np.uint8)).shape == (3, WIDTH)
    trained.cache_clear()
