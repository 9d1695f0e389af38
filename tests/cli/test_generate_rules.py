"""Rules, ranges and balance from the command line: what is printed, and what is refused."""

from __future__ import annotations

import json

import pandas as pd
import pytest

RULES = """\
rules:
  - sys never falls
  - sys < 199.5
"""
MORE = "      twice: {type: number, formula: sys * 2}\n"


@pytest.fixture
def ruled(clinic, dpsynth):
    """A finished run of the floor whose schema holds rules, an age and a computed column."""
    text = clinic.schema.read_text()
    age = "      age: {type: number, per: patient, bounds: [0, 100], bins: 10, missing: false}\n"
    clinic.schema.write_text(text.replace("label:", MORE + age + RULES + "label:"))
    rows = clinic.data.read_text().splitlines()
    rows = [rows[0] + ",age", *(f"{row},{int(row.split(',')[0]) * 2}" for row in rows[1:])]
    clinic.data.write_text("\n".join(rows) + "\n")
    words = [w for w in clinic.train("--model=markov") if not w.startswith("--setting")]
    assert dpsynth(*words).code == 0
    return clinic


def test_rejections_are_printed_and_given_to_machines(ruled, dpsynth):
    done = dpsynth("generate", "run", "--out=a", "--n=40", "--seed=1")
    assert done.code == 0, done.err
    assert "so that all rules and conditions hold: sys never falls: " in done.out
    found = dpsynth("generate", "run", "--out=b", "--n=40", "--seed=1", "--json").json
    assert set(found["rejected_for"]) == {"sys never falls"}
    assert found["patients"] == 40 < found["made"]
    assert found["rejection_rate"] == found["rejected"] / found["made"] > 0
    assert f"Rejected {found['rejected']:,} of {found['made']:,} patients made" in done.out
    assert found["stand_ins"] >= 0
    frame = pd.read_csv(ruled.root / "a" / "clinic.csv", float_precision="round_trip")
    assert frame.dropna(subset="sys").groupby("pid")["sys"].apply(
        lambda each: each.is_monotonic_increasing
    ).all()  # fmt: skip
    assert (frame["twice"].dropna() == 2 * frame["sys"].dropna()).all()


def test_the_diffusion_model_holds_rules_and_balance_too(trained, dpsynth):
    path = trained.root / "run" / "run.json"
    facts = json.loads(path.read_text())
    assert facts["model"] == "table-diffusion"
    facts["schema"]["rules"] = ["sys never rises", "sys >= 85 + 1"]
    path.write_text(json.dumps(facts))
    words = ["--n=30", "--balance=sick", "--where=sex=f", "--format=parquet"]
    done = dpsynth("generate", "run", "--out=a", *words, "--json")
    assert done.code == 0, done.err
    frame = pd.read_parquet(trained.root / "a" / "clinic.parquet")
    known = frame.dropna(subset="sys")
    assert known["sys"].ge(86).all() and set(frame["sex"]) == {"f"}
    assert known.groupby("pid")["sys"].apply(lambda sys: sys.is_monotonic_decreasing).all()
    assert frame.drop_duplicates("pid")["sick"].value_counts().tolist() == [15, 15]


def test_ranges_and_balance_hold_in_the_file(ruled, dpsynth):
    words = ["--n=31", "--where=age>=20", "--where=age<65.5", "--balance=sick"]
    done = dpsynth("generate", "run", "--out=a", *words, "--json")
    assert done.code == 0, done.err
    people = pd.read_csv(ruled.root / "a" / "clinic.csv").drop_duplicates("pid")
    assert people["age"].between(20, 65.5, inclusive="left").all()
    assert sorted(people["sick"].value_counts()) == [15, 16]


def test_without_rules_nothing_is_said_of_them(trained, dpsynth):
    done = dpsynth("generate", "run", "--out=a", "--n=5")
    assert done.code == 0 and "reject" not in done.out.lower()
    assert dpsynth("generate", "run", "--out=b", "--n=5", "--json").json["rejected"] == 0


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--where=age>=old", "holds numbers"),
        ("--where=sex>f", "has categories, not a range"),
        ("--where=sys>=100", "per-patient column"),
        ("--where=age>200", "nobody can meet"),
        ("--balance=age", "holds numbers"),
        ("--balance=sys", "per-patient column"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_in_a_line(ruled, dpsynth, option, told):
    done = dpsynth("generate", "run", "--out=a", option)
    assert done.code == 2 and told in done.err and len(done.err.splitlines()) == 1
    assert not (ruled.root / "a").exists()


def test_a_rule_that_no_patient_holds_ends_with_1_and_its_name(ruled, dpsynth):
    path = ruled.root / "run" / "run.json"
    text = path.read_text()
    assert "sys < 199.5" in text
    path.write_text(text.replace("sys < 199.5", "age < -5"))
    done = dpsynth("generate", "run", "--out=a", "--n=10")
    assert done.code == 1 and len(done.err.splitlines()) == 1
    assert "'age < -5'" in done.err and not (ruled.root / "a").exists()


def test_a_bad_rule_stops_training_before_anything_is_written(clinic, dpsynth):
    text = clinic.schema.read_text()
    clinic.schema.write_text(text.replace("label:", "rules: [sys never fals]\nlabel:"))
    before = clinic.tree()
    done = dpsynth(*clinic.train())
    assert done.code == 2 and "schema.yaml: rules.0: " in done.err
    assert len(done.err.splitlines()) == 1 and clinic.tree() == before
