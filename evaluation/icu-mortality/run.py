"""Protocol icu-mortality: see README.md beside this file.

python evaluation/icu-mortality/run.py --data ../shared/data/icu2012
"""

from __future__ import annotations

import sys
from pathlib import Path

from dpsynth.data.records import Records

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import protocol  # noqa: E402
from subgroups import by_age  # noqa: E402


def groups(records: Records) -> protocol.Groups:
    """By gender and age at admission."""
    gender = records.static["Gender"].to_numpy()
    age = records.static["Age"].to_numpy(dtype=float)
    return {"women": gender == "0", "men": gender == "1"} | by_age(age)


PROTOCOL = protocol.Protocol(
    name="icu-mortality",
    folder=HERE,
    data=protocol.SHARED / "icu2012",
    files=lambda data: [data / "patients.csv.gz", data / "measurements.parquet"],
    train=6000,
    test_from=6000,
    groups=groups,
)


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    protocol.main(PROTOCOL, words)


if __name__ == "__main__":
    main()
