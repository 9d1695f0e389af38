"""Protocol diabetes130: see README.md beside this file.

python evaluation/diabetes130/run.py --data ../shared/data/diabetes130
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from dpsynth.data.records import Records

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import protocol  # noqa: E402
from subgroups import by_age  # noqa: E402

CUTS = (50, 70, 80)  # the file has ages in tens: no cut at 65


def groups(records: Records) -> protocol.Groups:
    """By gender and age at the first encounter."""
    gender = records.static["gender"].to_numpy()
    age = [_youngest(band) for band in records.static["age"]]
    sexes = {"women": gender == "Female", "men": gender == "Male"}
    return sexes | by_age(np.array(age), CUTS)


def _youngest(band: str | None) -> float:
    """Lowest age of a band such as "[70-80)"."""
    return float("nan") if band is None else float(band[1:].split("-")[0])


PROTOCOL = protocol.Protocol(
    name="diabetes130",
    folder=HERE,
    data=protocol.SHARED / "diabetes130",
    files=lambda data: [data / "diabetic_data.parquet"],
    train=20_000,
    test_from=50_000,
    groups=groups,
)


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    protocol.main(PROTOCOL, words)


if __name__ == "__main__":
    main()
