"""Made-up patients who have everything that a metric may ask about; no real patient is in them.

A clinic: blood pressure follows age and a person's own level, therapy follows pressure, diagnoses
go together, pressure is oftener missing at later visits, gaps are a person's own, and death
follows level and region, but not sex. Equal seeds give equal patients.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from dpsynth.data.codec import Codec, codec
from dpsynth.data.phantoms import chest
from dpsynth.data.records import Records
from dpsynth.evaluation.case import Case, Side
from dpsynth.evaluation.leakage.black_box import Coins
from dpsynth.schema import Clock, Column, Label, Picture, Schema, Survival, Table

VISITS = 5
CODES = tuple(f"d{i}" for i in range(24))  # a list of codes: as many as `fidelity.codes` asks for
THERAPIES = ("none", "tablet", "insulin")
REGIONS = ("north", "south", "east", "west", "abroad")
SHARES = (0.4, 0.3, 0.2, 0.06, 0.04)
SIZE = 16  # pixels


def clinic() -> Schema:
    """What is public about the clinic."""
    number, choice = {"type": "number"}, {"type": "category", "missing": False}
    return Schema(
        name="made-up clinic",
        max_visits=VISITS,
        label=Label(column="died", positive="true"),
        survival=Survival(time="followed", event="died"),
        rules=("lower <= pressure",),
        tables={
            "patients": Table(
                shape="static",
                key="id",
                columns={
                    "sex": Column(**choice, categories=("f", "m"), sensitive=True),
                    "age": Column(**number, bounds=(20, 100), bins=[40, 60, 80], sensitive=True),
                    "region": Column(**choice, categories=REGIONS),
                    "weight": Column(**number, bounds=(30, 180), bins=15),
                    "followed": Column(**number, bounds=(0, 100), bins=10),
                    "died": Column(type="boolean", missing=False),
                },
            ),
            "visits": Table(
                shape="visits",
                key="id",
                time=Clock(column="day", gap=Column(**number, bounds=(0, 100), bins=10)),
                columns={
                    "pressure": Column(**number, bounds=(50, 250), bins=10),
                    "lower": Column(**number, bounds=(20, 250), bins=10),
                    "therapy": Column(**choice, categories=THERAPIES),
                    "diagnosis": Column(**choice, categories=CODES),
                },
            ),
        },
    )


def patients(many: int, seed: int) -> Records:
    """Patients of the clinic."""
    rng = np.random.default_rng([seed, 1])
    age, own = rng.uniform(20, 95, many), rng.normal(0, 15, many)
    level = 90 + 0.7 * age + own
    region = rng.choice(len(REGIONS), many, p=SHARES)
    risk = (level - 130) / 20 + np.where(region % 2, 0.4, -0.4)
    died = rng.random(many) < 1 / (1 + np.exp(-2 * risk))
    static = pd.DataFrame(
        {
            "sex": rng.choice(["f", "m"], many),
            "age": age,
            "region": np.array(REGIONS)[region],
            "weight": np.clip(rng.normal(75 + 0.2 * own, 14), 31, 179),
            "followed": np.where(died, rng.exponential(15, many), 60).clip(
                0.1, rng.uniform(20, 60, many)
            ),
            "died": np.where(died, "true", "false"),
        }
    )
    length = rng.integers(2, VISITS + 1, many)
    who = np.repeat(np.arange(many), length)
    turn = np.arange(len(who)) - np.repeat(np.cumsum(length) - length, length)
    gap = np.clip(rng.gamma(12, np.repeat(rng.uniform(0.3, 4, many), length)), 0.5, 99)
    pressure = np.clip(level[who] + rng.normal(0, 8, len(who)), 55, 245)
    visits = pd.DataFrame(
        {
            "patient": who,
            "time": pd.Series(np.where(turn > 0, gap, 0)).groupby(who).cumsum(),
            "pressure": pressure,
            "lower": np.clip(0.6 * pressure + rng.normal(0, 5, len(who)), 25, pressure),
            "therapy": np.array(THERAPIES)[(pressure > 125) + (pressure > 155) * 1],
            "diagnosis": diagnoses(who, turn, rng),
        }
    )
    gone = rng.random(len(who)) < 0.1 + 0.06 * turn
    visits.loc[gone, "pressure"] = np.nan
    keys = np.array([f"p{seed}-{i}" for i in range(many)], dtype=object)
    return Records(keys, static, visits)


def diagnoses(who: np.ndarray, turn: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A code at each visit: after an even one mostly the next, which goes with it."""
    drawn = np.minimum(rng.exponential(4, len(who)).astype(int), len(CODES) - 1)
    follows = (turn > 0) & (rng.random(len(who)) < 0.7)
    after = np.roll(drawn, 1) ^ 1
    return np.array(CODES)[np.where(follows & (turn % 2 == 1), after, drawn)]


def scans() -> Schema:
    """What is public about drawn chest X-rays: each patient has one."""
    return Schema(
        name="made-up scans",
        max_visits=1,
        label=Label(column="pneumonia", positive="true"),
        tables={
            "scans": Table(
                shape="visits",
                key="patient",
                time=Clock(column="image", kind="order"),
                picture=Picture(file="image", size=SIZE, channels=1),
                columns={
                    "pneumonia": Column(type="boolean", per="patient", missing=False),
                    "sex": Column(
                        type="category", categories=("f", "m"), per="patient", missing=False
                    ),
                },
            )
        },
    )


def pictured(many: int, seed: int) -> Records:
    """Patients with one drawn X-ray each."""
    made = chest(many, 1000 + seed, SIZE)
    first = ~made.table["patient"].duplicated().to_numpy()
    table = made.table[first].reset_index(drop=True)
    visits = pd.DataFrame({"patient": np.arange(many), "time": np.zeros(many)})
    static = table[["pneumonia", "sex"]]
    return Records(table["patient"].to_numpy(dtype=object), static, visits, made.images[first])


def bent(many: int, seed: int) -> Records:
    """Patients of the clinic of whom the light and the heavy die: no straight line tells it."""
    made, rng = patients(many, seed), np.random.default_rng([seed, 2])
    apart = np.abs(made.static["weight"].to_numpy() - 75) > 9
    died = rng.random(many) < 1 / (1 + np.exp(-np.where(apart, 2.5, -2.5)))
    return replace(made, static=made.static.assign(died=np.where(died, "true", "false")))


WORLDS = {"clinic": (clinic, patients), "bent": (clinic, bent), "scans": (scans, pictured)}


def case(world: str, many: int, trial: int, anonymeter: Path | None = None) -> Case:
    """Training patients, as many held out, and a perfect copy: as many others."""
    schema, made = WORLDS[world]
    plan = schema()
    sides = [side(made(many, 3 * trial + part), codec(plan)) for part in range(3)]
    return Case(
        train=sides[0],
        holdout=sides[1],
        synthetic=sides[2],
        schema=plan,
        codec=codec(plan),
        seed=trial,
        anonymeter=anonymeter,
        coins=Coins(held_out=0.5, delta=1e-5),
    )


def with_bare(case: Case) -> Case:
    """The case with a perfect copy without noise too, unless it has one."""
    if case.unprotected is not None:
        return case
    bare = patients(len(case.synthetic), 3_000_000 + case.seed)
    return replace(case, unprotected=side(bare, case.codec), _known={})


def side(records: Records, book: Codec) -> Side:
    """Records in both forms."""
    return Side(records=records, tokens=book.encode(records))
