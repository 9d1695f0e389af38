"""The three tabular sets that we publish figures on load whole, quickly, from public facts."""

import time
from pathlib import Path

import numpy as np
import pytest

from dpsynth.data.codec import codec
from dpsynth.data.embedded import randhie_path, randhie_schema
from dpsynth.data.reader import read
from dpsynth.data.schema_file import load_schema

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / "../shared/data"


def shared(*names: str) -> list[Path]:
    paths = [SHARED / name for name in names]
    if not all(path.exists() for path in paths):
        pytest.skip(f"LOUD: the real data set {names[0]} is not beside the checkout")
    return paths


def test_the_embedded_set_loads_whole():
    records, notes = read([randhie_path()], randhie_schema())
    assert len(records) == 5912
    assert len(records.visits) == 20_190
    assert records.visits.groupby("patient").size().max() == 5
    # imputed shares of two indicators are the only cells that do not fit the public facts
    assert {place.rsplit(".", 1)[1] for place, _ in notes.counts} == {"black", "physlm"}
    spent = records.visits
    # a year's medical spending is outpatient and inpatient, drugs, supplies and mental care
    parts = spent[["outpdol", "drugdol", "suppdol", "mentdol", "inpdol"]].sum(axis=1)
    assert np.median(np.abs(parts - spent["meddol"])) < 1
    tokens = codec(randhie_schema()).encode(records)
    assert tokens.visits.shape[:2] == (5912, 5)


@pytest.mark.shared
def test_icu2012_loads_whole_and_in_time():
    paths = shared("icu2012/patients.csv.gz", "icu2012/measurements.parquet")
    schema = load_schema(ROOT / "examples/icu2012.yaml")
    start = time.process_time()
    records, _ = read(paths, schema)
    assert time.process_time() - start < 15
    assert len(records) == 8000
    assert schema.max_visits == 8
    assert len(schema.columns("visit")) == 17
    visits = records.visits.groupby("patient").size()
    assert set(visits) == {8}
    # 10 stays have no measurement at all, one more has none of the 17 parameters
    assert 8000 - len(visits) == 11
    assert records.static["In-hospital_death"].eq("true").sum() == 1122  # 14 %
    assert records.static["Gender"].isna().sum() == 8
    assert all(f.size == 8 for f in codec(schema).visit)  # 7 bins or missing


@pytest.mark.shared
def test_diabetes130_loads_whole_and_in_time():
    paths = shared("diabetes130/diabetic_data.parquet")
    schema = load_schema(ROOT / "examples/diabetes130.yaml")
    start = time.process_time()
    records, notes = read(paths, schema)
    assert time.process_time() - start < 5
    assert len(records) == 71_518
    assert len(records.visits) == 101_766
    assert records.visits["readmitted"].eq("<30").sum() == 11_357
    # every other code fits the documented lists; rare specialties are "other"
    assert {place.rsplit(".", 1)[1] for place, _ in notes.counts} == {"medical_specialty"}
    assert records.visits.groupby("patient").size().max() == 40
