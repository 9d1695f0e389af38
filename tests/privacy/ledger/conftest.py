"""A small ledger with one population and three runs of epsilon 1."""

from pathlib import Path

import pytest

from dpsynth.privacy.ledger import Ledger


@pytest.fixture
def table_file(tmp_path: Path) -> Path:
    file = tmp_path / "stays.csv"
    file.write_text("id,age\n1,64\n2,71\n")
    return file


@pytest.fixture
def ledger(tmp_path: Path, table_file: Path) -> Ledger:
    made = Ledger(tmp_path / "ledger")
    made.join("icu", [table_file])
    for run in ("a", "b", "c"):
        made.reserve("icu", run=run, epsilon=1.0, delta=1e-6, plan={"sigma": 2.0})
    return made
