"""What a full report costs: see README.md beside this file.

python evaluation/evaluating/run.py --icu FOLDER --diabetes FOLDER
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from results import Results, table  # noqa: E402

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SHARED = HERE.parents[1] / "shared/data"
SIZES = {"icu-mortality": 6_000, "diabetes130": 64_000}  # patients trained on


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--icu", type=Path, default=SHARED / "icu2012")
    ask.add_argument("--diabetes", type=Path, default=SHARED / "diabetes130")
    ask.add_argument("--only", help="one of the two: icu-mortality or diabetes130")
    ask.add_argument("--train", type=int, help="patients trained on, instead of the protocol's")
    ask.add_argument("--model", default="markov")
    ask.add_argument("--out", type=Path, default=HERE / "results.json")
    asked = ask.parse_args(words)
    results = Results(asked.out, "evaluating", 1)
    for name, data in (("icu-mortality", asked.icu), ("diabetes130", asked.diabetes)):
        size = asked.train or SIZES[name]
        model = f"{asked.model} copy of {name}"
        if asked.only in (None, name) and not results.holds(model=model, patients=size):
            results.add(rows(name, data, size, asked.model))
    print(table(results.rows))


def rows(name: str, data: Path, size: int, model: str) -> list[dict[str, Any]]:
    """The cost of one report; the copy is made in another process, so that its memory is gone."""
    words = [sys.executable, str(HERE / "measure.py"), "--protocol", name, "--data", str(data)]
    words += ["--train", str(size), "--model", model]
    where = os.environ | dict.fromkeys(THREADS, "1")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.npz"
        subprocess.run([*words, "--keep", str(copy)], env=where, check=True)
        done = subprocess.run(
            [*words, "--copy", str(copy)],
            env=where,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found = json.loads(done.stdout.splitlines()[-1])
    common = {"model": f"{model} copy of {name}", "patients": found.pop("patients")}
    return [common | {"metric": key, "value": value} for key, value in found.items()]


if __name__ == "__main__":
    main()
