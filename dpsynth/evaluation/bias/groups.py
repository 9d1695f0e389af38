"""Subgroups of patients by one sensitive attribute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.data.field import MISSING, Field
from dpsynth.evaluation.labels import span

MOST = 6  # codes of an attribute that are groups of their own; more are put together
PARTS = 4  # groups that a finely binned number is put together to


@dataclass(frozen=True)
class Group:
    """Patients whose attribute has one of some codes.

    Attributes:
        attribute: the sensitive column.
        name: for the reader, such as "age 60 to 80".
        codes: codes of the attribute's field.
    """

    attribute: str
    name: str
    codes: tuple[int, ...]

    def members(self, tokens: Tokens, codec: Codec) -> np.ndarray:
        """(patients,) whether each belongs to the group."""
        place = [field.name for field in codec.static].index(self.attribute)
        return np.isin(tokens.static[:, place], self.codes)


def groups(real: Tokens, codec: Codec) -> dict[str, list[Group]]:
    """Groups of each sensitive per-patient attribute, by attribute.

    A category's codes are groups of their own, the rarest of more than MOST together as
    "rest". A number's bins beyond MOST are put together to PARTS neighbouring ranges that
    split the real patients as evenly as bins allow. Missing is a group.
    """
    return {
        field.name: _groups(field, np.bincount(real.static[:, place], minlength=field.size))
        for place, field in enumerate(codec.static)
        if field.column.sensitive
    }


def _groups(field: Field, counts: np.ndarray) -> list[Group]:
    labels, values = field.labels, field.size
    missing: list[Group] = []
    if labels and labels[-1] == MISSING:
        values -= 1
        missing = [Group(field.name, f"{field.name} missing", (values,))]
    parts: list[tuple[str, tuple[int, ...]]]
    if not field.categories:
        parts = _ranges(field, counts[:values])
    elif values <= MOST:
        parts = [(labels[code], (code,)) for code in range(values)]
    else:
        often = np.argsort(-counts[:values], kind="stable")
        parts = [(labels[code], (int(code),)) for code in np.sort(often[: MOST - 1])]
        parts.append(("rest", tuple(sorted(int(code) for code in often[MOST - 1 :]))))
    return [Group(field.name, f"{field.name} {label}", codes) for label, codes in parts] + missing


def _ranges(field: Field, counts: np.ndarray) -> list[tuple[str, tuple[int, ...]]]:
    part = np.arange(len(counts))
    if len(counts) > MOST:
        before = np.concatenate([[0.0], np.cumsum(counts)[:-1]]) + counts / 2
        part = np.minimum((before * PARTS / max(counts.sum(), 1)).astype(int), PARTS - 1)
    atoms = len(field.column.atoms)
    found = []
    for each in np.unique(part):
        codes = tuple(int(code) for code in np.flatnonzero(part == each))
        bins = [code - atoms for code in codes if code >= atoms]
        named = [field.labels[code] for code in codes if code < atoms]
        if bins:
            named.append(span(field, bins[0], bins[-1]))
        found.append((" or ".join(named), codes))
    return found
