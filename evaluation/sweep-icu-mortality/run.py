"""Protocol sweep-icu-mortality: see README.md beside this file.

python evaluation/sweep-icu-mortality/run.py --data ../shared/data/icu2012
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import sweep_protocol  # noqa: E402
from protocol import load, stated  # noqa: E402

from dpsynth.schema import Schema  # noqa: E402

ICU = stated("icu-mortality")  # its schema and its split
KEY = "RecordID"


def parts(data: Path, place: Path, size: int | None) -> tuple[Schema, list[Path], list[Path]]:
    """The split of icu-mortality as files."""
    loaded = load(ICU, data, size or ICU.train, ICU.test_from)
    patients, measurements = ICU.files(data)
    tables = {"patients.csv.gz": pd.read_csv(patients), "measurements.parquet": None}
    tables["measurements.parquet"] = pd.read_parquet(measurements)
    written: list[list[Path]] = []
    for name, records in (("train", loaded.train), ("test", loaded.test)):
        folder, kept = place / name, {str(key) for key in records.keys}
        folder.mkdir()
        written.append([])
        for file, table in tables.items():
            path = folder / file
            rows = table[table[KEY].astype(str).isin(kept)]
            if path.suffix == ".parquet":
                rows.to_parquet(path, index=False)
            else:
                # The same bytes each time, by which a sweep knows its data again.
                rows.to_csv(path, index=False, compression={"method": "gzip", "mtime": 0})
            written[-1].append(path)
    return loaded.schema, written[0], written[1]


PROTOCOL = sweep_protocol.SweepProtocol(
    name="sweep-icu-mortality",
    folder=HERE,
    data=sweep_protocol.SHARED / "icu2012",
    models=("log-linear", "table-gan"),
    delta=1e-5,
    copies=2,
    parts=parts,
)


def main(words: list[str] | None = None) -> None:
    """Do the points that are missing, then print the table."""
    sweep_protocol.main(PROTOCOL, words)


if __name__ == "__main__":
    main()
