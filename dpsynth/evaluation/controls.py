"""What a value is held against besides real data: structure taken away on purpose."""

from __future__ import annotations

import numpy as np

from dpsynth.data.codec import GAP, PAD, Codec, Tokens


def independent_columns(tokens: Tokens, rng: np.random.Generator) -> Tokens:
    """The same columns, each shuffled on its own across patients.

    Every margin stays (static columns, each visit column at each position, lengths); all
    relations between columns and over time go. At position t a visit column is shuffled
    among the patients who have a visit t.
    """
    static, visits = tokens.static.copy(), tokens.visits.copy()
    for place in range(static.shape[1]):
        static[:, place] = rng.permutation(static[:, place])
    for turn in range(visits.shape[1]):
        here = np.flatnonzero(tokens.length > turn)
        for place in range(visits.shape[2]):
            visits[here, turn, place] = visits[rng.permutation(here), turn, place]
    return Tokens(static=static, visits=visits, length=tokens.length)


def most_frequent(tokens: Tokens) -> Tokens:
    """As many patients and visits, each column at its most frequent code all over."""
    static, visits = tokens.static.copy(), tokens.visits.copy()
    for place in range(static.shape[1] if len(tokens) else 0):
        static[:, place] = np.bincount(static[:, place]).argmax()
    inside = tokens.inside
    for place in range(visits.shape[2] if inside.any() else 0):
        codes = visits[..., place]  # a view
        codes[inside] = np.bincount(codes[inside]).argmax()
    return Tokens(static=static, visits=visits, length=tokens.length)


def schema_guess(codec: Codec, patients: int, grid: bool, rng: np.random.Generator) -> Tokens:
    """What someone would write who knows the schema only: every code equally likely.

    The number of visits is uniform on 1..max_visits, or always max_visits on a grid.
    """
    most = codec.max_visits
    static = np.zeros((patients, len(codec.static)), dtype=np.int16)
    visits = np.full((patients, most, len(codec.visit)), PAD, dtype=np.int16)
    length = np.full(patients, most, dtype=np.int16)
    if most and not grid:
        length = rng.integers(1, most + 1, patients).astype(np.int16)
    for place, each in enumerate(codec.static):
        static[:, place] = rng.integers(0, each.size, patients)
    inside = np.arange(most)[None, :] < length[:, None]
    for place, each in enumerate(codec.visit):
        drawn = rng.integers(0, each.size, (patients, most))
        if each.name == GAP and most:
            drawn[:, 0] = 0
        visits[..., place] = np.where(inside, drawn, PAD)
    return Tokens(static=static, visits=visits, length=length)
