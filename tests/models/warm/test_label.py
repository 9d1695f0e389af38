"""A label given the record: a linear classifier out of sums by class."""

import numpy as np
import pytest
from scipy.special import log_softmax

from dpsynth.models.warm.label import LabelModel, whitening


def world(rows: int, classes: int, seed: int, strength: float = 1.0):
    """Summaries, labels that follow a softmax of them, and its mean log-likelihood."""
    rng = np.random.default_rng(seed)
    seen = rng.normal(size=(rows, 4))
    logits = strength * seen @ rng.normal(size=(4, classes)) + np.arange(classes) * 0.5
    label = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return seen, label, log_softmax(logits, axis=1)[np.arange(rows), label].mean()


def summed(seen: np.ndarray, label: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the classes, and sums by class as a share of all."""
    one = np.eye(classes)[label]
    return one.mean(axis=0), one.T @ seen / len(seen)


def test_whitened_summaries_have_unit_covariance():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(5000, 3)) @ rng.normal(size=(3, 3)) + [1.0, 5.0, -2.0]
    centre, whiten = whitening(rows)
    turned = (rows - centre) @ whiten
    np.testing.assert_allclose(turned.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.cov(turned.T), np.eye(3), atol=1e-6)


def test_a_direction_without_variance_is_not_blown_up():
    rows = np.column_stack([np.random.default_rng(0).normal(size=500), np.ones(500)])
    _, whiten = whitening(rows)
    assert np.abs(whiten).max() <= 10.0 + 1e-9  # 1 / sqrt of the least variance
    assert whitening(np.zeros((50, 1)))[1].shape == (1, 1)
    assert whitening(np.zeros((50, 0)))[1].shape == (0, 0)


@pytest.mark.parametrize("classes", [2, 4])
def test_without_noise_the_classifier_is_that_of_the_world(classes):
    fresh, told, truth = world(20_000, classes, 1)
    prior, sums = summed(fresh, told, classes)
    model = LabelModel(classes, 4)
    model.fit(fresh, prior, sums, 0.0)
    chances = np.exp(model.log_chances(fresh))
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    # Maximum entropy: shares and means by class are those that were measured.
    np.testing.assert_allclose(chances.mean(axis=0), prior, atol=3e-3)
    np.testing.assert_allclose(chances.T @ fresh / len(fresh), sums, atol=1e-2)
    # And it tells classes about as well as the truth does.
    ours = np.log(chances[np.arange(len(told)), told]).mean()
    assert ours > truth - 0.01
    assert ours > np.log(prior)[told].mean() + 0.2


def test_sums_of_noise_alone_tell_nothing():
    # Cells' noise as large as the signal of a perfect summary: only shares are left.
    rng = np.random.default_rng(2)
    seen, *_ = world(4000, 3, 3)
    prior, model = np.array([0.2, 0.3, 0.5]), LabelModel(3, 4)
    found = []
    for _ in range(20):
        model.fit(seen, prior, 0.3 * rng.normal(size=(3, 4)), 0.3)
        found.append(np.abs(np.exp(model.log_chances(seen)) - prior).mean())
    # Shrunk towards nothing, though James-Stein leaves something of noise above its mean.
    loose = LabelModel(3, 4)
    loose.fit(seen, prior, 0.3 * rng.normal(size=(3, 4)), 0.0)
    assert np.median(found) < 0.5 * np.abs(np.exp(loose.log_chances(seen)) - prior).mean()


@pytest.mark.parametrize("noise", [0.0, 1e-3, 1e6])
def test_a_class_that_nobody_has_breaks_nothing(noise):
    seen, *_ = world(500, 2, 4)
    sums = np.zeros((3, 4)) + noise * np.random.default_rng(5).normal(size=(3, 4))
    model = LabelModel(3, 4)
    model.fit(seen, np.array([1.0, 0.0, 0.0]), sums, noise)
    chances = model.log_chances(seen)
    assert np.isfinite(chances).all()
    assert np.exp(chances)[:, 0].min() > 0.9


def test_a_record_that_says_nothing_leaves_the_shares():
    model = LabelModel(2, 0)
    model.fit(np.zeros((100, 0)), np.array([0.3, 0.7]), np.zeros((2, 0)), 0.1)
    np.testing.assert_allclose(np.exp(model.log_chances(np.zeros((1, 0)))), [[0.3, 0.7]], atol=1e-2)
