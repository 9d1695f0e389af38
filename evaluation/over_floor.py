"""Models of pictures less their floor `dct-gaussian`, seed by seed: what their cards say of it.

python evaluation/over_floor.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "picture-recipes"))
from compare import differences  # noqa: E402

FLOOR, MODELS = "dct-gaussian", ("image-diffusion", "image-gan")


def main() -> None:
    """Print one line for each protocol, metric, epsilon and model."""
    for name in ("pneumoniamnist", "ham10000"):
        held = json.loads((HERE / name / "results.json").read_text())["rows"]
        rows = [row for row in held if "group" not in row]
        floor = [row for row in rows if row["model"] == FLOOR]
        for metric in ("tstr_auc_cnn", "tstr_auc_logistic", "kid"):
            for each in differences(rows, floor, metric, MODELS):
                half = "" if each.half is None else f" ± {each.half:.3f}"
                print(name, metric, each.ours, f"{each.epsilon:g}", f"{each.mean:.3f}{half}")


if __name__ == "__main__":
    main()
