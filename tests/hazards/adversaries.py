"""A small clinic in raw files, and the patients who would break a careless system."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dpsynth.schema import Clock, Column, Label, Schema, Table

VISITS = 4
JOINS = "p0007"  # sorts among the others, so that whoever joins shifts those behind
WARD = "a ward of one's own"


def schema(population: int | str = 60) -> Schema:
    """Every kind of column, public and private; irregular visits of different number."""
    return Schema(
        name="clinic",
        population=population,
        max_visits=VISITS,
        label=Label(column="died", positive="true"),
        tables={
            "patients": Table(
                shape="static",
                key="id",
                columns={
                    "age": Column(type="number", bounds=(0, 100), bins=5),
                    "weight": Column(type="number", private=True, bins=4),
                    "sex": Column(type="category", categories=("f", "m"), other=True),
                    "ward": Column(type="category", private=True),
                    "died": Column(type="boolean"),
                },
            ),
            "visits": Table(
                shape="visits",
                key="id",
                time=Clock(column="day", gap=Column(type="number", bounds=(0, 90), bins=3)),
                columns={
                    "pain": Column(type="count", bounds=(0, 10), bins=5),
                    "marker": Column(type="number", private=True, bins=4, scale="log"),
                    "drug": Column(type="category", private=True),
                    "fever": Column(type="boolean", missing=False),
                },
            ),
        },
    )


def friends(patients: int = 40) -> tuple[list[str], list[str]]:
    """Rows of ordinary patients, with even numbers in their keys."""
    rng = np.random.default_rng(7)
    facts, visits = [], []
    for i in range(patients):
        key = f"p{2 * i:04d}"
        sex, ward, died = "fm"[i % 2], ("north", "south", "east")[i % 3], i % 5 == 0
        facts.append(f"{key},{rng.integers(20, 90)},{rng.normal(75, 12):.1f},{sex},{ward},{died}")
        day = 0
        for _ in range(int(rng.integers(0, VISITS + 2))):
            drug = ("none", "aspirin")[int(rng.integers(0, 2))]
            pain, marker, fever = rng.integers(0, 11), rng.lognormal(1, 1), rng.random() < 0.3
            visits.append(f"{key},{day},{pain},{marker:.3f},{drug},{fever}")
            day += int(rng.integers(1, 60))
    return facts, visits


def _visit(cells: str, times: int = VISITS) -> list[str]:
    return [f"{JOINS},{day},{cells}" for day in range(times)]


# Rows of one patient: facts (age, weight, sex, ward, died) and visits (day, pain, ...).
ADVERSARIES: dict[str, tuple[list[str], list[str]]] = {
    "all zeros": ([f"{JOINS},0,0,0,0,0"], _visit("0,0,0,0")),
    "1e20": ([f"{JOINS},1e20,-1e20,1e20,1e20,1e20"], _visit("1e20,1e20,1e20,1")),
    "infinite": (
        [f"{JOINS},inf,-inf,Infinity,inf,inf"],
        [f"{JOINS},inf,inf,inf,inf,inf", *_visit("-inf,inf,x,0"), f"{JOINS},-inf,1,1,none,1"],
    ),
    "NaN": ([f"{JOINS},nan,NaN,nan,nan,nan"], _visit("nan,nan,nan,nan")),
    "maximum length": ([f"{JOINS},99,80,f,north,1"], _visit("9,99,aspirin,1", VISITS)),
    "far past the maximum": ([f"{JOINS},99,80,f,north,1"], _visit("9,99,aspirin,1", 400)),
    "unseen categories": (
        [f"{JOINS},50,80,unheard,{WARD},maybe"],
        [f"{JOINS},{day},5,5,{WARD} {day},maybe" for day in range(9)],
    ),
    "a copy of another": ([f"{JOINS},44,71.0,f,north,1"] * 3, _visit("3,2.0,none,1") * 3),
    "an empty history": ([f"{JOINS},50,80,m,south,0"], []),
    "visits without facts": ([], _visit("5,5,none,0")),
    "text and formulas": (
        [f'{JOINS},=1+1,"a,b",\'; DROP,"line\nbreak",@x'],
        [f"{JOINS},later,much,-,+,*", f"{JOINS},1,,,,"],
    ),
    "malformed rows": (
        [f"{JOINS},1", f"{JOINS},1,2,f,north,1,9,9,9"],
        [f"{JOINS}", f"{JOINS},1,1"],
    ),
    "backwards in time": (
        [f"{JOINS},50,80,m,south,0"],
        [f"{JOINS},{day},5,5,none,0" for day in (1e9, 5, -3, 0, -1e9)],
    ),
}


def written(folder: Path, who: str | None, patients: int = 40) -> list[Path]:
    """The clinic's files, with that adversary among the patients, or without."""
    facts, visits = friends(patients)
    more = ADVERSARIES[who] if who is not None else ([], [])
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "patients.csv", folder / "visits.csv"]
    # In the middle of the files: what follows moves down by a row.
    facts[11:11], visits[11:11] = more
    files[0].write_text("\n".join(["id,age,weight,sex,ward,died", *facts]) + "\n")
    files[1].write_text("\n".join(["id,day,pain,marker,drug,fever", *visits]) + "\n")
    return files
