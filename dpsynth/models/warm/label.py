"""A static label given the whole record: a linear classifier out of noisy sums by class."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp, softmax

RIDGE = 1e-3  # keeps weights finite where classes are told apart perfectly
SLACK = 1e-2  # least variance of a direction, for whitening


def whitening(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre and matrix after which generated summaries have about unit covariance.

    In such directions noise of equal strength hides as little as it can of what tells the
    classes apart linearly.

    Shape:
        rows: (patients, summary); return: (summary,), (summary, summary)
    """
    if not rows.shape[1]:
        return np.zeros(0), np.zeros((0, 0))
    centre = rows.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(rows.T).reshape(rows.shape[1], -1))
    return centre, vectors / np.sqrt(np.maximum(values, SLACK))


class LabelModel:
    """p(class | summary), a softmax of linear functions.

    Attributes:
        weights: (classes, directions); bias: (classes,).
    """

    def __init__(self, classes: int, directions: int) -> None:
        self.weights = np.zeros((classes, directions))
        self.bias = np.zeros(classes)

    def fit(self, rows: np.ndarray, prior: np.ndarray, sums: np.ndarray, noise_sd: float) -> None:
        """Maximum entropy: on generated patients, mean summaries by class are as measured.

        What tells a class from the rest is first shrunk by how much of it is noise
        (James-Stein per class); the rest is a convex problem.

        Args:
            rows: (patients, directions) generated summaries, whitened and clipped.
            prior: (classes,) cleaned shares of the classes.
            sums: (classes, directions) noisy sums of real summaries.
            noise_sd: of one cell of `sums`, in patients; with the number of patients that
                `sums` are of divided out, as `sums` are.
        """
        share = np.maximum(prior, 1e-6)
        self.bias = np.log(share)
        if not sums.shape[1]:  # there is nothing but the label
            return
        means = sums / share[:, None]
        apart = means - prior @ means
        noise = (noise_sd / share) ** 2
        signal = np.maximum((apart**2).mean(axis=1) - noise, 0.0)
        apart = apart * (signal / np.maximum(signal + noise, 1e-12))[:, None]
        apart[prior <= 1e-6] = 0.0
        apart -= prior @ apart
        wanted = prior[:, None] * (rows.mean(axis=0) + apart)
        size = self.weights.size

        def cost(flat: np.ndarray) -> tuple[float, np.ndarray]:
            weights, bias = flat[:size].reshape(self.weights.shape), flat[size:]
            logits = rows @ weights.T + bias
            chances = softmax(logits, axis=1)
            value = logsumexp(logits, axis=1).mean() - (weights * wanted).sum() - bias @ prior
            value += RIDGE / 2 * (flat**2).sum()
            slope = np.concatenate(
                [
                    (chances.T @ rows / len(rows) - wanted).ravel(),
                    chances.mean(axis=0) - prior,
                ]
            )
            return float(value), slope + RIDGE * flat

        start = np.concatenate([np.zeros(size), self.bias])
        found = minimize(cost, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
        self.weights, self.bias = found[:size].reshape(self.weights.shape), found[size:]

    def log_chances(self, rows: np.ndarray) -> np.ndarray:
        """(patients, directions) -> (patients, classes)."""
        return log_softmax(rows @ self.weights.T + self.bias, axis=1)
