"""An imaging researcher: which conclusions from a copy of skin pictures carry over to real ones?

    python examples/imaging.py OUT [--patients 4000] [--model dct-gaussian]

The pictures are phantoms, drawn by a program: no patient is in them, and the truth is known. Put
your own table, folder of pictures and schema in their place.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from dpsynth.data.demonstration import phantoms
from dpsynth.pipeline import evaluate_run, generate, train
from dpsynth.privacy.ledger import Ledger

ROWS = ("tstr_auc", "kid", "picture_recall", "near_ratio")


def main(words: list[str] | None = None) -> dict[str, float]:
    """Train at two epsilons, and print what each copy is worth."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("out", type=Path)
    ask.add_argument("--patients", type=int, default=4000)
    ask.add_argument("--model", default="dct-gaussian")
    ask.add_argument("--epsilons", default="1,10")
    asked = ask.parse_args(words)
    asked.out.mkdir(parents=True)
    shown = phantoms("skin", asked.out / "data", patients=asked.patients)
    ledger, found = Ledger(asked.out / "ledger"), {}
    for epsilon in map(float, asked.epsilons.split(",")):
        here = asked.out / f"epsilon-{epsilon:g}"
        here.mkdir()
        train(
            shown.data, shown.schema, here / "run", epsilon=epsilon, model=asked.model,
            population=shown.population, holdout_rate=0.3, ledger=ledger,
        )  # fmt: skip
        generate(here / "run", here / "synthetic", patients=asked.patients)
        evaluate_run(here / "run", shown.data, [here / "synthetic"], here / "report", ledger=ledger)
        for row in json.loads((here / "report/report.json").read_text())["rows"]:
            if row["metric"] in ROWS and row.get("group") is None:
                found[f"{row['metric']} at {epsilon:g}"] = row["value"]
                print(f"epsilon {epsilon:g}: {row['reading']}")
    spent = ledger.spent(shown.population)
    print(f"All runs together: epsilon {spent.epsilon:g}, delta {spent.delta:g}.")
    return found


if __name__ == "__main__":
    main()
