"""dpmm's MST or AIM on the flat table, with the domain given."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from dpmm.models import mst
from dpmm.models.base.memory import meas_size
from dpmm.pipelines import AIMPipeline, MSTPipeline
from worker import Fitted, Job, work

PIPELINES = {"mst": MSTPipeline, "aim": AIMPipeline}


def fit(job: Job) -> Fitted:
    """The codes go past dpmm's own binning, so that all of epsilon goes to the model."""
    settings = dict(job.settings)
    model = settings.pop("model")
    if "quick" in settings:
        settings["n_iters"] = settings.pop("quick")
        hasten(settings["n_iters"])
    pipeline = PIPELINES[model](
        epsilon=job.epsilon,
        delta=job.delta,
        n_jobs=1,
        disable_processing=True,
        gen_kwargs=settings,
    )
    pipeline.fit(job.tables["flat"], domain=job.domains["flat"], random_state=job.seed)

    def sample() -> dict[str, pd.DataFrame]:
        return {"flat": pipeline.generate(n_records=job.patients, random_state=job.seed + 1)}

    return Fitted(sample=sample, facts={})


def hasten(iterations: int) -> None:
    """Fit MST's models in fewer iterations, and weigh all pairs by arrays.

    dpmm fits single columns for 2,500 iterations, whatever is asked, and then takes a tenth of a
    second for each pair of columns. What is measured, chosen and noised is left as it is: the
    weights are the same numbers, since the model of single columns makes pairs independent.
    """

    class Inference(mst.FactoredInference):  # type: ignore[misc]
        def __init__(self, domain: Any, iters: int, **others: Any) -> None:
            super().__init__(domain, iters=min(iters, iterations), **others)

    @cache
    def column(data: Any, name: str) -> tuple[np.ndarray, int]:
        return data.df[name].to_numpy(dtype=np.int64), data.domain.size((name,))

    @cache
    def share(model: Any, name: str) -> np.ndarray:
        return model.project([name]).datavector()

    def weight(model: Any, data: Any, pair: tuple[str, str]) -> tuple[str, str, float, float]:
        a, b = pair
        (codes_a, size_a), (codes_b, size_b) = column(data, a), column(data, b)
        real = np.bincount(codes_a * size_b + codes_b, minlength=size_a * size_b)
        independent = np.outer(share(model, a), share(model, b)).ravel() / model.total
        return a, b, np.abs(real - independent).sum(), meas_size((size_a, size_b))

    mst.FactoredInference = Inference
    mst.compute_weight = weight


if __name__ == "__main__":
    work(fit)
