"""Questions that are sums of products: how scores go together, with one bound per patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.privacy.scores import Scores

CHUNK = 4096  # patients whose vectors are held at once
UNSAID = np.errstate(all="ignore")  # a warning would tell that such a patient exists


@dataclass(frozen=True, kw_only=True)
class VisitMoments:
    """Second moments of a visit's scores, with the patient's facts and the turn beside them.

    Each patient adds the mean over the visits of u u', where u is (facts, turn, now); a
    patient without visits adds that of (facts, 0, 0).

    Guarantee:
        u is scaled down to length at most `clip`, so u u' has Frobenius norm at most clip^2,
        and so has a mean of such matrices: adding or removing one patient moves the answer by
        at most clip^2 in L2, however many visits there are.

    Attributes:
        scores: public, or released.
        clip: bound on the length of u.
        weight: in a joint release.
    """

    scores: Scores
    clip: float
    weight: float = 1.0

    @property
    def sensitivity(self) -> float:
        """See the guarantee."""
        return self.clip * self.clip

    @UNSAID
    def answer(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """(scores, scores) the exact sum. Private."""
        width = sum(self.scores.widths)
        total = np.zeros((width, width))
        for start in range(0, len(tokens), CHUNK):
            part = tokens.take(np.arange(start, min(start + CHUNK, len(tokens))))
            rows, share = visit_scores(self.scores, part)
            rows = clipped(rows, self.clip)
            total += (rows * share[:, None]).T @ rows
        return total


@dataclass(frozen=True, kw_only=True)
class LagMoments:
    """Products of one visit field's scores with what was last known of all fields before.

    Each patient adds the mean over the visits of a b', where a are the scores of the field
    and b those of the last known codes before the visit, of every field.

    Guarantee:
        a is scaled down to length at most clip[0], b to clip[1], so each a b' has Frobenius
        norm at most their product, and so has the mean: that is how far one patient, added or
        removed, moves the answer in L2.

    Attributes:
        scores: public, or released.
        field: position of the visit field.
        clip: bounds on the lengths of a and b.
        weight: in a joint release.
    """

    scores: Scores
    field: int
    clip: tuple[float, float]
    weight: float = 1.0

    @property
    def sensitivity(self) -> float:
        """See the guarantee."""
        return self.clip[0] * self.clip[1]

    @UNSAID
    def answer(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """(scores of the field, scores of a visit) the exact sum. Private."""
        table = self.scores.visit[self.field]
        total = np.zeros((table.shape[1], self.scores.widths[2]))
        for start in range(0, len(tokens), CHUNK):
            part = tokens.take(np.arange(start, min(start + CHUNK, len(tokens))))
            inside = np.arange(part.visits.shape[1])[None, :] < part.length[:, None]
            share = (inside / np.maximum(part.length, 1)[:, None])[inside]
            now = table[part.visits[inside][:, self.field]]
            before = self.scores.now(self.scores.carried(part)[:, :-1][inside])
            now, before = clipped(now, self.clip[0]), clipped(before, self.clip[1])
            total += (now * share[:, None]).T @ before
        return total


@dataclass(frozen=True, kw_only=True)
class ClassSums:
    """Sums of patients' summaries by the class of a static label.

    Guarantee:
        A patient stands in one class and adds there a vector scaled down to length at most
        `clip`, which is how far one patient, added or removed, moves the answer in L2.

    Attributes:
        scores: public, or released.
        label: position of the static label.
        last: (scores of a visit,) True where a summary holds the last known score, False
            where it holds the mean over the visits.
        centre, whiten: (summary,) and (summary, directions): summaries enter as
            (summary - centre) @ whiten; public, or released.
        clip: bound on the length of a summary.
        weight: in a joint release.
    """

    scores: Scores
    label: int
    last: np.ndarray
    centre: np.ndarray
    whiten: np.ndarray
    clip: float
    weight: float = 1.0

    @property
    def sensitivity(self) -> float:
        """See the guarantee."""
        return self.clip

    @UNSAID
    def answer(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """(classes, directions) the exact sums. Private."""
        total = np.zeros((codec.static[self.label].size, self.whiten.shape[1]))
        for start in range(0, len(tokens), CHUNK):
            part = tokens.take(np.arange(start, min(start + CHUNK, len(tokens))))
            np.add.at(total, part.static[:, self.label].astype(np.int64), self.of(part))
        return total

    def of(self, tokens: Tokens) -> np.ndarray:
        """(patients, directions) summaries, whitened and clipped."""
        raw = summaries(self.scores, tokens, self.last)
        return clipped((raw - self.centre) @ self.whiten, self.clip)


def visit_scores(scores: Scores, tokens: Tokens) -> tuple[np.ndarray, np.ndarray]:
    """(facts, turn, now) of every visit, and its share of its patient.

    Shape:
        return: (visits or patients without any, scores), (rows,)
    """
    inside = np.arange(tokens.visits.shape[1])[None, :] < tokens.length[:, None]
    patient, turn = np.nonzero(inside)
    none = np.flatnonzero(tokens.length == 0)
    facts = scores.facts(tokens.static, tokens.length)
    come = [facts[patient], scores.turn[turn], scores.now(tokens.visits[patient, turn])]
    away = np.zeros((len(none), sum(scores.widths)))
    away[:, : facts.shape[1]] = facts[none]
    share = np.concatenate([1.0 / tokens.length[patient], np.ones(len(none))])
    return np.concatenate([np.concatenate(come, axis=1), away]), share


def summaries(scores: Scores, tokens: Tokens, last: np.ndarray) -> np.ndarray:
    """(patients, scores): facts, and of each visit score the last known or the mean."""
    facts = scores.facts(tokens.static, tokens.length)
    if not tokens.visits.shape[1]:
        return facts
    inside = np.arange(tokens.visits.shape[1])[None, :] < tokens.length[:, None]
    count = np.maximum(tokens.length, 1)[:, None]
    mean = (scores.now(tokens.visits) * inside[..., None]).sum(axis=1) / count
    known = scores.now(scores.carried(tokens)[:, -1])
    return np.concatenate([facts, np.where(last, known, mean)], axis=1)


def clipped(rows: np.ndarray, bound: float) -> np.ndarray:
    """Rows scaled down to length at most `bound`; a row that is not finite becomes zero."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled = rows * (bound / np.maximum(length, bound))
    return np.where(np.isfinite(scaled).all(axis=-1, keepdims=True), scaled, 0.0)
