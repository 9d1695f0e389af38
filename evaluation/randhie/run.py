"""Protocol randhie: see README.md beside this file.

python evaluation/randhie/run.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from dpsynth.data.embedded import randhie_path
from dpsynth.data.records import Records

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import protocol  # noqa: E402
from subgroups import by_age  # noqa: E402


def groups(records: Records) -> protocol.Groups:
    """By sex, and age in the last year that is known."""
    female = records.static["female"].to_numpy()
    ages = records.visits.groupby("patient")["xage"].last().reindex(range(len(records)))
    return {"women": female == "true", "men": female == "false"} | by_age(ages.to_numpy())


PROTOCOL = protocol.Protocol(
    name="randhie",
    folder=HERE,
    data=randhie_path().parent,
    files=lambda data: [data / "randhie.csv"],
    train=4434,
    test_from=4434,
    groups=groups,
)


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    protocol.main(PROTOCOL, words)


if __name__ == "__main__":
    main()
