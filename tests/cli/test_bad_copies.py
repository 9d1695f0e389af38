"""A bad copy is measured as far as it goes: one clear line for what can't be, and the rest."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from dpsynth.data.reader import read
from dpsynth.data.schema_file import load_schema
from dpsynth.errors import SchemaError

SCHEMA = """\
name: toy
max_visits: 3
label: {column: died, positive: "1"}
tables:
  people:
    shape: static
    key: id
    columns:
      sex: {type: category, categories: [f, m], sensitive: true}
      age: {type: number, bounds: [0, 100], bins: 5}
      died: {type: category, categories: ["0", "1"]}
  stays:
    shape: visits
    key: id
    time: {column: day, gap: {type: number, bounds: [0, 50], bins: 5}}
    columns:
      bp: {type: number, bounds: [50, 250], bins: 5}
"""
Tables = tuple[pd.DataFrame, pd.DataFrame]


def tables(seed: int, many: int = 120) -> Tables:
    rng = np.random.default_rng(seed)
    keys, age = 1000 * seed + np.arange(many), rng.uniform(20, 95, many)
    died = (rng.random(many) < age / 100).astype(int)
    people = pd.DataFrame({"id": keys, "sex": rng.choice(["f", "m"], many), "age": age})
    who = np.repeat(keys, 2)
    days = np.tile([0, 1], many) * rng.integers(1, 20, 2 * many)
    stays = pd.DataFrame({"id": who, "day": days, "bp": rng.uniform(80, 200, 2 * many)})
    return people.assign(died=died), stays


def column(name: str, value: object) -> Callable[[Tables], Tables]:
    """The copy with one value all over a column of its people."""
    return lambda made: (made[0].assign(**{name: value}), made[1])


BAD: dict[str, tuple[Callable[[Tables], Tables], str, set[str]]] = {
    # the copy, a line of the report's notes, and metrics that can't be assessed
    "a missing column": (
        lambda made: (made[0].drop(columns="age"), made[1]),
        "people.csv: lacks age: taken as missing everywhere",
        set(),
    ),
    "a missing label": (
        lambda made: (made[0].drop(columns="died"), made[1]),
        "people.csv: lacks died: taken as missing everywhere",
        {"regret", "coefficient_overlap"},
    ),
    "other types": (column("age", "old"), "age: 120 cells that are not numbers", set()),
    "unseen categories": (column("sex", "x"), "sex: 120 values not in the list", set()),
    "an unknown column": (column("room", 1), "left out, unknown to the schema: room", set()),
    "no times": (
        lambda made: (made[0], made[1].assign(day="soon")),
        "240 rows without a time (no visit)",
        {"gap_wasserstein"},
    ),
    "all missing": (column("age", None), "", set()),
    "a constant target": (column("died", 0), "", {"regret", "ranking_agreement"}),
    "one row": (lambda made: (made[0].head(1), made[1].head(2)), "", {"c2st_auc", "c2st_p"}),
}


@pytest.fixture
def evaluated(tmp_path, monkeypatch, dpsynth):
    """Evaluates a copy of the toy, by the command line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DPSYNTH_LEDGER", str(tmp_path / "ledger"))
    (tmp_path / "schema.yaml").write_text(SCHEMA)

    def written(folder: str, made: Tables) -> list[str]:
        (tmp_path / folder).mkdir()
        names = [f"{folder}/people.csv", f"{folder}/stays.csv"]
        for name, table in zip(names, made, strict=True):
            table.to_csv(tmp_path / name, index=False)
        return names

    def call(copy: Tables):
        words = [f"--train={each}" for each in written("train", tables(1))]
        words += [f"--holdout={each}" for each in written("holdout", tables(2))]
        written("copy", copy)
        words += ["--schema=schema.yaml", "--synthetic=copy", "--out=report", "--population=toy"]
        return dpsynth("evaluate", *words)

    return call


@pytest.mark.parametrize("name", BAD)
def test_what_can_not_be_computed_is_said_and_the_rest_is_computed(evaluated, tmp_path, name):
    spoilt, line, lost = BAD[name]
    done = evaluated(spoilt(tables(3)))
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    report = json.loads((tmp_path / "report/report.json").read_text())
    assert any(line in note for note in report["notes"])
    none = {row["metric"]: row for row in report["rows"] if row["value"] is None}
    assert lost <= set(none)
    for row in none.values():  # a line for each, with its reason
        assert "not assessable (" in row["reading"] and not row["reading"].endswith("().")
    known = {row["metric"] for row in report["rows"] if row["value"] is not None}
    assert {"tv1", "tv2", "copy_rate", "group_share", "dcr_share"} <= known


def test_a_copy_without_keys_or_a_table_is_refused_in_one_line(evaluated):
    people, stays = tables(3)
    done = evaluated((people.drop(columns="id"), stays))
    assert done.code == 2
    assert done.err.splitlines()[-1].startswith("error: people.csv: lacks id")


def test_real_files_must_still_be_complete(tmp_path):
    (tmp_path / "schema.yaml").write_text(SCHEMA)
    people, stays = tables(4)
    people.drop(columns="age").assign(room=1).to_csv(tmp_path / "people.csv", index=False)
    stays.to_csv(tmp_path / "stays.csv", index=False)
    files, schema = (
        [tmp_path / "people.csv", tmp_path / "stays.csv"],
        load_schema(tmp_path / "schema.yaml"),
    )
    with pytest.raises(SchemaError, match="lacks age"):
        read(files, schema)
    records, notes = read(files, schema, incomplete=True)
    assert records.static["age"].isna().all()
    assert len(notes.columns) == 2
