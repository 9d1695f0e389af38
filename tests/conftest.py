"""A clinic of a few patients, and the command line called in this process."""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

ROWS = "pid,visit,sex,sick,sys\n" + "".join(
    f"{patient},{visit},{'fm'[patient % 2]},{int(patient % 3 == 0)},{100 + 7 * (patient % 9)}\n"
    for patient in range(40)
    for visit in range(1 + patient % 3)
)
SCHEMA = """\
version: 1
name: clinic
population: 40
max_visits: 3
tables:
  clinic:
    shape: visits
    key: pid
    time: {column: visit, kind: order}
    columns:
      sex: {type: category, per: patient, categories: [f, m], sensitive: true}
      sick: {type: boolean, per: patient}
      sys: {type: number, bounds: [80, 200], bins: 4}
label: {column: sick, positive: "true"}
"""
SETTINGS = {"width": 16, "depth": 1, "steps": 4, "warm_steps": 3, "save_every": 2, "batch": 8}
TINY = tuple(f"--setting={name}={value}" for name, value in SETTINGS.items())


@pytest.fixture(scope="session", autouse=True)
def rarely_a_false_alarm() -> Iterator[None]:
    """Every training here is audited; at the real rate, one in 1,000 would be called violated.

    Tests of the audit's own rate call its checks themselves.
    """
    from dpsynth.privacy.audit import verdict

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verdict, "ALPHA", 1e-7)
        yield


@dataclass(frozen=True)
class Clinic:
    """A folder with data, schema and ledger, and what trains on them.

    Attributes:
        root: the folder; commands are run in it.
        tiny: settings of a model that is trained in no time.
    """

    root: Path
    tiny: tuple[str, ...] = TINY

    @property
    def data(self) -> Path:
        """40 patients, 1 to 3 visits."""
        return self.root / "clinic.csv"

    @property
    def schema(self) -> Path:
        """Its public facts."""
        return self.root / "schema.yaml"

    def train(self, *more: str, out: str = "run") -> list[str]:
        """A quick training; what comes later wins."""
        fixed = ["train", str(self.data), f"--schema={self.schema}", f"--out={self.root / out}"]
        return [*fixed, "--epsilon=1", "--population=clinic", "--holdout=0.4", *self.tiny, *more]

    def tree(self) -> dict[str, bytes]:
        """Every file, with its bytes; the ledger's lock holds nothing."""
        files = (path for path in sorted(self.root.rglob("*")) if path.name != ".lock")
        return {
            str(path.relative_to(self.root)): path.read_bytes() if path.is_file() else b"folder"
            for path in files
        }


@dataclass(frozen=True)
class Called:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


@pytest.fixture(scope="session")
def once_accounted() -> Iterator[None]:
    """The real accountant, asked once for each plan: most tests here share one."""
    from dpsynth.models import base
    from dpsynth.pipeline import card
    from dpsynth.privacy import accountant

    with pytest.MonkeyPatch.context() as patch:
        calibrate = functools.cache(accountant.calibrate)
        patch.setattr(base, "calibrate", calibrate)
        patch.setattr(accountant, "certify", functools.cache(accountant.certify))
        profile = accountant.profile
        patch.setattr(
            accountant, "profile", functools.cache(lambda plan: functools.cache(profile(plan)))
        )
        patch.setattr(card, "_lock", functools.cache(card._lock))
        yield


def _clinic(root: Path, patch: pytest.MonkeyPatch) -> Clinic:
    made = Clinic(root)
    made.data.write_text(ROWS)
    made.schema.write_text(SCHEMA)
    patch.setenv("DPSYNTH_LEDGER", str(root / "ledger"))
    patch.chdir(root)
    return made


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, once_accounted: None) -> Clinic:
    """A clinic of its own for each test."""
    return _clinic(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory, once_accounted: None) -> Path:
    """The folder of a clinic whose run is finished; not to be changed."""
    from dpsynth.cli.main import run

    with pytest.MonkeyPatch.context() as patch:
        made = _clinic(tmp_path_factory.mktemp("trained"), patch)
        assert run(made.train("--json")) == 0
    return made.root


@pytest.fixture
def trained(clinic: Clinic, trained_once: Path) -> Clinic:
    """A clinic with a finished run in `run`, which left patients out."""
    shutil.copytree(trained_once, clinic.root, dirs_exist_ok=True)
    return clinic


@pytest.fixture
def dpsynth(capsys: pytest.CaptureFixture[str]) -> Callable[..., Called]:
    """The command line, in this process."""
    from dpsynth.cli.main import run

    def call(*words: str | Path) -> Called:
        capsys.readouterr()
        code = run([os.fspath(word) for word in words])
        found = capsys.readouterr()
        return Called(code, found.out, found.err)

    return call


@pytest.fixture
def stays(tmp_path: Path) -> Path:
    """A folder of 120 made-up ICU stays in the form of PhysioNet 2012's files."""
    rng = np.random.default_rng(0)
    n = 120
    ids = np.arange(1000, 1000 + n)
    unused = ("Height", "Weight", "SAPS-I", "SOFA", "Length_of_stay", "Survival")
    facts = {
        "RecordID": ids,
        "set": "a",
        "Age": rng.integers(20, 90, n),
        "Gender": rng.integers(0, 2, n),
        "ICUType": rng.integers(1, 5, n),
        "In-hospital_death": rng.integers(0, 2, n),
    } | dict.fromkeys(unused, -1)
    pd.DataFrame(facts).to_csv(tmp_path / "patients.csv.gz", index=False)
    many = 3000
    events = {
        "RecordID": rng.choice(ids, many),
        "minute": rng.integers(0, 2880, many),
        "parameter": rng.choice(["HR", "Temp", "GCS", "Na"], many),
        "value": rng.normal(60, 30, many),
    }
    pd.DataFrame(events).to_parquet(tmp_path / "measurements.parquet")
    return tmp_path
