"""A patient's record as rows of zeros and ones, so that gradients can pass through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dpsynth.data.codec import Codec, Tokens


class Codes(NamedTuple):
    """Records as whole numbers.

    Shape:
        static: (rows, static fields)
        visits: (rows, max_visits, visit fields); 0 after the last visit
        inside: (rows, max_visits), 1.0 at visits that took place, else 0.0
    """

    static: Tensor
    visits: Tensor
    inside: Tensor


class Record(NamedTuple):
    """Records as shares of each code: one-hot where real, or drawn with gradients.

    Shape:
        static: (rows, sum of static sizes)
        visits: (rows, max_visits, sum of visit sizes); zeros after the last visit
        inside: (rows, max_visits), 1.0 at visits that took place, else 0.0
    """

    static: Tensor
    visits: Tensor
    inside: Tensor


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Which fields a record has. Public.

    Attributes:
        static: codes of each static field; the number of visits is the last, where it varies,
            and a record without static fields has one that is always 0.
        visit: codes of each visit field.
        max_visits: longest record.
        facts: static fields of the code book, which come first.
    """

    static: tuple[int, ...]
    visit: tuple[int, ...]
    max_visits: int
    facts: int

    @classmethod
    def of(cls, codec: Codec) -> Layout:
        """For that code book."""
        static = [field.size for field in codec.static]
        if codec.max_visits and not codec.regular:
            static.append(codec.max_visits + 1)
        return cls(
            static=tuple(static or [1]),
            visit=tuple(field.size for field in codec.visit),
            max_visits=codec.max_visits,
            facts=len(codec.static),
        )

    def codes(self, static: Tensor, visits: Tensor, length: Tensor) -> Codes:
        """Of tokens: static (rows, facts), visits (rows, L, V) padded with -1, length (rows,)."""
        if len(self.static) > self.facts:
            static = torch.cat([static, length[:, None].clamp(max=self.static[-1] - 1)], 1)
        turns = torch.arange(self.max_visits, device=length.device)
        inside = (turns < length[:, None]).float()
        return Codes(static, visits.clamp(min=0), inside)

    def codes_of(self, tokens: Tokens, device: torch.device) -> Codes:
        """Of a table of tokens."""
        arrays = (tokens.static, tokens.visits, tokens.length)
        return self.codes(*(torch.from_numpy(a.astype(np.int64)).to(device) for a in arrays))

    def static_codes(self, record: Sequence[Tensor], place: int) -> Tensor:
        """(rows,) codes of one static field of a `Record`."""
        start = sum(self.static[:place])
        return record[0][:, start : start + self.static[place]].argmax(1)

    def record(self, codes: Codes) -> Record:
        """One-hot."""
        visits = onehot(codes.visits, self.visit) * codes.inside[..., None]
        return Record(onehot(codes.static, self.static), visits, codes.inside)


def onehot(codes: Tensor, sizes: Sequence[int]) -> Tensor:
    """(..., fields) codes -> (..., sum of sizes) zeros and ones."""
    ends = torch.tensor(sizes, dtype=torch.long, device=codes.device).cumsum(0)
    starts = functional.pad(ends, (1, 0))[:-1]
    rows = torch.zeros(*codes.shape[:-1], sum(sizes), device=codes.device)
    return rows.scatter(-1, codes + starts, 1.0)
