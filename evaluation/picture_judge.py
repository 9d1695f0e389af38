"""What a copy of labelled pictures is worth: models trained on it, tested on real pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from picture_nets import classes, cnn, logistic

from dpsynth.evaluation.bias.excess import group_gap
from dpsynth.evaluation.estimate import patient_weights, weighted_auc
from dpsynth.evaluation.fidelity import LOOKS
from dpsynth.evaluation.shown import Shown
from dpsynth.evaluation.utility.predictions import Predicted

RESAMPLES = 500


class PictureJudge:
    """Measures copies against real pictures that nobody trained on.

    Intervals are over patients of the test part, all pictures of one together.

    Args:
        real: the training part.
        held: the test part.
        groups: name and (test patients,) whether each belongs to the group.
        by_class: whether classes are told apart too, with rows for each of them.
    """

    def __init__(
        self, real: Shown, held: Shown, groups: Mapping[str, np.ndarray], by_class: bool
    ) -> None:
        self.real, self.held, self.groups, self.by_class = real, held, groups, by_class
        self._scores: dict[int, np.ndarray] = {}  # of the network trained on real pictures

    def worth(self, copy: Shown, seed: int) -> list[dict[str, Any]]:
        """What models learn from a copy, or from the training part itself.

        The threshold of the balanced accuracy is the share of positives in the copy: it is
        taken from the copy alone.

        Args:
            copy: pictures that models are trained on.
            seed: of the network and of the resamples.
        """
        held, weights = self.held, self._weights(seed)
        network = cnn(copy.pixels, copy.positive, held.pixels, seed)
        scores = {"logistic": logistic(copy.pixels, copy.positive, held.pixels), "cnn": network}
        found = []
        for name, (train, test) in scores.items():
            found.append(_row(f"tstr_auc_{name}", weighted_auc(held.positive, test, weights)))
            called = test > np.quantile(train, 1 - copy.positive.mean())
            found.append(
                _row(f"tstr_balanced_accuracy_{name}", _recalls(held.positive, called, weights))
            )
        for row in found:
            row["n"] = len(held)
        if copy is self.real:
            self._scores[seed] = network[1]
        elif self.groups:
            found += self._by_group(network[1], seed)
        return found + (self._by_class(copy, seed, weights) if self.by_class else [])

    def distances(self, copy: Shown, seed: int) -> list[dict[str, Any]]:
        """How far the copy's pictures are from the held ones: over all, and for each class.

        Of the training part itself it is what other real patients are away, at the same n.

        Args:
            copy: pictures, of which one of each patient is taken.
            seed: of which, and of the intervals.
        """
        pair = [each.one_each(np.random.default_rng(seed)) for each in (self.held, copy)]
        parts: list[tuple[dict[str, Any], list[np.ndarray]]] = [
            ({}, [each.pixels for each in pair])
        ]
        for code, name in enumerate(self.held.classes):
            parts.append(({"group": name}, [each.pixels[each.code == code] for each in pair]))
        rows = []
        for group, (real, other) in parts:
            for name, metric in LOOKS.items():
                found = metric.measure(real, other, seed=seed)
                if found.assessable:
                    measured = {"value": found.value, "low": found.low, "high": found.high}
                    rows.append({"metric": name, "n": found.n} | measured | group)
        return rows

    def _weights(self, seed: int) -> np.ndarray:
        """(RESAMPLES + 1, pictures): once as they are, then of resampled patients."""
        drawn = patient_weights(self.held.patients, RESAMPLES, np.random.default_rng(seed))
        return drawn[:, self.held.patient]

    def _by_group(self, scores: np.ndarray, seed: int) -> list[dict[str, Any]]:
        """`group_gap` of the network for each group, or `not_assessable` with its events."""
        if seed not in self._scores:
            real = self.real
            self._scores[seed] = cnn(real.pixels, real.positive, self.held.pixels, seed)[1]
        real, synthetic = self._predicted(self._scores[seed]), self._predicted(scores)
        rows = []
        for name, inside in self.groups.items():
            gap = group_gap(real, synthetic, inside, seed=seed)
            events = int(self.held.positive[inside[self.held.patient]].sum())
            common = {"group": name, "events": events, "n": gap.n}
            if gap.assessable:
                measured = {"value": gap.value, "low": gap.low, "high": gap.high}
                rows.append({"metric": "group_gap"} | measured | common)
            else:
                rows.append({"metric": "not_assessable", "value": events} | common)
        return rows

    def _predicted(self, scores: np.ndarray) -> Predicted:
        return Predicted(
            y=self.held.positive,
            score=scores,
            patient=self.held.patient,
            patients=self.held.patients,
            threshold=0.0,
        )

    def _by_class(self, copy: Shown, seed: int, weights: np.ndarray) -> list[dict[str, Any]]:
        """How well a network that tells all classes apart finds each of them."""
        held = self.held
        said = classes(copy.pixels, copy.code, held.pixels, len(held.classes), seed)
        guess = said.argmax(axis=1)
        mean = _recalls(held.code, guess, weights)
        rows = [_row("class_recall_mean", mean) | {"n": len(held)}]
        for code, name in enumerate(held.classes):
            here = held.code == code
            if not here.any():
                continue
            few = {"group": name, "n": len(np.unique(held.patient[here]))}
            auc = weighted_auc(here, _against_others(said, code), weights)
            recall = _recalls(np.where(here, 1, -1), guess == code, weights)
            rows += [_row("class_auc", auc) | few, _row("class_recall", recall) | few]
        return rows


def _recalls(truth: np.ndarray, said: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(resamples,) mean over the classes in `truth`, but -1, of the share that is found."""
    each = []
    for code in np.unique(truth[truth >= 0]):
        here = truth == code
        with np.errstate(invalid="ignore"):  # a resample without the class
            each.append((weights[:, here] * (said[here] == code)).sum(1) / weights[:, here].sum(1))
    return np.mean(each, axis=0)


def _against_others(said: np.ndarray, code: int) -> np.ndarray:
    """(pictures,) log odds of one class; ties where the copy lacks it."""
    others = np.logaddexp.reduce(np.delete(said, code, axis=1), axis=1)
    return np.nan_to_num(said[:, code] - others, neginf=-1e9)


def _row(metric: str, values: np.ndarray) -> dict[str, Any]:
    """Value and interval of replicates whose first is the data's own."""
    low, high = np.nanquantile(values[1:], [0.025, 0.975])
    return {"metric": metric, "value": float(values[0]), "low": float(low), "high": float(high)}
