"""Tokens as the tables that peers take, and back. Every cell is a code of a public book."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from dpsynth.data.codec import PAD, Codec, Tokens
from dpsynth.data.field import Field

KEY = "patient"
COUNT = "visits"

Frames = dict[str, pd.DataFrame]
Domains = dict[str, dict[str, int]]


def flat(tokens: Tokens, books: Codec) -> tuple[Frames, Domains]:
    """One table "flat", one row per patient: static columns, then v0_..., v1_... of each visit.

    Where patients differ in their number of visits, it is a column of its own, and a visit that
    is not there has one code more than its column otherwise.
    """
    static, visit = _names(books.static), _names(books.visit)
    frame = pd.DataFrame(tokens.static, columns=static)
    domain = {name: book.size for name, book in zip(static, books.static, strict=True)}
    if not books.regular:
        frame[COUNT] = tokens.length
        domain[COUNT] = books.max_visits + 1
    wide = {}
    for turn in range(books.max_visits):
        for place, (name, book) in enumerate(zip(visit, books.visit, strict=True)):
            codes = tokens.visits[:, turn, place]
            wide[f"v{turn}_{name}"] = np.where(codes == PAD, book.size, codes)
            domain[f"v{turn}_{name}"] = book.size + (not books.regular)
    return {"flat": pd.concat([frame, pd.DataFrame(wide)], axis=1)}, {"flat": domain}


def from_flat(frames: Frames, books: Codec, rng: np.random.Generator) -> tuple[Tokens, float]:
    """Tokens of such a table, and the share of cells that `_repaired` had to fill."""
    frame = _numbers(frames["flat"])
    n = len(frame)
    length = np.full(n, books.max_visits)
    if not books.regular:
        length = np.nan_to_num(frame[COUNT].to_numpy()).clip(0, books.max_visits).astype(int)
    visit = _names(books.visit)
    visits = np.full((n, books.max_visits, len(visit)), np.nan)
    for turn in range(books.max_visits):
        for place, name in enumerate(visit):
            visits[:, turn, place] = frame[f"v{turn}_{name}"]
    return _tokens(frame[_names(books.static)].to_numpy(), visits, length, books, rng)


def sequences(tokens: Tokens, books: Codec) -> tuple[Frames, Domains]:
    """Tables "subjects" and "visits", joined by "patient"; a patient's visits in order."""
    static, visit = _names(books.static), _names(books.visit)
    subjects = pd.DataFrame(tokens.static, columns=static)
    subjects.insert(0, KEY, range(len(tokens)))
    there = np.arange(books.max_visits)[None, :] < tokens.length[:, None]
    visits = pd.DataFrame(tokens.visits[there], columns=visit)
    visits.insert(0, KEY, np.nonzero(there)[0])
    domains = {
        "subjects": {name: book.size for name, book in zip(static, books.static, strict=True)},
        "visits": {name: book.size for name, book in zip(visit, books.visit, strict=True)},
    }
    return {"subjects": subjects, "visits": visits}, domains


def from_sequences(frames: Frames, books: Codec, rng: np.random.Generator) -> tuple[Tokens, float]:
    """Tokens of such tables; visits after the public maximum are cut."""
    subjects, visits = frames["subjects"], frames["visits"]
    n = len(subjects)
    patient = pd.Index(subjects[KEY].astype(str)).get_indexer(pd.Index(visits[KEY].astype(str)))
    if (patient < 0).any():
        raise ValueError("visits of patients who are not among the subjects")
    turn = pd.Series(patient).groupby(patient).cumcount().to_numpy()
    kept = turn < books.max_visits
    cells = np.full((n, books.max_visits, len(books.visit)), np.nan)
    codes = _numbers(visits[_names(books.visit)]).to_numpy()
    cells[patient[kept], turn[kept]] = codes[kept]
    length = np.bincount(patient[kept], minlength=n)
    if books.regular:
        length = np.full(n, books.max_visits)
    static = _numbers(subjects[_names(books.static)]).to_numpy()
    return _tokens(static, cells, length, books, rng)


def _tokens(
    static: np.ndarray,
    visits: np.ndarray,
    length: np.ndarray,
    books: Codec,
    rng: np.random.Generator,
) -> tuple[Tokens, float]:
    there = np.arange(books.max_visits)[None, :] < length[:, None]
    out_static = np.zeros(static.shape, dtype=np.int16)
    out_visits = np.full(visits.shape, PAD, dtype=np.int16)
    repaired = cells = 0
    for place, book in enumerate(books.static):
        out_static[:, place], count = _repaired(static[:, place], book, rng)
        repaired, cells = repaired + count, cells + len(static)
    for place, book in enumerate(books.visit):
        out_visits[there, place], count = _repaired(visits[there, place], book, rng)
        repaired, cells = repaired + count, cells + int(there.sum())
    made = Tokens(static=out_static, visits=out_visits, length=length.astype(np.int16))
    return made, repaired / max(cells, 1)


def _repaired(codes: np.ndarray, book: Field, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """What is no code of the book becomes missing, or is drawn from the column's other cells."""
    good = np.isfinite(codes) & (codes >= 0) & (codes < book.size)
    fixed = np.where(good, codes, 0).astype(np.int16)
    bad = int((~good).sum())
    if book.column.missing:
        fixed[~good] = book.size - 1
    elif bad:
        fixed[~good] = rng.choice(fixed[good] if good.any() else np.arange(book.size), bad)
    return fixed, bad


def _names(books: Iterable[Field]) -> list[str]:
    """Column names that every peer bears, told apart by their place."""
    return [f"{place}_{re.sub(r'[^A-Za-z0-9]', '', b.name)}" for place, b in enumerate(books)]


def _numbers(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.apply(pd.to_numeric, errors="coerce").astype(float)
