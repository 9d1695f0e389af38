"""Protocol scaling: see README.md beside this file.

python evaluation/scaling/run.py --data ../shared/data/diabetes130
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from copies import per_model  # noqa: E402
from fit import power_law  # noqa: E402
from measure import DELTA, EPSILON, FILE  # noqa: E402
from plot import Points, picture  # noqa: E402
from protocol import SHARED  # noqa: E402
from results import Results, table  # noqa: E402

FITTED = {
    "epoch_s": "training, s per epoch",
    "generate_s": "generation, s",
    "peak_gb": "peak memory, GiB",
}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def main(words: list[str] | None = None) -> None:
    """Add the points that are missing, fit, draw, and print the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--data", type=Path, default=SHARED / "diabetes130")
    ask.add_argument("--out", type=Path, default=HERE / "results.json")
    ask.add_argument("--models", default="markov,table-diffusion")
    ask.add_argument("--sizes", default="1000,4000,16000,64000", help="numbers of patients")
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--setting", action="append", default=[], help="name=value of a model")
    asked = ask.parse_args(words)
    names = asked.models.split(",")
    settings = per_model(names, asked.setting, ask)
    results = Results(asked.out, "scaling", 1)
    for size in (int(each) for each in asked.sizes.split(",")):
        missing = [
            (name, seed)
            for seed in range(asked.seeds)
            for name in names
            if not results.holds(model=name, patients=size, seed=seed)
        ]
        if missing:
            add_size(results, asked.data / FILE, size, missing, settings)
    fits = exponents(results.rows)
    results.facts["rows"] = [row for row in results.rows if "patients" in row]
    results.add(fits)
    panels = {title: series(results.rows, metric) for metric, title in FITTED.items()}
    asked.out.with_suffix(".svg").write_text(picture(panels))
    print(table(results.rows))


def add_size(
    results: Results,
    source: Path,
    size: int,
    cases: list[tuple[str, int]],
    settings: dict[str, dict[str, Any]],
) -> None:
    """Measure one size, each model and seed in a process of its own: its peak is its own."""
    with tempfile.TemporaryDirectory() as folder:
        first_patients(source, size, Path(folder) / FILE)
        for name, seed in cases:
            found = measured(name, Path(folder), size, seed, settings[name])
            common = {"model": name, "epsilon": EPSILON, "delta": DELTA}
            common |= {"patients": size, "seed": seed}
            results.add([common | {"metric": k, "value": v} for k, v in found.items()])
            print(name, size, seed, {k: round(v, 3) for k, v in found.items()}, flush=True)


def measured(
    name: str, folder: Path, size: int, seed: int, settings: dict[str, Any]
) -> dict[str, float]:
    """What `measure.py` prints, on one thread."""
    words = [sys.executable, str(HERE / "measure.py"), "--data", str(folder)]
    words += ["--patients", str(size), "--model", name, "--seed", str(seed)]
    words += ["--settings", json.dumps(settings)]
    done = subprocess.run(
        words,
        env=os.environ | dict.fromkeys(THREADS, "1"),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def first_patients(source: Path, size: int, path: Path) -> None:
    """A file of the first patients in the order of SHA-256 of "scaling<patient_nbr>"."""
    rows = pd.read_parquet(source)
    marks = {
        key: hashlib.sha256(f"scaling{key}".encode()).digest() for key in set(rows["patient_nbr"])
    }
    if size > len(marks):
        raise SystemExit(f"{source} holds {len(marks)} patients; {size} were asked for")
    kept = sorted(marks, key=marks.__getitem__)[:size]
    rows[rows["patient_nbr"].isin(kept)].to_parquet(path, index=False)


def series(rows: list[dict[str, Any]], metric: str) -> Points:
    """(patients, value) of each model."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row["metric"] == metric and "patients" in row:
            found.setdefault(row["model"], []).append((row["patients"], row["value"]))
    return {name: sorted(points) for name, points in found.items()}


def exponents(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The fitted exponent of each model and cost, with its interval."""
    found = []
    for metric in FITTED:
        for name, points in series(rows, metric).items():
            law = power_law(*([float(each[axis]) for each in points] for axis in (0, 1)))
            common = {"model": name, "epsilon": EPSILON, "delta": DELTA, "n": len(points)}
            fitted = {"value": law.exponent, "low": law.low, "high": law.high}
            found.append(common | {"metric": metric.split("_")[0] + "_exponent"} | fitted)
    return found


if __name__ == "__main__":
    main()
