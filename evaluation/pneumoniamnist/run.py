"""Protocol pneumoniamnist: see README.md beside this file.

python evaluation/pneumoniamnist/run.py --data ../shared/data/pneumoniamnist
"""

from __future__ import annotations

import sys
from pathlib import Path

from dpsynth.data.demonstration import PNEUMONIA, schema_of
from dpsynth.data.records import Records
from dpsynth.schema import Schema

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import dp_classifier  # noqa: E402
import picture_protocol  # noqa: E402
from picture_door import FILE, split  # noqa: E402


def parts(schema: Schema, data: Path, test: str) -> tuple[Records, Records]:
    """The official splits."""
    return split(schema, data / FILE, "train"), split(schema, data / FILE, test)


PROTOCOL = picture_protocol.PictureProtocol(
    name="pneumoniamnist",
    folder=HERE,
    schema=schema_of(PNEUMONIA),
    data=picture_protocol.SHARED / "pneumoniamnist",
    tests=("val", "test"),
    parts=parts,
    positive=("1",),
    bars={dp_classifier.NAME: dp_classifier.rows},
)


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    picture_protocol.main(PROTOCOL, words)


if __name__ == "__main__":
    main()
