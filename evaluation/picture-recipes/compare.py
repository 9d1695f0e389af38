"""Our models against recipes of others, seed by seed: writes the table of README.md.

python evaluation/picture-recipes/compare.py
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t

HERE = Path(__file__).resolve().parent
MARK = "<!-- made by compare.py from here on -->"
OURS = ("dct-gaussian", "image-diffusion", "image-gan")
METRICS = ("tstr_auc_cnn", "tstr_auc_logistic")

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Ours minus theirs at one epsilon.

    Attributes:
        ours, theirs: names.
        epsilon: of both.
        seeds: that both have.
        own, other, mean: means over those seeds of ours, theirs and their difference.
        half: half width of the 95 % t interval of the difference over seeds; none for one seed.
    """

    ours: str
    theirs: str
    epsilon: float
    seeds: int
    own: float
    other: float
    mean: float
    half: float | None


def differences(
    ours: list[Row], theirs: list[Row], metric: str, names: tuple[str, ...] = OURS
) -> list[Difference]:
    """One for each recipe, epsilon and model of ours that share a seed."""
    found = []
    for name, epsilon in dict.fromkeys((row["model"], row["epsilon"]) for row in theirs):
        for own in names:
            held = [
                {r["seed"]: r["value"] for r in rows
                 if (r["model"], r["epsilon"], r["metric"]) == (model, epsilon, metric)}
                for rows, model in ((ours, own), (theirs, name))
            ]  # fmt: skip
            seeds = sorted(held[0].keys() & held[1].keys())
            if not seeds:
                continue
            one, other = (np.array([each[seed] for seed in seeds]) for each in held)
            apart, many = one - other, len(seeds)
            half = t.ppf(0.975, many - 1) * apart.std(ddof=1) / many**0.5 if many > 1 else None
            found.append(
                Difference(
                    ours=own,
                    theirs=name,
                    epsilon=epsilon,
                    seeds=many,
                    own=float(one.mean()),
                    other=float(other.mean()),
                    mean=float(apart.mean()),
                    half=half,
                )
            )
    return found


def main(folder: Path = HERE) -> None:
    """Replace what stands below the mark."""
    ours = json.loads((folder.parent / "pneumoniamnist/results.json").read_text())["rows"]
    theirs = json.loads((folder / "results.json").read_text())["rows"]
    page = folder / "README.md"
    parts = [page.read_text().split(MARK)[0] + MARK + "\n"]
    for metric in METRICS:
        parts.append(
            f"\n`{metric}`:\n\n| epsilon | recipe | it | ours | it | ours - recipe | seeds |\n"
        )
        parts.append("|" + "---|" * 7 + "\n")
        for each in sorted(differences(ours, theirs, metric), key=lambda d: -d.epsilon):
            half = "" if each.half is None else f" ± {each.half:.3f}"
            parts.append(
                f"| {each.epsilon:g} | {each.theirs} | {each.other:.3f} | {each.ours} | "
                f"{each.own:.3f} | {each.mean:+.3f}{half} | {each.seeds} |\n"
            )
    page.write_text("".join(parts))


if __name__ == "__main__":
    main()
