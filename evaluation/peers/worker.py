"""What the workers share: the job comes in a folder, the synthetic tables go into it.

Runs in a peer's environment: only the standard library and pandas, nothing of dpsynth.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Job:
    """One peer's task.

    Attributes:
        folder: of the job; scratch space too.
        epsilon: to spend, or None for a peer without privacy.
        delta: to spend.
        seed: for what of the peer can be seeded.
        patients: how many to generate.
        visits: visits of every patient, or None where their number differs.
        limit_s: seconds of processor time until the worker is killed.
        settings: of the peer.
        domains: number of codes of each column of each table; public.
        tables: real codes, 0 to that number less one. "flat": one row per patient; or
            "subjects" (with their key "patient") and "visits" (with "patient", in order).
    """

    folder: Path
    epsilon: float | None
    delta: float
    seed: int
    patients: int
    visits: int | None
    limit_s: float
    settings: dict[str, Any]
    domains: dict[str, dict[str, int]]
    tables: dict[str, pd.DataFrame]


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A trained peer.

    Attributes:
        sample: gives the synthetic tables, named as the real ones.
        facts: what the peer says about itself, such as the epsilon that it has spent.
    """

    sample: Callable[[], dict[str, pd.DataFrame]]
    facts: dict[str, float]


def work(fit: Callable[[Job], Fitted]) -> None:
    """Do the job in the folder that the command line names; times are of the processor."""
    folder = Path(sys.argv[1])
    stated = json.loads((folder / "job.json").read_text())
    tables = {name: pd.read_csv(folder / f"real_{name}.csv") for name in stated["domains"]}
    job = Job(tables=tables, **stated | {"folder": folder})
    random.seed(job.seed)
    np.random.seed(job.seed)  # noqa: NPY002 (what the peers draw from)
    began = time.process_time()
    fitted = fit(job)
    trained = time.process_time()
    for name, table in fitted.sample().items():
        table.to_csv(folder / f"synthetic_{name}.csv", index=False)
    times = {"train_s": trained - began, "generate_s": time.process_time() - trained}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    done = times | {"peak_gb": peak} | fitted.facts
    (folder / "done.json").write_text(json.dumps(done))
