"""smartnoise-synth's MST or AIM on the flat table, with the categories given."""

from __future__ import annotations

import numpy as np
import pandas as pd
from snsynth import Synthesizer
from snsynth.transform import LabelTransformer, TableTransformer
from worker import Fitted, Job, work


def fit(job: Job) -> Fitted:
    """Its transformer is fitted to the public categories, so the data's are not read."""
    settings, domain = dict(job.settings), job.domains["flat"]
    most = max(domain.values())
    public = pd.DataFrame({name: np.arange(most) % size for name, size in domain.items()})
    transformer = TableTransformer([LabelTransformer(nullable=False) for _ in domain])
    transformer.fit(public)
    synthesizer = Synthesizer.create(
        settings.pop("model"), epsilon=job.epsilon, delta=job.delta, **settings
    )
    synthesizer.fit(job.tables["flat"], transformer=transformer)
    return Fitted(sample=lambda: {"flat": synthesizer.sample(job.patients)}, facts={})


if __name__ == "__main__":
    work(fit)
