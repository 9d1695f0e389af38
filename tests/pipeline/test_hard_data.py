"""The main job on hard data: trained at epsilon 3, generated, and every rule holds exactly.

What is checked here is checked on the written files, by other means than the code that holds it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hard_clinic import hard_clinic

from dpsynth.data.schema_file import load_schema
from dpsynth.pipeline import generate, train
from dpsynth.pipeline.generation import Generated
from dpsynth.privacy.ledger import Ledger

Copy = tuple[Generated, pd.DataFrame, pd.DataFrame]


def copied(run: Path, patients: int, **given: Any) -> Copy:
    """What was made of a run, its people and its visits as written."""
    out = run.with_name(f"copy-{len(list(run.parent.iterdir()))}")
    made = generate(run, out, patients=patients, **{"seed": 0} | given)
    frames = [pd.read_csv(path, float_precision="round_trip") for path in made.files]
    return made, frames[0], frames[1]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, once_accounted: None) -> Path:
    """A run of the Markov floor at epsilon 3."""
    folder = tmp_path_factory.mktemp("hard")
    data, schema = hard_clinic(folder, patients=1000)
    group = {"population": "hard", "ledger": Ledger(folder / "ledger")}
    train(data, load_schema(schema), folder / "run", epsilon=3, model="markov", **group)
    return folder / "run"


def hold(people: pd.DataFrame, visits: pd.DataFrame) -> None:
    """Every rule of the hard clinic, and its computed columns."""
    by = visits.groupby("pid")
    assert by["age"].apply(lambda age: age.is_monotonic_increasing).all()
    onset = visits["pid"].map(people.set_index("pid")["onset"])
    assert not (onset > visits["age"]).any()
    assert (visits["diastolic"] < visits["systolic"]).all()
    assert not (visits["bmi"] >= 130).any()
    last = ~visits.duplicated("pid", keep="last")
    assert last[visits["outcome"] == "died"].all()
    assert (visits["total"] == visits["charge"] + visits["fee"]).all()
    bmi = visits["weight"] / (visits["height"] * visits["height"])
    pd.testing.assert_series_equal(visits["bmi"], bmi, check_names=False, check_exact=True)
    known = bmi.notna()
    assert visits["obese"].isna().equals(~known)
    assert (visits.loc[known, "obese"].astype(bool) == (bmi[known] >= 30)).all()


def test_the_data_are_hard(tmp_path):
    people, visits = (pd.read_csv(path) for path in hard_clinic(tmp_path, patients=1000)[0])
    sizes = visits.groupby("pid").size()
    assert (sizes.min(), sizes.max()) == (1, 40)
    assert people["born_at"].nunique() > 100 and visits["diagnosis"].nunique() > 100
    paid = visits.loc[visits["charge"] > 0, "charge"]
    assert paid.max() / paid.min() > 1e5
    assert visits["troponin"].isna().mean() > 0.95
    hold(people, visits.assign(bmi=visits["weight"] / visits["height"] ** 2).pipe(_as_written))


def _as_written(visits: pd.DataFrame) -> pd.DataFrame:
    """Computed columns of real rows from what the rows show: weight or height may be missing."""
    bmi = visits["weight"] / (visits["height"] * visits["height"])
    obese = (bmi >= 30).astype(object).where(bmi.notna())
    return visits.assign(total=visits["charge"] + visits["fee"], bmi=bmi, obese=obese)


def test_every_rule_holds_exactly_and_rejections_are_told(run):
    made, people, visits = copied(run, 150)
    assert len(people) == 150
    hold(people, visits)
    tally = made.tally
    assert tally.made > 150 and 0 < tally.rejected < tally.made
    assert set(tally.reasons) <= set(made.run.schema.rules)
    assert visits["charge"].between(0, 1e6).all() and visits["tests"].dropna().ge(0).all()
    assert visits["troponin"].isna().mean() > 0.5
    assert visits.groupby("pid").size().max() <= 40


def test_conditions_hold_exactly_together_with_the_rules(run):
    where = ["sex=f", "ill=true", "onset>=15.5", "onset<55"]
    made, people, visits = copied(run, 40, where=where)
    assert len(people) == 40
    assert (people["sex"] == "f").all() and people["ill"].astype(bool).all()
    assert people["onset"].between(15.5, 55, inclusive="left").all()
    hold(people, visits)
    assert made.tally.reasons["conditions asked for"] > 0


def test_a_balanced_copy_has_equal_numbers_of_each_category(run):
    for column, n in (("ill", 61), ("sex", 30)):
        _, people, visits = copied(run, n, balance=column, where=["onset<90"])
        counts = people[column].value_counts()
        assert len(people) == n and len(counts) == 2 and counts.max() - counts.min() == n % 2
        assert people["pid"].tolist() == list(range(1, n + 1))
        changes = (people[column].to_numpy()[1:] != people[column].to_numpy()[:-1]).sum()
        assert changes > 3  # not block after block: below 1e-6 by chance
        hold(people, visits)


def test_rare_categories_are_found_privately_and_balanced_too(run):
    made, people, _ = copied(run, 100, balance="born_at", where=["income>=0"])
    book = made.run.fields["born_at"]
    assert 3 < len(book.categories) < 60 and book.categories[-1] == "other"
    counts = people["born_at"].value_counts()
    assert set(counts.index) == set(book.categories)
    assert counts.max() - counts.min() <= 1
    assert people["income"].notna().all()


def test_one_seed_repeats_a_copy_made_in_rounds(run):
    _, one, visits = copied(run, 60)
    _, two, again = copied(run, 60)
    _, _, other = copied(run, 60, seed=1)
    pd.testing.assert_frame_equal(one, two)
    pd.testing.assert_frame_equal(visits, again)
    assert not np.array_equal(visits["age"], other["age"])
