"""Protocol sweep-pneumoniamnist: see README.md beside this file.

python evaluation/sweep-pneumoniamnist/run.py --data ../shared/data/pneumoniamnist
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from dpsynth.data.demonstration import PNEUMONIA, schema_of
from dpsynth.schema import Schema

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import sweep_protocol  # noqa: E402
from picture_door import FILE  # noqa: E402


def parts(data: Path, place: Path, size: int | None) -> tuple[Schema, list[Path], list[Path]]:
    """The official splits, training and test, each as the only one of a file."""
    written = []
    with np.load(data / FILE, allow_pickle=False) as arrays:
        for name in ("train", "test"):
            most = size if name == "train" else None
            held = {
                f"train_{what}": arrays[f"{name}_{what}"][:most] for what in ("images", "labels")
            }
            written.append(place / name / FILE)
            written[-1].parent.mkdir()
            np.savez_compressed(written[-1], **held)
        count = len(arrays["train_labels"][:size])
    schema = schema_of(PNEUMONIA).model_copy(update={"population": count})
    return schema, [written[0]], [written[1]]


PROTOCOL = sweep_protocol.SweepProtocol(
    name="sweep-pneumoniamnist",
    folder=HERE,
    data=sweep_protocol.SHARED / "pneumoniamnist",
    models=("dct-gaussian", "image-gan"),
    delta=1e-5,
    copies=2,
    parts=parts,
)


def main(words: list[str] | None = None) -> None:
    """Do the points that are missing, then print the table."""
    sweep_protocol.main(PROTOCOL, words)


if __name__ == "__main__":
    main()
