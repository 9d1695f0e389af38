"""The rows about pictures: likeness, what they teach a classifier, and what they give away."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation import fidelity, leakage, utility
from dpsynth.evaluation.case import Case, Step
from dpsynth.evaluation.estimate import subsample
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.fidelity.picture_manifold import MOST as MOVED
from dpsynth.evaluation.leakage.near_pictures import nearness
from dpsynth.evaluation.leakage.views import flipped_and_shifted
from dpsynth.evaluation.shown import Shown, random_shades, shown, without_detail
from dpsynth.evaluation.steps.likeness import compared
from dpsynth.evaluation.steps.looks import COMPARED, look_rows
from dpsynth.evaluation.utility.pictures import read_pictures, uninformed_reader
from dpsynth.evaluation.utility.predictions import Predicted
from dpsynth.schema import Label


def steps(case: Case) -> Iterator[Step]:
    """Two steps, if there are pictures."""
    if case.codec.picture is not None:
        yield "pictures", lambda: rows(case)
        yield "looks of pictures", lambda: look_rows(case)


def remarks(case: Case) -> list[str]:
    """Caps that took effect."""
    if case.codec.picture is None:
        return []
    found, most = [], max(map(len, (case.train, case.holdout, case.synthetic)))
    if most > COMPARED:
        found.append(f"pictures of {COMPARED:,} patients of a data set are compared, at random")
    if most > MOVED:
        found.append(
            f"neighbourhoods of pictures, and copies that are flipped, shifted or seen by a "
            f"network, are looked for among {MOVED:,} patients of a data set"
        )
    return found


def rows(case: Case) -> list[Row]:
    """All metrics on pictures."""
    label, seed, sides = case.schema.label, case.seed, compared(case)
    three = (sides.holdout.tokens, sides.synthetic.tokens, sides.real.tokens)
    found = likeness_rows(*three, case.codec, label, seed)
    three = (case.train.tokens, case.holdout.tokens, case.synthetic.tokens)
    if label is not None:
        found += reading_rows(readers(case), seed)
    return found + nearness_rows(*three, case.codec, seed, label)


def likeness_rows(
    holdout: Tokens,
    synthetic: Tokens,
    real: Tokens,
    codec: Codec,
    label: Label | None,
    seed: int,
) -> list[Row]:
    """How far pictures are from those of the holdout, beside other real ones and random shades."""
    rng = np.random.default_rng([seed, 6])
    sides = [_some(each, codec, label, rng) for each in (holdout, synthetic, real)]
    sides.append(random_shades(sides[2], rng))
    rows = []
    for name, metric in fidelity.PICTURES.items():
        value, other, control = (metric.measure(sides[0], each, seed=seed) for each in sides[1:])
        rows.append(row(name, "fidelity", metric, value, other, control))
    looks = [each.one_each(rng).pixels for each in sides[:3]]
    looks.append(without_detail(looks[2]))
    for name, looked in fidelity.LOOKS.items():
        value, other, control = (looked.measure(looks[0], each, seed=seed) for each in looks[1:])
        rows.append(row(name, "fidelity", looked, value, other, control))
    return rows


def readers(case: Case) -> tuple[Predicted, Predicted, Predicted]:
    """Of real pictures: a reader trained on the copy's, on real ones, and one that guesses."""
    return case.once("readers", _readers)


def _readers(case: Case) -> tuple[Predicted, Predicted, Predicted]:
    label, rng = case.schema.label, case.rng(7)
    made, real, test = (
        _some(each.tokens, case.codec, label, rng, most=5 * COMPARED)
        for each in (case.synthetic, case.train, case.holdout)
    )
    return read_pictures(made, test), read_pictures(real, test), uninformed_reader(real, test)


def reading_rows(answers: tuple[Predicted, Predicted, Predicted], seed: int) -> list[Row]:
    """What a classifier learns from the copy's pictures, judged on real ones."""
    rows = []
    for name, metric in utility.PICTURES.items():
        value, other, control = (metric.measure(each, seed=seed) for each in answers)
        rows.append(row(name, "utility", metric, value, other, control))
    return rows


def nearness_rows(
    train: Tokens,
    holdout: Tokens,
    synthetic: Tokens,
    codec: Codec,
    seed: int,
    label: Label | None = None,
) -> list[Row]:
    """Whether pictures lie nearer to training pictures than to others.

    Half of the holdout stands for other real patients, the other half for a fresh copy.
    """
    rows = []
    for table, most in (
        (leakage.PICTURES, COMPARED),
        (leakage.SEEN_PICTURES, MOVED),
        (leakage.READERS if label is not None else {}, 5 * COMPARED),
    ):
        copies, members, outsiders = _near(train, holdout, synthetic, codec, label, seed, most)
        for name, metric in table.items():
            three = (metric.measure(each, members, outsiders, seed=seed) for each in copies)
            rows.append(row(name, "leakage", metric, *three))
    copies, members, outsiders = _near(train, holdout, synthetic, codec, label, seed, MOVED)
    rng = np.random.default_rng([seed, 9])
    made = [nearness(each, members, outsiders, flipped_and_shifted, rng) for each in copies]
    for name, moved in leakage.MOVED_PICTURES.items():
        three = (moved.measure(each, seed=seed) for each in made)
        rows.append(row(name, "leakage", moved, *three))
    return rows


def _near(
    train: Tokens,
    holdout: Tokens,
    synthetic: Tokens,
    codec: Codec,
    label: Label | None,
    seed: int,
    most: int,
) -> tuple[list[Shown], Shown, Shown]:
    """The copy, a fresh and a plain one; members; as many outsiders. Each of `most` patients."""
    rng = np.random.default_rng([seed, 8])
    order = rng.permutation(len(holdout))
    same = min(len(train), len(holdout) // 2, most)
    members = shown(train.take(np.sort(rng.permutation(len(train))[:same])), codec, label)
    outsiders = shown(holdout.take(np.sort(order[:same])), codec, label)
    fresh = shown(holdout.take(np.sort(order[same : same + most])), codec, label)
    return [_some(synthetic, codec, label, rng, most), fresh, members], members, outsiders


def _some(
    tokens: Tokens,
    codec: Codec,
    label: Label | None,
    rng: np.random.Generator,
    most: int = COMPARED,
) -> Shown:
    """Pictures of at most so many patients."""
    return shown(tokens.take(subsample(len(tokens), most, rng)), codec, label)
