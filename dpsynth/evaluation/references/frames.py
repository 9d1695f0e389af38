"""Tokens as tables of text, as generators of flat tables or of sequences take them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dpsynth.data.codec import PAD, Codec, Tokens

LENGTH, PATIENT = "length", "patient"


def static_names(codec: Codec) -> list[str]:
    """Columns of static fields."""
    return [f"static {i}" for i in range(len(codec.static))]


def visit_names(codec: Codec) -> list[str]:
    """Columns of one visit's fields."""
    return [f"visit {j}" for j in range(len(codec.visit))]


def text(codes: np.ndarray) -> np.ndarray:
    """Codes as text such as "c3", so that nobody takes them for numbers."""
    return np.char.add("c", codes.astype(str)).astype(object)


def codes(cells: np.ndarray) -> np.ndarray:
    """Inverse of `text`."""
    return np.array([int(cell[1:]) for cell in cells.ravel()], dtype=np.int16).reshape(cells.shape)


def flat(tokens: Tokens, codec: Codec) -> pd.DataFrame:
    """One row per patient: statics, the number of visits, and each visit's columns side by side.

    A visit that a patient does not have is a category of its own in each of its columns.
    """
    length = tokens.length[:, None][:, : _counted(codec)]
    wide = tokens.visits.reshape(len(tokens), codec.max_visits * len(codec.visit))
    cells = np.concatenate([tokens.static, length, wide], axis=1)
    return pd.DataFrame(text(cells), columns=_flat_names(codec))


def unflat(frame: pd.DataFrame, codec: Codec, usual: np.ndarray) -> Tokens:
    """Inverse of `flat` on any table with its columns.

    The number of visits rules: cells after it are dropped. A cell before it that says that
    there is no such visit takes what the visit before had, or `usual` in a first visit.

    Args:
        frame: columns of `flat`.
        codec: code books.
        usual: (visit fields,) codes.
    """
    n, width = len(frame), len(codec.static)
    cells = codes(frame[_flat_names(codec)].to_numpy(dtype=object))
    length = np.full(n, codec.max_visits, dtype=np.int16)
    if _counted(codec):
        length, cells = cells[:, width], np.delete(cells, width, axis=1)
    visits = cells[:, width:].reshape(n, codec.max_visits, len(codec.visit))
    before = np.broadcast_to(usual.astype(np.int16), (n, len(codec.visit)))
    for turn in range(codec.max_visits):
        visits[:, turn] = np.where(visits[:, turn] == PAD, before, visits[:, turn])
        before = visits[:, turn]
    visits[np.arange(codec.max_visits)[None, :] >= length[:, None]] = PAD
    return Tokens(static=cells[:, :width], visits=visits, length=length)


def _flat_names(codec: Codec) -> list[str]:
    names = static_names(codec) + [LENGTH] * _counted(codec)
    turns = range(codec.max_visits)
    return names + [f"{name} of {turn}" for turn in turns for name in visit_names(codec)]


def _counted(codec: Codec) -> bool:
    """Whether the number of visits says something."""
    return codec.max_visits > 0 and not codec.regular


def usual_codes(tokens: Tokens, codec: Codec) -> np.ndarray:
    """(visit fields,) the most frequent code of each; 0 without visits."""
    inside = np.arange(codec.max_visits)[None, :] < tokens.length[:, None]
    seen = tokens.visits[inside]
    counts = [np.bincount(seen[:, j], minlength=field.size) for j, field in enumerate(codec.visit)]
    return np.array([each.argmax() for each in counts], dtype=np.int16)


def sequences(tokens: Tokens, codec: Codec) -> pd.DataFrame:
    """One row per visit, with the patient's position and statics on each."""
    patient = np.repeat(np.arange(len(tokens)), tokens.length)
    inside = np.arange(codec.max_visits)[None, :] < tokens.length[:, None]
    frame = pd.DataFrame({PATIENT: patient})
    frame[static_names(codec)] = text(tokens.static[patient])
    frame[visit_names(codec)] = text(tokens.visits[inside])
    return frame


def unsequenced(frame: pd.DataFrame, codec: Codec) -> Tokens:
    """Inverse of `sequences` on any table with its columns; visits past the maximum are cut."""
    turn = frame.groupby(PATIENT, sort=False).cumcount().to_numpy()
    frame, turn = frame[turn < codec.max_visits], turn[turn < codec.max_visits]
    patient, first = pd.factorize(frame[PATIENT])
    n = len(first)
    visits = np.full((n, codec.max_visits, len(codec.visit)), PAD, dtype=np.int16)
    visits[patient, turn] = codes(frame[visit_names(codec)].to_numpy(dtype=object))
    begun = frame[turn == 0]
    return Tokens(
        static=codes(begun[static_names(codec)].to_numpy(dtype=object)),
        visits=visits,
        length=np.bincount(patient, minlength=n).astype(np.int16),
    )
