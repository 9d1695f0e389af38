"""mostlyai-engine with DP-SGD: subjects, then their sequences; or the flat table."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from mostlyai.engine import TabularARGN
from mostlyai.engine.domain import DifferentialPrivacyConfig
from worker import Fitted, Job, work

CATEGORICAL = "TABULAR_CATEGORICAL"
SUBJECTS = 0.2  # of epsilon, delta and time, for the subjects; sequences have the rest
TIME = 0.6  # of the limit, for training
KEY = "patient"


def fit(job: Job) -> Fitted:
    """The engine takes two models for records: composition adds up what they spend."""
    if "flat" in job.tables:
        flat = trained(job, "flat", 1.0)
        return Fitted(
            sample=lambda: {"flat": flat.sample(n_samples=job.patients)},
            facts={"spent_epsilon": spent(flat)},
        )
    subjects = trained(job, "subjects", SUBJECTS, tgt_primary_key=KEY)
    visits = trained(
        job,
        "visits",
        1 - SUBJECTS,
        tgt_context_key=KEY,
        ctx_data=text(job, "subjects"),
        ctx_primary_key=KEY,
        ctx_encoding_types=dict.fromkeys(job.domains["subjects"], CATEGORICAL),
    )

    def sample() -> dict[str, pd.DataFrame]:
        made = subjects.sample(n_samples=job.patients)
        made[KEY] = [f"s{place}" for place in range(len(made))]
        return {"subjects": made, "visits": visits.sample(ctx_data=made)}

    return Fitted(sample=sample, facts={"spent_epsilon": spent(subjects) + spent(visits)})


def trained(job: Job, name: str, share: float, **keys: Any) -> TabularARGN:
    """A model of one table. Codes are public, so their protection, and its cost, is left out."""
    assert job.epsilon is not None
    model = TabularARGN(
        value_protection=False,
        differential_privacy=DifferentialPrivacyConfig(
            max_epsilon=share * job.epsilon, delta=share * job.delta
        ),
        tgt_encoding_types=dict.fromkeys(job.domains[name], CATEGORICAL),
        max_training_time=clock_s(share * TIME * job.limit_s) / 60,
        random_state=job.seed,
        device="cpu",
        workspace_dir=job.folder / name,
        **keys,
        **job.settings,
    )
    return model.fit(text(job, name))


def clock_s(processor_s: float) -> float:
    """How long that much work takes on the clock, which the engine goes by, as busy as we are."""
    clock, used = time.perf_counter(), time.process_time()
    while time.process_time() < used + 1:
        pass
    return processor_s * (time.perf_counter() - clock)


def text(job: Job, name: str) -> pd.DataFrame:
    """A table with codes and keys as text, as the engine takes categories."""
    return job.tables[name].astype(str)


def spent(model: TabularARGN) -> float:
    """The epsilon that the engine states for the weights that it kept."""
    path = model.workspace_dir / "ModelStore/model-data/progress-messages.csv"
    messages = pd.read_csv(path)
    return float(messages.loc[messages["is_checkpoint"] == 1, "dp_eps"].iloc[-1])


if __name__ == "__main__":
    work(fit)
