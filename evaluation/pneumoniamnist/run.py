"""Protocol pneumoniamnist: see README.md beside this file.

python evaluation/pneumoniamnist/run.py --data ../shared/data/pneumoniamnist
"""

from __future__ import annotations

import sys
from pathlib import Path

from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.schema import Schema

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import picture_protocol  # noqa: E402

FILE = "pneumoniamnist.npz"


def parts(schema: Schema, data: Path, test: str) -> tuple[Records, Records]:
    """The official splits."""
    return split(schema, data / FILE, "train"), split(schema, data / FILE, test)


def split(schema: Schema, path: Path, name: str) -> Records:
    """The records of one official split."""
    (at, whole), *_ = schema.tables.items()
    assert whole.picture is not None
    picture = whole.picture.model_copy(update={"splits": (name,)})
    tables = {at: whole.model_copy(update={"picture": picture})}
    return read([path], schema.model_copy(update={"tables": tables}))[0]


PROTOCOL = picture_protocol.PictureProtocol(
    name="pneumoniamnist",
    folder=HERE,
    data=picture_protocol.SHARED / "pneumoniamnist",
    tests=("val", "test"),
    parts=parts,
    positive=("1",),
)


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    picture_protocol.main(PROTOCOL, words)


if __name__ == "__main__":
    main()
