"""SDV's PAR on visits, with each patient's static columns as context. No privacy."""

from __future__ import annotations

import pandas as pd
from sdv.metadata import Metadata
from sdv.sequential import PARSynthesizer
from worker import Fitted, Job, work

KEY = "patient"
TABLE = "visits"


def fit(job: Job) -> Fitted:
    """`patients` among the settings trains on the first ones only."""
    settings = dict(job.settings)
    subjects = job.tables["subjects"].head(settings.pop("patients", None))
    static = list(job.domains["subjects"])
    both = job.tables["visits"].merge(subjects, on=KEY)
    columns = static + list(job.domains["visits"])
    both[columns] = both[columns].astype(str)
    categorical = {name: {"sdtype": "categorical"} for name in columns}
    metadata = Metadata.load_from_dict(
        {"tables": {TABLE: {"columns": {KEY: {"sdtype": "id"}} | categorical, "sequence_key": KEY}}}
    )
    model = PARSynthesizer(
        metadata, context_columns=static, enforce_min_max_values=True, **settings
    )
    model.fit({TABLE: both})

    def sample() -> dict[str, pd.DataFrame]:
        made = model.sample_sequences(job.patients, sequence_length=job.visits)[TABLE]
        return {
            "subjects": made.drop_duplicates(KEY)[[KEY, *static]],
            "visits": made.drop(columns=static),
        }

    return Fitted(sample=sample, facts={})


if __name__ == "__main__":
    work(fit)
