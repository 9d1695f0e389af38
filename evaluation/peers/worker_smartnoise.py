"""smartnoise-synth's MST or AIM on the flat table, with the categories given."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from snsynth import Synthesizer
from snsynth.mst import mst
from snsynth.transform import LabelTransformer, TableTransformer
from worker import Fitted, Job, work


def fit(job: Job) -> Fitted:
    """Its transformer is fitted to the public categories, so the data's are not read."""
    settings, domain = dict(job.settings), job.domains["flat"]
    quick, mended = settings.pop("quick", False), settings.pop("mended", False)
    if quick or mended:
        hasten(mended)
    most = max(domain.values())
    public = pd.DataFrame({name: np.arange(most) % size for name, size in domain.items()})
    transformer = TableTransformer([LabelTransformer(nullable=False) for _ in domain])
    transformer.fit(public)
    synthesizer = Synthesizer.create(
        settings.pop("model"), epsilon=job.epsilon, delta=job.delta, **settings
    )
    synthesizer.fit(job.tables["flat"], transformer=transformer)
    return Fitted(sample=lambda: {"flat": synthesizer.sample(job.patients)}, facts={})


class Independent:
    """A model of single columns, whose pairs are products: the same numbers at once.

    smartnoise asks its model for each pair of columns, which takes a fifth of a second.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._column = cache(lambda name: np.asarray(model.project([name]).datavector()))

    def project(self, pair: list[str]) -> SimpleNamespace:
        """The pair's table, as far as `datavector`."""
        first, second = (self._column(name) for name in pair)
        table = np.outer(first, second).ravel() / float(self._model.total)
        return SimpleNamespace(datavector=lambda: table)


class Sampled:
    """A model that draws its rows one by one.

    mbi 1.1.0 deals a column's values out to rows in their order, so that two columns that hang
    on the same third rise and fall together, whatever the model says.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def synthetic_data(self, rows: int) -> Any:
        """Rows of the model."""
        return self._model.synthetic_data(rows=rows, method="sample")


def hasten(mended: bool) -> None:
    """Weigh pairs by `Independent`; what is measured, chosen and noised is left as it is."""
    slow: Callable[..., Any] = mst.estimation.mirror_descent

    def mirror_descent(domain: Any, measurements: list[Any], **settings: Any) -> Any:
        model = slow(domain, measurements, **settings)
        if all(len(each.clique) == 1 for each in measurements):
            return Independent(model)
        return Sampled(model) if mended else model

    mst.estimation = SimpleNamespace(mirror_descent=mirror_descent)


if __name__ == "__main__":
    work(fit)
