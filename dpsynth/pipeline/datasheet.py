"""The datasheet of a release: what is in it and for whom, from public facts and the copy alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from dpsynth.data.codec import Codec
from dpsynth.data.records import Records
from dpsynth.evaluation.bias.groups import groups
from dpsynth.pipeline.about import About
from dpsynth.schema import Column, Schema

SMALL = 50  # synthetic patients of a group below which the sheet warns


@dataclass(frozen=True, kw_only=True)
class ColumnLine:
    """One column as the sheet states it."""

    name: str
    per: str
    kind: str
    values: str
    missing: str
    sensitive: bool


@dataclass(frozen=True, kw_only=True)
class GroupLine:
    """One group of a sensitive attribute, in the copy."""

    name: str
    patients: int
    share: float
    small: bool


def datasheet(
    schema: Schema,
    codec: Codec,
    copy: Records,
    card: Mapping[str, Any],
    about: About,
    *,
    asked: str,
) -> str:
    """The page.

    Guarantee:
        Takes the schema, the card and synthetic records, and no real ones, so that it may be
        shared as the copy may.

    Args:
        schema, codec: public facts.
        copy: what is released.
        card: as it is released.
        about: the steward's words.
        asked: conditions that the copy was made under; empty if none.
    """
    return _template().render(
        schema=schema,
        about=about,
        card=card,
        asked=asked,
        patients=len(copy),
        visits=len(copy.visits),
        columns=_columns(schema, copy),
        groups=_groups(codec, copy),
        small=SMALL,
    )


def _columns(schema: Schema, copy: Records) -> list[ColumnLine]:
    frames = {"patient": copy.static, "visit": copy.visits}
    return [
        ColumnLine(
            name=name,
            per=per,
            kind=f"{column.type.value}{f' ({column.unit})' if column.unit else ''}",
            values=_values(column),
            missing=_missing(frames[per], name, column),
            sensitive=column.sensitive,
        )
        for per in ("patient", "visit")
        for name, column in schema.columns(per).items()
    ]


def _values(column: Column) -> str:
    if column.formula:
        return f"computed: {column.formula}"
    if column.categories:
        return ", ".join(column.categories[:12]) + (", ..." if len(column.categories) > 12 else "")
    if column.bounds:
        return f"{column.bounds[0]:g} to {column.bounds[1]:g}"
    return "found by a charged release" if column.private else ""


def _missing(frame: pd.DataFrame, name: str, column: Column) -> str:
    if not column.missing:
        return "never"
    return f"{frame[name].isna().mean():.1%}" if name in frame and len(frame) else "allowed"


def _groups(codec: Codec, copy: Records) -> list[GroupLine]:
    tokens, found = codec.encode(copy), []
    for parts in groups(tokens, codec).values():
        for group in parts:
            many = int(group.members(tokens, codec).sum())
            share = many / max(len(tokens), 1)
            found.append(GroupLine(name=group.name, patients=many, share=share, small=many < SMALL))
    return found


@cache
def _template() -> Template:
    pages = Environment(
        loader=PackageLoader("dpsynth.pipeline", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template("datasheet.html")
