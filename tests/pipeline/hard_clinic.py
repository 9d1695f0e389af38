"""A seeded clinic of hard data: many codes, heavy tails, long records, rules and computed values.

Nothing in it comes from anywhere but the generator below.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

SCHEMA = """\
version: 1
name: hard clinic
population: {patients}
max_visits: 40
tables:
  people:
    shape: static
    key: pid
    columns:
      sex: {{type: category, categories: [f, m], missing: false, sensitive: true}}
      insured: {{type: boolean}}
      born_at: {{type: category, private: true}} # hundreds of hospitals, most of them rare
      onset: {{type: number, unit: years, bounds: [0, 100], bins: 10}}
      income: {{type: number, unit: USD, bounds: [0, 1000000], bins: 12, scale: log, atoms: [0]}}
      ill: {{type: boolean, missing: false}}
  visits:
    shape: visits
    key: pid
    time:
      column: day
      gap: {{type: count, bounds: [0, 400], bins: [1, 7, 30, 90], missing: false}}
    columns:
      age: {{type: number, unit: years, bounds: [0, 110], bins: 11, missing: false}}
      diagnosis: # hundreds of codes, folded
        type: category
        categories: [infection, diabetes, endocrine, heart, injury]
        groups: {{1-139: infection, "250": diabetes, 240-279: endocrine, 390-459: heart,
          800-999: injury}}
        other: true
      charge: {{type: number, unit: USD, bounds: [0, 1000000], bins: 12, scale: log, atoms: [0],
        missing: false}}
      fee: {{type: number, unit: USD, bounds: [0, 1000], bins: 5, missing: false}}
      tests: {{type: count, bounds: [0, 100000], bins: 10, scale: log, atoms: [0]}}
      troponin: {{type: number, bounds: [0, 100], bins: 4}} # nearly always missing
      systolic: {{type: number, bounds: [70, 230], bins: [100, 120, 140, 160, 180], missing: false}}
      diastolic: {{type: number, bounds: [40, 130], bins: [60, 70, 80, 90, 110], missing: false}}
      weight: {{type: number, unit: kg, bounds: [30, 200], bins: 8}}
      height: {{type: number, unit: m, bounds: [1.2, 2.2], bins: 5}}
      chronic: {{type: boolean, missing: false}}
      outcome: {{type: category, categories: [home, ward, died], missing: false}}
      total: {{type: number, unit: USD, formula: charge + fee}}
      bmi: {{type: number, unit: kg/m2, formula: weight / (height * height)}}
      obese: {{type: boolean, formula: weight / (height * height) >= 30}}
label: {{column: ill, positive: "true"}}
rules:
  - age never falls
  - onset <= age
  - diastolic < systolic
  - total >= charge
  - bmi < 130
  - no visit after outcome == "died"
"""


def hard_clinic(folder: Path, patients: int, seed: int = 0) -> tuple[list[Path], Path]:
    """Write people.csv, visits.csv and schema.yaml; data first, then the schema."""
    rng = np.random.default_rng(seed)
    people = _people(patients, rng)
    visits = [_visits(person, rng) for person in people.itertuples()]
    paths = [folder / "people.csv", folder / "visits.csv"]
    people.drop(columns=["start"]).to_csv(paths[0], index=False)
    pd.concat(visits).to_csv(paths[1], index=False)
    schema = folder / "schema.yaml"
    schema.write_text(SCHEMA.format(patients=patients))
    return paths, schema


def _people(patients: int, rng: np.random.Generator) -> pd.DataFrame:
    start = rng.uniform(0, 90, patients)
    place = rng.zipf(1.3, patients) % 400
    return pd.DataFrame(
        {
            "pid": np.arange(patients),
            "sex": rng.choice(["f", "m"], patients),
            "insured": _gone(rng.choice(["0", "1"], patients), 0.1, rng),
            "born_at": [f"hospital {each}" for each in place],
            "onset": _gone((start * rng.random(patients)).round(2), 0.4, rng),
            "income": np.where(rng.random(patients) < 0.2, 0, np.exp(rng.normal(9, 2, patients))),
            "ill": (rng.random(patients) < 0.2 + 0.005 * start).astype(int),
            "start": start,
        }
    )


def _visits(person: object, rng: np.random.Generator) -> pd.DataFrame:
    """1 to 40 visits; who dies does so at the last."""
    n = int(np.clip(rng.geometric(0.15), 1, 40))
    days = np.cumsum(rng.geometric(0.03, n))
    systolic = rng.normal(130, 18, n).clip(80, 220)
    weight, height = rng.normal(75, 12, n).clip(35, 180), rng.normal(1.7, 0.1, n).clip(1.3, 2.1)
    charge = np.where(rng.random(n) < 0.3, 0, np.exp(rng.normal(5, 3, n))).clip(0, 1e6)
    fee = rng.uniform(0, 1000, n)
    outcome = rng.choice(["home", "ward"], n, p=[0.8, 0.2])
    ill = bool(person.ill)  # type: ignore[attr-defined]
    if rng.random() < 0.15 + 0.3 * ill:
        outcome[-1] = "died"
    codes = [250, 401, 401, 428, 8, 276, 820, 999, *range(1, 900, 7)]
    return pd.DataFrame(
        {
            "pid": person.pid,  # type: ignore[attr-defined]
            "day": days,
            "age": person.start + days / 365.25,  # type: ignore[attr-defined]
            "diagnosis": rng.choice(codes, n),
            "charge": charge,
            "fee": fee,
            "tests": np.floor(np.exp(rng.normal(2 + ill, 2, n))),
            "troponin": _gone(rng.exponential(2, n), 0.97, rng),
            "systolic": systolic,
            "diastolic": systolic * rng.uniform(0.5, 0.8, n),
            "weight": _gone(weight, 0.2, rng),
            "height": _gone(height, 0.2, rng),
            "chronic": np.arange(n) >= rng.integers(0, 20),
            "outcome": outcome,
            "total": charge + fee,
            "bmi": weight / height**2,
            "obese": weight / height**2 >= 30,
        }
    )


def _gone(values: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """The values, a share of them missing."""
    return np.where(rng.random(len(values)) < share, None, values.astype(object))
