"""Patients as tokens, worked by hand, drawn at random, or chosen to strain a bound."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from dpsynth.data.codec import PAD, Codec, Tokens
from dpsynth.data.field import Field
from dpsynth.privacy.scores import Scores
from dpsynth.schema import Column

VISITS, SEX, PAIN, DRUG = 4, 2, 4, 3
MISSING = PAIN - 1  # the last code of pain
Patient = tuple[int, Sequence[tuple[int, int]]]  # sex, then (pain, drug) of each visit


def _named(name: str, size: int, missing: bool) -> Field:
    categories = tuple("abcdef"[: size - missing])
    column = Column(type="category", categories=categories, missing=missing)
    return Field(name=name, column=column, categories=categories)


CODEC = Codec(
    static=(_named("sex", SEX, False),),
    visit=(_named("pain", PAIN, True), _named("drug", DRUG, False)),
    max_visits=VISITS,
)


def tokens_of(patients: Sequence[Patient]) -> Tokens:
    visits = np.full((len(patients), VISITS, 2), PAD, dtype=np.int16)
    for place, (_, rows) in enumerate(patients):
        visits[place, : len(rows)] = np.array(rows, dtype=np.int16).reshape(-1, 2)
    return Tokens(
        static=np.array([[sex] for sex, _ in patients], dtype=np.int16).reshape(-1, 1),
        visits=visits,
        length=np.array([len(rows) for _, rows in patients], dtype=np.int16),
    )


def random_patients(count: int, seed: int) -> list[Patient]:
    rng = np.random.default_rng(seed)
    return [
        (
            int(rng.integers(SEX)),
            [(int(rng.integers(PAIN)), int(rng.integers(DRUG))) for _ in range(length)],
        )
        for length in rng.integers(0, VISITS + 1, count)
    ]


def extreme_patients() -> list[Patient]:
    """Everybody without visits, with visits all alike, or with two kinds in turn."""
    found: list[Patient] = []
    cells = list(itertools.product(range(PAIN), range(DRUG)))
    for sex in range(SEX):
        found.append((sex, []))
        for length, one in itertools.product(range(1, VISITS + 1), cells):
            found.append((sex, [one] * length))
        for one, other in itertools.permutations(cells, 2):
            found.append((sex, [one, other] * (VISITS // 2)))
    return found


def scores_of(seed: int, scale: float = 1.0) -> Scores:
    """Look-up tables drawn at random, two scores wide for pain and one for the rest."""
    rng = np.random.default_rng(seed)
    return Scores(
        static=(rng.normal(size=(SEX, 1)) * scale, rng.normal(size=(VISITS + 1, 1)) * scale),
        turn=rng.normal(size=(VISITS + 1, VISITS, 1)) * scale,
        visit=(rng.normal(size=(PAIN, 2)) * scale, rng.normal(size=(DRUG, 1)) * scale),
        blank=(MISSING, -1),
        counted=True,
        scale=rng.uniform(0.2, 1.0, 6),
    )


def moved_by(question, patients: Tokens) -> np.ndarray:
    """(patients,) by how much each of them alone moves the answer, in L2."""
    alone = (question.answer(patients.take(np.array([i])), CODEC) for i in range(len(patients)))
    return np.array([np.linalg.norm(each) for each in alone])
