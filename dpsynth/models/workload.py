"""Which tables a warm start asks for: chosen from the schema alone."""

from __future__ import annotations

from dpsynth.data.codec import Codec
from dpsynth.privacy.query import Query, Slot
from dpsynth.schema import Schema


def anchor(schema: Schema, codec: Codec) -> int | None:
    """Position of the per-patient label, on which everything else is conditioned."""
    names = [each.name for each in codec.static]
    label = schema.label.column if schema.label else None
    return names.index(label) if label in names else None


def markov_workload(codec: Codec, given: int | None) -> list[Query]:
    """Tables of independent Markov chains per column, given the anchor.

    The anchor; each static column, the number of visits and each column's first value given
    it; each column's transitions given it, pooled over time.
    """
    head = () if given is None else (Slot("static", given),)
    tables: list[tuple[Slot, ...]]
    tables = [(Slot("length"),)] if codec.max_visits and not codec.regular else []
    tables += [(Slot("static", i),) for i in range(len(codec.static)) if i != given]
    for j in range(len(codec.visit)):
        tables.append((Slot("first", j),))
        if codec.max_visits > 1:
            tables.append((Slot("now", j), Slot("next", j)))
    asked = [Query((*head, *slots)) for slots in tables]
    return asked or [Query(head)]
