"""What a copy is worth against a protocol's test patients, as rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.data.records import Records
from dpsynth.evaluation.bias.excess import group_gap
from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.fidelity import METRICS
from dpsynth.evaluation.utility.discrimination import auc, auc_gain
from dpsynth.evaluation.utility.predictions import Predicted, predict
from dpsynth.evaluation.utility.task import Task, task
from dpsynth.schema import Schema

FIDELITY = ("tv1", "tv2", "transition_tv", "c2st_auc")


class Judge:
    """Measures copies against the test patients, who never trained.

    Args:
        books: public code books.
        schema: its label is the task.
        train, test: the parts of the split.
        groups: name and (test patients,) whether each belongs to the group.

    Attributes:
        real: tokens of the training part.
        held: tokens of the test part.
    """

    def __init__(
        self,
        books: Codec,
        schema: Schema,
        train: Records,
        test: Records,
        groups: Mapping[str, np.ndarray],
    ) -> None:
        assert schema.label is not None
        self.books, self.label, self.groups = books, schema.label, groups
        self.real, self.held = books.encode(train), books.encode(test)
        self._train, self._test = train, test
        self._last: tuple[Tokens, Predicted] | None = None

    def overall(self, copy: Tokens) -> list[dict[str, Any]]:
        """All metrics over everyone, each with its interval over test patients."""
        found = {name: METRICS[name].measure(self.held, copy, self.books) for name in FIDELITY}
        found["tstr_auc"] = auc(self.scores(copy))
        return [row(metric, estimate) for metric, estimate in found.items()]

    def by_group(self, copy: Tokens) -> list[dict[str, Any]]:
        """`group_gap` of each group, or `not_assessable` with how many events it has."""
        real, scores = self._trained_on_real, self.scores(copy)
        rows = []
        for name, inside in self.groups.items():
            estimate = group_gap(real, scores, inside)
            events = int(real.y[inside[real.patient]].sum())
            common = {"group": name, "events": events}
            if estimate.assessable:
                rows.append(row("group_gap", estimate) | common)
            else:
                blank = {"metric": "not_assessable", "value": events, "n": estimate.n}
                rows.append(blank | common)
        return rows

    def over_floor(self, copy: Tokens, floor: Tokens) -> dict[str, Any]:
        """AUC trained on the copy minus AUC trained on the floor's, on the same resamples."""
        scores = self.scores(copy)
        return row("auc_over_markov", auc_gain(scores, self.scores(floor)))

    def scores(self, copy: Tokens) -> Predicted:
        """Test patients' scores by a model trained on the copy; the last copy's are kept."""
        if copy is self.real:
            return self._trained_on_real
        if self._last is None or self._last[0] is not copy:
            data: Tokens | Records = copy
            if self._in_values:
                data = self.books.decode(copy, np.random.default_rng(0))
            self._last = copy, predict(task(data, self.books, self.label), self._task)
        return self._last[1]

    @property
    def _in_values(self) -> bool:
        """Whether the label is a threshold, which may lie inside a bin."""
        return self.label.above is not None

    @cached_property
    def _task(self) -> Task:
        return task(self._test if self._in_values else self.held, self.books, self.label)

    @cached_property
    def _trained_on_real(self) -> Predicted:
        data = self._train if self._in_values else self.real
        return predict(task(data, self.books, self.label), self._task)


def row(metric: str, estimate: Estimate) -> dict[str, Any]:
    """The fields of a row that an estimate gives."""
    return {
        "metric": metric,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
    }
