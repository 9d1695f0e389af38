"""ROC and calibration curves of models, and ROC curves of attacks."""

from __future__ import annotations

import numpy as np

from dpsynth.evaluation import leakage
from dpsynth.evaluation.case import Case
from dpsynth.evaluation.estimate import REPLICATES, bootstrap_estimate, patient_weights
from dpsynth.evaluation.figures import Line, Plot, Role
from dpsynth.evaluation.leakage.membership import height
from dpsynth.evaluation.steps.leaks import distances
from dpsynth.evaluation.steps.pictures import readers
from dpsynth.evaluation.steps.prediction import predictions
from dpsynth.evaluation.utility.predictions import Predicted

RATES = tuple(round(float(each), 4) for each in np.linspace(0, 1, 51))
DECADES = 4  # of false accusations, at most
BINS = 10  # of predicted chances, equally full
LEAST = 30  # samples in each

BY_COPY, BY_REAL = "trained on the copy", "trained on real patients"
CLAIMED = {"nearest": "nearest record", "ratio": "with other patients at hand"}


def plots(case: Case) -> tuple[Plot, ...]:
    """All that the data have room for."""
    found: list[Plot | None] = []
    if case.schema.label is not None:
        found += _of_models(predictions(case)[:2], "", "Ranking real patients")
        if case.codec.picture is not None:
            found += _of_models(readers(case)[:2], "picture_", "Reading real pictures")
    return tuple(each for each in (*found, membership(case)) if each is not None)


def _of_models(
    made: tuple[Predicted, ...], name: str, title: str
) -> tuple[Plot | None, Plot | None]:
    from_copy, from_real = made
    return (
        roc(from_copy, from_real, name=f"{name}roc", title=f"{title}: ROC curves"),
        calibration(from_copy, from_real, name=f"{name}calibration", title=f"{title}: calibration"),
    )


def roc(from_copy: Predicted, from_real: Predicted, *, name: str, title: str) -> Plot | None:
    """How many real cases a model finds for each share of non-cases called cases.

    Args:
        from_copy, from_real: predictions of two models for the same real samples.
        name, title: of the plot.

    Returns:
        None where the holdout has one class; a model that means nothing has no curve.
    """
    y = from_real.y
    if not y.any() or y.all():
        return None
    lines = [
        Line(name=label, role=role, x=RATES, y=_heights(each.score[y], each.score[~y], RATES))
        for each, label, role in _sides(from_copy, from_real)
        if not each.note
    ]
    return Plot(
        name=name,
        kind="roc",
        title=title,
        across="non-cases called cases",
        up="cases found",
        log=False,
        lines=(*lines, Line(name="chance", role="control", x=(0.0, 1.0), y=(0.0, 1.0))),
    )


def calibration(
    from_copy: Predicted, from_real: Predicted, *, name: str, title: str
) -> Plot | None:
    """What happened to those who were given about the same chance.

    Samples are split by their predicted chance in BINS bins, equally full; equal chances stay
    together. Intervals are of a bootstrap over patients.

    Args:
        from_copy, from_real: predictions of two models for the same real samples.
        name, title: of the plot.

    Returns:
        None where no model means anything or samples are fewer than LEAST.
    """
    lines = [
        _reliability(each, label, role)
        for each, label, role in _sides(from_copy, from_real)
        if not each.note and len(each.y) >= LEAST
    ]
    if not lines:
        return None
    return Plot(
        name=name,
        kind="calibration",
        title=title,
        across="predicted chance",
        up="observed share",
        log=False,
        lines=(*lines, Line(name="right on average", role="control", x=(0.0, 1.0), y=(0.0, 1.0))),
    )


def _sides(copy: Predicted, real: Predicted) -> tuple[tuple[Predicted, str, Role], ...]:
    return (copy, BY_COPY, "copy"), (real, BY_REAL, "real")


def _reliability(made: Predicted, label: str, role: Role) -> Line:
    bins = min(BINS, len(made.y) // LEAST)
    cuts = np.quantile(made.score, np.linspace(0, 1, bins + 1)[1:-1])
    place = np.searchsorted(np.unique(cuts), made.score, side="right")
    weights = patient_weights(made.patients, REPLICATES, np.random.default_rng(0))
    weights = weights[:, made.patient]
    points = []
    for each in np.unique(place):
        here = place == each
        total = weights[:, here].sum(axis=1)
        values = weights[:, here] @ made.y[here] / np.where(total > 0, total, np.nan)
        share = bootstrap_estimate(values, int(here.sum()), (0.0, 1.0))
        points.append((float(made.score[here].mean()), share))
    return Line(
        name=label,
        role=role,
        x=tuple(x for x, _ in points),
        y=tuple(share.value for _, share in points),
        low=tuple(share.low for _, share in points),
        high=tuple(share.high for _, share in points),
        n=tuple(share.n for _, share in points),
    )


def membership(case: Case) -> Plot | None:
    """How many members each attack recognises for each share of outsiders accused.

    Both axes are logarithmic: an attack is to be feared for whom it recognises surely.

    Reference: Carlini et al., Membership inference attacks from first principles, S&P 2022.
    """
    by_copy, by_fresh, _ = distances(case)
    outsiders = int((~by_copy.member).sum())
    if by_copy.note or by_copy.member.all() or outsiders < 10:
        return None
    few = max(1 / outsiders, 10.0**-DECADES)
    rates = tuple(float(each) for each in np.geomspace(few, 1, 41))
    made = [
        (leakage.ATTACKS[name](by_copy), f"attack, {how}", "copy") for name, how in CLAIMED.items()
    ]
    made.append((leakage.ATTACKS["nearest"](by_fresh), "fresh patients in its place", "real"))
    lines = [
        Line(
            name=name,
            role=role,  # type: ignore[arg-type]
            x=rates,
            y=_heights(each.score[each.member], each.score[~each.member], rates),
        )
        for each, name, role in made
    ]
    return Plot(
        name="membership",
        kind="membership",
        title="Recognising who was trained on: ROC curves, logarithmic",
        across="outsiders accused",
        up="members recognised",
        log=True,
        lines=(*lines, Line(name="chance", role="control", x=(few, 1.0), y=(few, 1.0))),
    )


def _heights(
    inside: np.ndarray, outside: np.ndarray, rates: tuple[float, ...]
) -> tuple[float, ...]:
    """Of the ROC curve at those rates; ties are joined by straight lines."""
    falling = np.sort(outside)[::-1]
    return tuple(height(inside, falling, rate) for rate in rates)
