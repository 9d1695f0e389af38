"""Protocol ham10000: see README.md beside this file.

python evaluation/ham10000/run.py --data ../shared/data/ham10000
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.data.schema_file import load_schema
from dpsynth.schema import Schema

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import picture_protocol  # noqa: E402
from protocol import order_of  # noqa: E402
from subgroups import by_age  # noqa: E402

TABLE, PICTURES = "metadata.csv.gz", "images64.zip"
CUTS = (40, 55, 70)  # years


def parts(schema: Schema, data: Path, test: str) -> tuple[Records, Records]:
    """By the first 4 bytes of SHA-256 of "ham10000<lesion>": three quarters train, one tests.

    To develop on, "look" tests on the last fifth of those that train, which then do not.
    """
    whole = records(schema, data)
    order = order_of(whole, "ham10000")
    order, last = np.split(order, [len(order) * 3 // 4])
    if test == "look":
        order, last = np.split(order, [len(order) * 4 // 5])
    return whole.take(np.sort(order)), whole.take(np.sort(last))


def records(schema: Schema, data: Path) -> Records:
    """Of all lesions, the pictures unpacked for as long as it takes to read them."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        shutil.copy(data / TABLE, place / TABLE)
        with zipfile.ZipFile(data / PICTURES) as pictures:
            pictures.extractall(place / "images")
        return read([place / TABLE], schema)[0]


def groups(found: Records) -> dict[str, np.ndarray]:
    """By sex and age; lesions whose sex or age is missing are in no such group."""
    sex = found.static["sex"].to_numpy()
    sexes = {"women": sex == "female", "men": sex == "male"}
    return sexes | by_age(found.static["age"].to_numpy(dtype=float), CUTS)


PROTOCOL = picture_protocol.PictureProtocol(
    name="ham10000",
    folder=HERE,
    schema=load_schema(HERE / "schema.yaml"),
    data=picture_protocol.SHARED / "ham10000",
    tests=("look", "test"),
    parts=parts,
    positive=("akiec", "bcc", "mel"),
    groups=groups,
    by_class=True,
    models=("image-diffusion", "image-gan", "dct-gaussian"),  # those that make colour
)


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    picture_protocol.main(PROTOCOL, words)


if __name__ == "__main__":
    main()
