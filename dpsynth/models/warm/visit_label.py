"""A label among the visits, given what is known at its visit: a tilt out of noisy moments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from dpsynth.data.codec import Tokens
from dpsynth.models.warm.label import RIDGE, SLACK
from dpsynth.models.warm.shrinkage import believed
from dpsynth.privacy.moments import LabelMoments, clipped, known, known_scale
from dpsynth.privacy.scores import Scores

BEFORE = 0.25  # what was known before a visit, against what is known at it
TINY = 1e-9  # least noise of a moment
ARRAYS = ("centre", "whiten", "weights", "bias")


@dataclass(kw_only=True)
class VisitLabel:
    """Logs that are added to a label's own table of transitions.

    Attributes:
        asked: the question that it is fitted to, with the directions.
        weights: (scores of the label, directions).
        bias: (codes,).
    """

    asked: LabelMoments
    weights: np.ndarray
    bias: np.ndarray

    @classmethod
    def blank(cls, asked: LabelMoments) -> VisitLabel:
        """No tilt."""
        table = asked.scores.visit[asked.field]
        return cls(
            asked=asked,
            weights=np.zeros((table.shape[1], asked.whiten.shape[1])),
            bias=np.zeros(len(table)),
        )

    @classmethod
    def of(cls, scores: Scores, field: int, arrays: Mapping[str, np.ndarray]) -> VisitLabel:
        """Inverse of `arrays`."""
        asked = products(scores, field, arrays["centre"], arrays["whiten"])
        return cls(asked=asked, weights=arrays["weights"], bias=arrays["bias"])

    @property
    def field(self) -> int:
        """Position of the label among the visit columns."""
        return self.asked.field

    def tilt(self, made: Tokens, patient: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """(rows, codes) at those patients' visits."""
        return self.asked.of(made, patient, turn) @ self.weights.T @ self._table.T + self.bias

    def fit(
        self, made: Tokens, own: np.ndarray, prior: np.ndarray, found: np.ndarray, noise_sd: float
    ) -> None:
        """Maximum entropy: mean products of label and directions are as measured.

        Mean products are first drawn towards independence by what noise explains of them; the
        rest is a convex problem.

        Args:
            made: generated patients.
            own: (visits, codes) logits of the label by its own tables.
            prior: (codes,) cleaned shares of the label's codes, each patient with weight 1.
            found: (scores, directions) noisy mean products in real patients.
            noise_sd: of one cell of `found`.
        """
        patient, turn = np.nonzero(made.inside)
        rows, table = self.asked.of(made, patient, turn), self._table
        if not len(rows):
            return
        share = 1.0 / made.length[patient]
        share = share / share.sum()
        alone = np.outer(prior @ table, share @ rows)
        wanted = alone + self._shrunk(found - alone, noise_sd)
        size = self.weights.size

        def cost(flat: np.ndarray) -> tuple[float, np.ndarray]:
            weights, bias = flat[:size].reshape(self.weights.shape), flat[size:]
            logits = own + rows @ weights.T @ table.T + bias
            chances = softmax(logits, axis=1) * share[:, None]
            value = share @ logsumexp(logits, axis=1) - (weights * wanted).sum() - bias @ prior
            value += RIDGE / 2 * (flat**2).sum()
            slope = np.concatenate(
                [((chances @ table).T @ rows - wanted).ravel(), chances.sum(axis=0) - prior]
            )
            return float(value), slope + RIDGE * flat

        start = np.concatenate([self.weights.ravel(), self.bias])
        best = minimize(cost, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
        self.weights, self.bias = best[:size].reshape(self.weights.shape), best[size:]

    def _shrunk(self, apart: np.ndarray, noise_sd: float) -> np.ndarray:
        """(scores, directions) departures from independence, less what is likely noise.

        Directions are close to columns, few of which tell much of a label; a departure over
        its direction's scale is a correlation.
        """
        scale = known_scale(self.asked.scores, self.field, BEFORE)
        sd = np.maximum(noise_sd, TINY) / scale
        rows = [believed(row / scale, sd) * scale for row in apart]
        return np.array(rows).reshape(apart.shape)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was learnt, by name."""
        held = (self.asked.centre, self.asked.whiten, self.weights, self.bias)
        return dict(zip(ARRAYS, held, strict=True))

    @property
    def _table(self) -> np.ndarray:
        return clipped(self.asked.scores.visit[self.asked.field], self.asked.clip[0])


def products(scores: Scores, field: int, centre: np.ndarray, whiten: np.ndarray) -> LabelMoments:
    """What is asked of a label, in those directions."""
    longest = np.linalg.norm(scores.visit[field], axis=1).max(initial=1.0)
    length = np.linalg.norm(known_scale(scores, field, BEFORE))
    return LabelMoments(
        scores=scores, field=field, centre=centre, whiten=whiten,
        clip=(float(longest), max(float(length), 1.0)),
    )  # fmt: skip


def directions(scores: Scores, field: int, made: Tokens) -> tuple[np.ndarray, np.ndarray]:
    """Centre and symmetric whitening of what generated visits know, times its scales.

    In such directions noise of equal strength hides as little as it can; of all of them the
    symmetric ones are the closest to the columns themselves (Kessy et al. 2018, ZCA).

    Shape:
        return: (known,), (known, known)
    """
    patient, turn = np.nonzero(made.inside)
    rows, share = known(scores, field, made, patient, turn), 1.0 / made.length[patient]
    scale = known_scale(scores, field, BEFORE)
    if not rows.size:
        return np.zeros(rows.shape[1]), np.diag(scale)
    share = share / share.sum()
    centre = share @ rows
    apart = rows - centre
    values, vectors = np.linalg.eigh((apart * share[:, None]).T @ apart)
    return centre, (vectors / np.sqrt(np.maximum(values, SLACK))) @ vectors.T * scale
