"""A label among visits: what was measured of it comes back, and noise is not taken for it."""

import numpy as np
import pytest
from few_columns import ABC, DIED, PAIN, fitted, patients, schema

from dpsynth.data.codec import Tokens, codec
from dpsynth.models.warm.visit_label import VisitLabel, directions, products
from dpsynth.privacy.moments import known

SEEN = schema({}, {"drug": ABC, "pain": PAIN, "died": DIED}, "died")
BOOK = codec(SEEN)
DIED_AT = 2


def world(turn: int, now: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Died follows the drug of the same visit (.05, .3, .8); pain says nothing."""
    drug = rng.choice(3, p=[0.6, 0.3, 0.1], size=len(now))
    died = rng.random(len(now)) < np.array([0.05, 0.3, 0.8])[drug]
    return np.stack([drug, rng.integers(0, 5, len(now)), died], axis=1)


def risks(tokens: Tokens) -> np.ndarray:
    """How often each drug's visits have the label."""
    rows = tokens.visits[tokens.inside]
    return np.array([rows[rows[:, 0] == drug, DIED_AT].mean() for drug in range(3)])


def test_the_labels_law_comes_back(tmp_path):
    truth = patients(BOOK, 8000, 0, world)
    made = fitted(SEEN, truth, tmp_path).sample(8000, np.random.default_rng(0))
    # What is known of a visit is cut to a length, above all where codes are rare.
    np.testing.assert_allclose(risks(made)[:2], risks(truth)[:2], atol=0.05)
    np.testing.assert_allclose(risks(made)[2], risks(truth)[2], atol=0.2)
    assert np.ptp(risks(truth)) > 0.6  # a control: some law there is


def test_directions_have_the_variance_of_their_scales(tmp_path):
    model = fitted(SEEN, patients(BOOK, 4000, 0, world), tmp_path)
    scores, made = model._chain.scores, model.sample(4000, np.random.default_rng(0))
    centre, whiten = directions(scores, DIED_AT, made)
    patient, turn = np.nonzero(made.inside)
    rows = (known(scores, DIED_AT, made, patient, turn) - centre) @ whiten
    share = 1.0 / made.length[patient]
    share = share / share.sum()
    covariance = (rows * share[:, None]).T @ rows
    length = products(scores, DIED_AT, centre, whiten).clip[1]
    assert np.trace(covariance) == pytest.approx(length**2, rel=0.05)
    apart = covariance - np.diag(np.diag(covariance))
    assert np.abs(apart).max() < 0.02


def blank(folder) -> tuple[VisitLabel, Tokens]:
    model = fitted(SEEN, patients(BOOK, 3000, 0, world), folder)
    made = model.sample(3000, np.random.default_rng(1))
    fresh = directions(model._chain.scores, DIED_AT, made)
    return VisitLabel.blank(products(model._chain.scores, DIED_AT, *fresh)), made


def test_noise_alone_leaves_no_tilt(tmp_path):
    label, made = blank(tmp_path)
    noise = 0.05 * np.random.default_rng(0).normal(size=label.weights.shape)
    patient, turn = np.nonzero(made.inside)
    even, prior = np.zeros((len(patient), 2)), np.array([0.7, 0.3])
    tilts = []
    for assumed in (0.05, 1e-6):  # the control: noise that is taken for signal
        label = VisitLabel.blank(label.asked)
        label.fit(made, even, prior, noise, assumed)
        spread = label.tilt(made, patient, turn) - label.bias
        tilts.append(float(np.ptp(spread, axis=1).std()))
    assert tilts[0] < 0.1 * tilts[1]


def test_the_labels_share_is_the_one_asked_for(tmp_path):
    label, made = blank(tmp_path)
    patient, turn = np.nonzero(made.inside)
    label.fit(made, np.zeros((len(patient), 2)), np.array([0.9, 0.1]), 0 * label.weights, 0.01)
    logits = label.tilt(made, patient, turn)
    share = np.exp(logits[:, 1]) / np.exp(logits).sum(axis=1)
    weight = 1.0 / made.length[patient]
    assert share @ weight / weight.sum() == pytest.approx(0.1, abs=0.01)


def test_saved_and_taken_up_it_says_the_same(tmp_path):
    label, made = blank(tmp_path)
    label.weights[:] = 0.3
    again = VisitLabel.of(label.asked.scores, DIED_AT, label.arrays())
    where = np.nonzero(made.inside)
    np.testing.assert_array_equal(again.tilt(made, *where), label.tilt(made, *where))
