"""The rows about what our own network sees: where pictures lie, how varied, and class by class."""

from __future__ import annotations

from dataclasses import dataclass

from dpsynth.evaluation import bias, fidelity
from dpsynth.evaluation.case import Case
from dpsynth.evaluation.estimate import not_assessable, subsample
from dpsynth.evaluation.evaluation import Row, row
from dpsynth.evaluation.fidelity.kid import FEWEST
from dpsynth.evaluation.fidelity.picture_manifold import picture_neighbourhoods
from dpsynth.evaluation.fidelity.seen import Seen, seen
from dpsynth.evaluation.shown import class_means, random_shades, shown
from dpsynth.evaluation.steps.likeness import compared

COMPARED = 2_000  # patients of a data set, at most


@dataclass(frozen=True, kw_only=True)
class Looks:
    """What the network sees in each set, one picture of each patient."""

    holdout: Seen
    synthetic: Seen
    real: Seen
    controls: dict[str, Seen]


def look_rows(case: Case) -> list[Row]:
    """All metrics on features."""
    looks = case.once("looks", _looks)
    return [*manifold_rows(looks, case.seed), *variety_rows(looks, case.seed), *class_rows(case)]


def manifold_rows(looks: Looks, seed: int) -> list[Row]:
    """Whether pictures lie among real ones, and everywhere among them."""
    sets = {"copy": looks.synthetic, "real": looks.real, **looks.controls}
    made = {
        name: picture_neighbourhoods(looks.holdout, each, seed=seed) for name, each in sets.items()
    }
    rows = []
    for name, metric in fidelity.MANIFOLD.items():
        three = (metric.measure(made[each]) for each in ("copy", "real", metric.control))
        rows.append(row(name, "fidelity", metric, *three))
    return rows


def variety_rows(looks: Looks, seed: int) -> list[Row]:
    """How varied pictures of a class are."""
    rows = []
    for name, metric in fidelity.VARIETY.items():
        others = (looks.synthetic, looks.real, looks.controls[metric.control])
        three = (metric.measure(looks.holdout, each, seed=seed) for each in others)
        rows.append(row(name, "fidelity", metric, *three))
    return rows


def class_rows(case: Case) -> list[Row]:
    """How far the pictures of each class are from those of the holdout; none of one class.

    Pictures of the other classes stand for a copy that shows the wrong thing.
    """
    looks, label = case.once("looks", _looks), case.schema.label
    real, rows = looks.holdout, []
    if label is None or len(real.classes) < 2:
        return []
    for code, name in enumerate(real.classes):
        known = looks.real.features[(looks.real.code != code) & (looks.real.code >= 0)]
        others = (looks.synthetic.of(code), looks.real.of(code), known)
        few = len(real.of(code)) < FEWEST
        why = not_assessable(f"fewer than {FEWEST} real patients held out", len(real.of(code)))
        for metric_name, metric in bias.CLASSES.items():
            three = [
                why if few else metric.measure(real.of(code), each, seed=case.seed)
                for each in others
            ]
            group = name if label.column in name else f"{label.column} {name}"
            rows.append(row(metric_name, "bias", metric, *three, group=group))
    return rows


def _looks(case: Case) -> Looks:
    sides, rng, label = compared(case), case.rng(61), case.schema.label
    pictures = [
        shown(each.tokens.take(subsample(len(each), COMPARED, rng)), case.codec, label)
        for each in (sides.holdout, sides.synthetic, sides.real)
    ]
    real = pictures[2]
    controls = {
        fidelity.RANDOM_SHADES: random_shades(real, rng),
        fidelity.CLASS_MEANS: class_means(real),
    }
    holdout, synthetic, other = (seen(each, rng) for each in pictures)
    return Looks(
        holdout=holdout,
        synthetic=synthetic,
        real=other,
        controls={name: seen(each, rng) for name, each in controls.items()},
    )
