"""A report that may leave the house with the copy: no real record is looked at for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dpsynth.data.codec import Codec
from dpsynth.data.records import Records
from dpsynth.data.rules import broken
from dpsynth.evaluation.absent import completed
from dpsynth.evaluation.charts import (
    Bars,
    Heat,
    Sample,
    column_bars,
    sample_patients,
    transition_heats,
    visit_bars,
)
from dpsynth.evaluation.drawings import copied
from dpsynth.evaluation.evaluation import plain
from dpsynth.evaluation.figures import Figures
from dpsynth.evaluation.labels import flattened, text
from dpsynth.evaluation.leakage.claimed import implied
from dpsynth.evaluation.left_out import LeftOut, left_out
from dpsynth.evaluation.page import filled, write_figures
from dpsynth.evaluation.report import NOT_CHECKED, SCHEMA_URL, as_json, claim_facts
from dpsynth.evaluation.series.correlations import correlations
from dpsynth.evaluation.series.gallery import gallery
from dpsynth.evaluation.series.trajectories import trajectories
from dpsynth.schema import Schema

SAYS = (
    "Made from the copy, its schema and its privacy card alone: no real record was looked at, so "
    "it tells nothing that these do not tell. Whoever may have the copy may have this report."
)


@dataclass(frozen=True, kw_only=True)
class Broken:
    """One rule of the schema, and how much of the copy breaks it."""

    rule: str
    patients: int


@dataclass(frozen=True, kw_only=True)
class Shareable:
    """What can be said of a copy without looking at a real record.

    Guarantee:
        A function of the copy, the schema and the seed: whatever guarantee the copy has, it has
        too (post-processing), at no cost.

    Attributes:
        name, unit: of the schema.
        synthetic: number of patients in the copy.
        rules: of the schema, and patients of the copy that break them.
        columns, visits, transitions, sample, figures: of the copy alone.
        seed: of what is drawn.
    """

    name: str
    unit: str
    synthetic: int
    rules: tuple[Broken, ...]
    columns: tuple[Bars, ...]
    visits: Bars | None
    transitions: tuple[Heat, ...]
    sample: tuple[Sample, ...]
    figures: Figures
    seed: int


def shareable(synthetic: Records, schema: Schema, codec: Codec, *, seed: int = 0) -> Shareable:
    """Count the copy.

    Args:
        synthetic: the copy; columns it lacks are taken as missing.
        schema: public facts.
        codec: code books that were not read from real records.
        seed: of what is drawn.
    """
    whole = completed(synthetic, codec)
    tokens = codec.encode(whole)
    label, rng = schema.label, np.random.default_rng(seed)
    return Shareable(
        name=schema.name,
        unit=schema.unit,
        synthetic=len(whole),
        rules=tuple(
            Broken(rule=rule, patients=int(who.sum()))
            for rule, who in broken(whole, schema).items()
        ),
        columns=column_bars(None, tokens, codec),
        visits=visit_bars(None, tokens, codec),
        transitions=transition_heats(None, tokens, codec),
        sample=sample_patients(synthetic),
        figures=Figures(
            trajectories=trajectories(None, whole, schema, rng),
            correlations=correlations(None, tokens, codec),
            pictures=()
            if codec.picture is None
            else gallery(None, tokens, codec, label, np.random.default_rng([seed, 1])),
        ),
        seed=seed,
    )


def write_shareable(
    found: Shareable,
    folder: Path,
    *,
    title: str,
    privacy: Mapping[str, Any] | None = None,
    card_check: str = NOT_CHECKED,
    figures: bool = False,
) -> list[Path]:
    """Write `report.html` and `report.json`; equal inputs give equal bytes, without a date.

    Args:
        found: what was counted.
        folder: where to; made if missing.
        title: of the page.
        privacy: the copy's privacy card, if there is one.
        card_check: how far it is known that the card is of this copy, in words.
        figures: whether to write every figure as a file too.

    Returns:
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page, data, claim = folder / "report.html", folder / "report.json", implied(privacy)
    missing = left_out()
    sections = copied(found.columns, found.visits, found.transitions, found.figures)
    facts = {
        "schema": SCHEMA_URL,
        "title": title,
        "kind": "shareable",
        "shareable": SAYS,
        "privacy": plain(dict(privacy)) if privacy else None,
        "card_check": card_check if privacy else None,
        "claim": None if claim is None else claim_facts(claim),
        **plain(dataclasses.asdict(found)),
        "left_out": [dataclasses.asdict(each) for each in missing],
    }
    text_ = filled(
        "shareable.html",
        s=found,
        title=title,
        says=SAYS,
        claim=claim,
        privacy=[(name, text(value)) for name, value in flattened(privacy or {})],
        card_check=card_check,
        unchecked=card_check == NOT_CHECKED,
        left_out=_by_family(missing),
        sections=sections,
    )
    page.write_text(text_, encoding="utf-8")
    data.write_text(as_json(facts), encoding="utf-8")
    return [page, data, *(write_figures(sections, folder) if figures else [])]


def _by_family(missing: tuple[LeftOut, ...]) -> dict[str, list[LeftOut]]:
    found: dict[str, list[LeftOut]] = {}
    for each in missing:
        found.setdefault(each.family or "and besides", []).append(each)
    return found
