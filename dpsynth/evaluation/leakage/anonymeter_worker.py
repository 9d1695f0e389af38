"""Run by the Python of another environment, which has anonymeter: never imported by dpsynth.

    python anonymeter_worker.py FOLDER

FOLDER holds `job.json` and one CSV file of flat patients for each of members, outsiders and the
copies to be judged; `risks.json` is written there.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anonymeter.evaluators import (
    InferenceEvaluator,
    LinkabilityEvaluator,
    SinglingOutEvaluator,
)

ATTEMPTS = 20_000  # queries that singling out tries, at most
COLUMNS = 4  # of a query


def main(folder: Path) -> None:
    """Judge every copy of the job."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    warnings.simplefilter("ignore")  # that an attack is no better than guessing is what we hope
    frames = {
        name: _read(folder / f"{name}.csv", job["numbers"])
        for name in ("members", "outsiders", *job["copies"])
    }
    # The library draws from numpy's global generator.
    np.random.seed(job["seed"])  # noqa: NPY002
    found = {name: _risks(frames, name, job) for name in job["copies"]}
    (folder / "risks.json").write_text(json.dumps(found), encoding="utf-8")


def _read(path: Path, numbers: list[str]) -> pd.DataFrame:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name in numbers:
        frame[name] = pd.to_numeric(frame[name])  # an empty cell is NaN
    return frame


def _risks(frames: dict[str, pd.DataFrame], name: str, job: dict[str, Any]) -> dict[str, Any]:
    """The three risks that one copy brings to the members, beside the outsiders."""
    ori, control, syn = (frames[each] for each in ("members", "outsiders", name))
    attacks = min(job["attacks"], len(ori), len(control), len(syn))
    sides = {"ori": ori, "syn": syn, "control": control, "n_attacks": attacks}
    columns = min(COLUMNS, ori.shape[1])
    out = SinglingOutEvaluator(
        **sides, n_cols=columns, max_attempts=ATTEMPTS, seed=job["seed"]
    ).evaluate(mode="multivariate")
    found: dict[str, Any] = {"singling_out": _plain(out), "inference": {}}
    if all(job["parts"]):
        link = LinkabilityEvaluator(**sides, aux_cols=tuple(job["parts"]))
        found["linkability"] = _plain(link.evaluate(n_jobs=1))
    for secret in job["secrets"]:
        known = [each for each in ori.columns if each != secret]
        guess = InferenceEvaluator(
            **sides, aux_cols=known, secret=secret, regression=secret in job["numbers"]
        )
        found["inference"][secret] = _plain(guess.evaluate(n_jobs=1))
    return found


def _plain(evaluator: Any) -> dict[str, float]:
    """The excess risk with its interval, and the rates behind it."""
    risk, rates = evaluator.risk(confidence_level=0.95), evaluator.results()
    return {
        "value": float(risk.value),
        "low": float(risk.ci[0]),
        "high": float(risk.ci[1]),
        "attack": float(rates.attack_rate.value),
        "control": float(rates.control_rate.value),
        "n": int(rates.n_attacks_ori),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
