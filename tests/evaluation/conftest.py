"""Small code books and patients, worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dpsynth.data.codec import PAD, Codec, Tokens, codec
from dpsynth.data.records import Records
from dpsynth.schema import Clock, Column, Label, Schema, Table


def tokens_of(static: list[list[int]], visits: list[list[list[int]]], codec: Codec) -> Tokens:
    """Tokens from nested lists; a patient's visits may be fewer than the maximum."""
    n = len(static)
    codes = np.full((n, codec.max_visits, len(codec.visit)), PAD, dtype=np.int16)
    for patient, rows in enumerate(visits):
        for turn, row in enumerate(rows):
            codes[patient, turn] = row
    length = np.array([len(rows) for rows in visits], dtype=np.int16)
    return Tokens(
        static=np.array(static, dtype=np.int16).reshape(n, len(codec.static)),
        visits=codes,
        length=length,
    )


@pytest.fixture(scope="session")
def make_tokens():
    return tokens_of


def clinic_schema(max_visits: int = 4) -> Schema:
    """An irregular clinic: sex, age, death; a blood pressure and a therapy per visit."""
    return Schema(
        name="clinic",
        max_visits=max_visits,
        label=Label(column="died", positive="true"),
        tables={
            "patients": Table(
                shape="static",
                key="id",
                columns={
                    "sex": Column(
                        type="category", categories=("f", "m"), missing=False, sensitive=True
                    ),
                    "age": Column(type="number", bounds=(0, 100), bins=10, sensitive=True),
                    "died": Column(type="boolean", missing=False),
                },
            ),
            "visits": Table(
                shape="visits",
                key="id",
                time=Clock(column="day", gap=Column(type="number", bounds=(0, 100), bins=10)),
                columns={
                    "pressure": Column(type="number", bounds=(50, 250), bins=10, unit="mmHg"),
                    "therapy": Column(
                        type="category", categories=("none", "tablet", "insulin"), missing=False
                    ),
                },
            ),
        },
    )


def grid_schema(max_visits: int = 3) -> Schema:
    """A regular grid with one column of two codes, never missing, and no static column but sex."""
    return Schema(
        name="grid",
        max_visits=max_visits,
        tables={
            "patients": Table(
                shape="static",
                key="id",
                columns={"sex": Column(type="category", categories=("f", "m"), missing=False)},
            ),
            "visits": Table(
                shape="visits",
                key="id",
                time=Clock(column="hour", unit="hours"),
                columns={"on": Column(type="boolean", missing=False)},
            ),
        },
    )


def clinic_records(patients: int, seed: int, max_visits: int = 4) -> Records:
    """A simulated clinic: pressure follows age and itself, death follows pressure."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(20, 95, patients)
    sex = rng.choice(["f", "m"], patients)
    length = rng.integers(0, max_visits + 1, patients)
    level = 90 + 0.7 * age + rng.normal(0, 15, patients)
    rows = []
    for patient in range(patients):
        day = 0.0
        for _ in range(length[patient]):
            pressure = float(np.clip(level[patient] + rng.normal(0, 8), 50, 249))
            kind = ("none", "tablet", "insulin")[int(pressure > 130) + int(pressure > 160)]
            rows.append((patient, day, pressure, kind))
            day += float(rng.gamma(2.0, 10.0))
    visits = pd.DataFrame(rows, columns=["patient", "time", "pressure", "therapy"])
    chance = 1 / (1 + np.exp(-(level - 145) / 8))
    died = rng.random(patients) < chance
    static = pd.DataFrame({"sex": sex, "age": age, "died": np.where(died, "true", "false")})
    keys = np.array([f"p{seed}-{i}" for i in range(patients)], dtype=object)
    return Records(keys, static, visits)


@pytest.fixture(scope="session")
def clinic():
    return clinic_records


@pytest.fixture(scope="session")
def clinic_plan() -> Schema:
    return clinic_schema()


@pytest.fixture(scope="session")
def clinic_codec() -> Codec:
    return codec(clinic_schema())


@pytest.fixture(scope="session")
def grid_codec() -> Codec:
    return codec(grid_schema())


@pytest.fixture(scope="session")
def grid_plan() -> Schema:
    return grid_schema()


@pytest.fixture(scope="session")
def picture_schema() -> Schema:
    """Pictures of patients who have one or two, ill or not, of two sexes."""
    columns = {
        "ill": {"type": "boolean", "per": "patient", "missing": False},
        "sex": {"type": "category", "categories": ["f", "m"], "per": "patient", "sensitive": True},
    }
    clock, picture = {"column": "image", "kind": "order"}, {"file": "image", "size": 8}
    table = {
        "shape": "visits", "key": "id", "time": clock, "picture": picture, "columns": columns,
    }  # fmt: skip
    label = {"column": "ill", "positive": "true"}
    return Schema(name="scans", max_visits=2, label=label, tables={"scans": table})


@pytest.fixture(scope="session")
def pictured_tokens(picture_schema):
    """Makes patients by number and seed; who is ill is brighter at the left."""
    book = codec(picture_schema)

    def make(patients: int, seed: int) -> Tokens:
        rng = np.random.default_rng(seed)
        static = rng.integers(0, 2, (patients, 2)).astype(np.int16)
        length = rng.integers(1, 3, patients).astype(np.int16)
        pictures = rng.integers(0, 200, (patients, 2, 8, 8, 1))
        pictures[static[:, 0] == 1, :, :, :4] += 40
        pictures[length == 1, 1] = 0
        visits = np.zeros((patients, 2, 0), dtype=np.int16)
        return Tokens(
            static=static, visits=visits, length=length, pictures=pictures.astype(np.uint8)
        )

    return make, book


@pytest.fixture(scope="session")
def evaluations(clinic, clinic_plan, clinic_codec):
    """Whole evaluations of two copies: of other patients, and of nobody."""
    from dpsynth.evaluation.run import evaluate

    train, holdout, other = (clinic(150, seed) for seed in (1, 2, 3))
    none = other.take(np.array([], dtype=int))
    return [evaluate(train, holdout, each, clinic_plan, clinic_codec) for each in (other, none)]
