"""Questions that are sums of products: how scores go together, with one bound per patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.privacy.scores import Scores, looked_up

CHUNK = 4096  # patients whose vectors are held at once
UNSAID = np.errstate(all="ignore")  # a warning would tell that such a patient exists


@dataclass(frozen=True, kw_only=True)
class VisitMoments:
    """Second moments of a visit's scores, with the patient's facts and the turn beside them.

    Each patient adds the mean over the visits of u u', where u is (facts, turn, now), each
    score times its scale; a patient without visits adds that of (facts, 0, 0).

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
            rows = clipped(rows * self.scores.scale, self.clip)
            total += (rows * share[:, None]).T @ rows
        return total


@dataclass(frozen=True, kw_only=True)
class LabelMoments:
    """Products of one visit field's scores with what is known when it is drawn.

    Each patient adds the mean over the visits of a z', where a are the scores of the field
    and z is `known` of the visit, in directions that were chosen before.

    Guarantee:
        a is scaled down to length at most clip[0], z to clip[1], so each a z' has Frobenius
        norm at most their product, and so has the mean: that is how far one patient, added or
        removed, moves the answer in L2.

    Attributes:
        scores: public, or released.
        field: position of the visit field.
        centre, whiten: (known,) and (known, directions): what is known enters as
            (known - centre) @ whiten; public, or released.
        clip: bounds on the lengths of a and z.
        weight: in a joint release.
    """

    scores: Scores
    field: int
    centre: np.ndarray
    whiten: np.ndarray
    clip: tuple[float, float]
    weight: float = 1.0

    @property
    def sensitivity(self) -> float:
        """See the guarantee."""
        return self.clip[0] * self.clip[1]

    @UNSAID
    def answer(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """(scores of the field, directions) the exact sum. Private."""
        table = self.scores.visit[self.field]
        total = np.zeros((table.shape[1], self.whiten.shape[1]))
        for start in range(0, len(tokens), CHUNK):
            part = tokens.take(np.arange(start, min(start + CHUNK, len(tokens))))
            patient, turn = np.nonzero(part.inside)
            now = clipped(table[part.visits[patient, turn, self.field]], self.clip[0])
            share = 1.0 / part.length[patient]
            total += (now * share[:, None]).T @ self.of(part, patient, turn)
        return total

    def of(self, tokens: Tokens, patient: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """(rows, directions) what is known of those patients then, whitened and clipped."""
        rows = known(self.scores, self.field, tokens, patient, turn)
        return clipped((rows - self.centre) @ self.whiten, self.clip[1])


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
    place = scores.places(tokens.length[patient], turn)
    come = [facts[patient], place, scores.now(tokens.visits[patient, turn])]
    away = np.zeros((len(none), sum(scores.widths)))
    away[:, : facts.shape[1]] = facts[none]
    share = np.concatenate([1.0 / tokens.length[patient], np.ones(len(none))])
    return np.concatenate([np.concatenate(come, axis=1), away]), share


def known(
    scores: Scores, field: int, tokens: Tokens, patient: np.ndarray, turn: np.ndarray
) -> np.ndarray:
    """What is known of patients at a visit, but for one field of it.

    Facts, the turn, the visit's other fields, whether it is the first visit and, where it is
    not, the field's scores in the visit before, and what was last known of the other fields.

    Shape:
        patient, turn: (rows,); return: (rows, scores)
    """
    facts = scores.facts(tokens.static[patient], tokens.length[patient])
    place = scores.places(tokens.length[patient], turn)
    others = tuple(table if j != field else table[:, :0] for j, table in enumerate(scores.visit))
    now = looked_up(others, tokens.visits[patient, turn])
    first = (turn == 0).astype(float)[:, None]
    own = scores.visit[field][np.maximum(tokens.visits[patient, turn - 1, field], 0)]
    before = looked_up(others, scores.carried(tokens)[patient, turn])
    parts = [facts, place, now, first, own * (1 - first), before * (1 - first)]
    return np.concatenate(parts, axis=1)


def known_scale(scores: Scores, field: int, before: float) -> np.ndarray:
    """(scores,) scales of what `known` gives; what was known before counts by that much."""
    facts, turns, _ = scores.widths
    ends = np.cumsum([facts + turns, *(table.shape[1] for table in scores.visit)])
    parts = np.split(scores.scale, ends[:-1])
    others = np.concatenate([part[:0] if j == field else part for j, part in enumerate(parts[1:])])
    return np.concatenate([parts[0], others, [1.0], parts[1 + field], before * others])


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
