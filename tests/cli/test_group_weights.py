"""Weights of groups from the command line: what the card says, what stays, what is refused."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from dpsynth.privacy.ledger import Ledger
from dpsynth.privacy.plan import Plan

WEIGHTS = "--group-weights=sex:f=1,m=0.4"


def plain(clinic, *more: str, out: str = "run") -> list[str]:
    """Without the settings of a network."""
    return [w for w in clinic.train(*more, out=out) if not w.startswith("--setting")]


def test_weights_stand_on_the_card_in_the_ledger_and_cost_nothing(clinic, dpsynth):
    words = ["--model=log-linear", "--insecure-seed=1"]
    assert dpsynth(*plain(clinic, *words, out="without")).code == 0
    done = dpsynth(*plain(clinic, *words, WEIGHTS))
    assert done.code == 0, done.err
    cards = [json.loads((clinic.root / f / "privacy.json").read_text()) for f in ("without", "run")]
    assert cards[0]["mechanism"]["weighting"] is None
    found = cards[1]["mechanism"]["weighting"]
    assert (found["measurements"], found["training"]) == (True, False)
    assert found["groups"] == [
        {"column": "sex", "group": "f", "weight": 1.0},
        {"column": "sex", "group": "m", "weight": 0.4},
    ]
    for part in (("guarantee", "epsilon"), ("mechanism", "measurements")):
        assert cards[0][part[0]][part[1]] == cards[1][part[0]][part[1]]
    assert "Weights of groups" in (clinic.root / "run" / "privacy.html").read_text()
    plans = [e.body["plan"] for e in Ledger().entries("clinic") if e.type == "reserve"]
    assert "groups" not in plans[0]
    assert Plan.from_public(plans[1]).groups.public()["groups"] == {"sex": {"f": 1.0, "m": 0.4}}
    assert dpsynth("generate", "run", "--out=copy", "--n=20").code == 0
    assert len(pd.read_csv(clinic.root / "copy" / "clinic.csv").drop_duplicates("pid")) == 20


def test_a_network_is_weighed_in_both_and_audited(clinic, dpsynth):
    done = dpsynth(*clinic.train(WEIGHTS))
    assert done.code == 0, done.err
    card = json.loads((clinic.root / "run" / "privacy.json").read_text())
    found = card["mechanism"]["weighting"]
    assert (found["measurements"], found["training"]) == (True, True)
    assert card["audit"]["verdict"] != "violated"
    done = dpsynth("train", clinic.data, "--resume", "--out=run", WEIGHTS)
    assert done.code == 2 and "--group-weights is fixed by the run" in done.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--group-weights=sex"], "group weights read 'sex:f=1,m=0.4'"),
        (["--group-weights=sex:f"], "group weights read 'sex:f=1,m=0.4'"),
        (["--group-weights=sex:f=much"], "group weights read 'sex:f=1,m=0.4'"),
        (["--group-weights=sex:f=1,f=0.5"], "has two weights"),
        ([WEIGHTS, WEIGHTS], "each column once"),
        (["--group-weights=sex:f=1.5"], "must be in [0.01, 1]"),
        (["--group-weights=sex:f=0"], "must be in [0.01, 1]"),
        (["--group-weights=sex:f=nan"], "group weights read 'sex:f=1,m=0.4'"),
        (["--group-weights=sex:x=1"], "the groups of 'sex' are f, m, (missing); got 'x'"),
        (["--group-weights=sys:..110=1"], "per-patient column (sex, sick), got 'sys'"),
        (["--group-weights=sick:true=1"], "is the label"),
        (["--weigh=both"], "needs group weights"),
        ([WEIGHTS, "--weigh=some"], "'some' is not one of"),
    ],
)
def test_weights_that_make_no_sense_are_refused_in_a_line(clinic, dpsynth, options, told):
    before = clinic.tree()
    done = dpsynth(*clinic.train(*options))
    assert done.code == 2 and told in done.err and len(done.err.splitlines()) == 1, done.err
    assert clinic.tree() == before


def test_a_model_that_cannot_weigh_says_which_can(clinic, dpsynth):
    done = dpsynth(*plain(clinic, "--model=markov", WEIGHTS))
    assert done.code == 2 and "model 'markov' can't weigh groups" in done.err
    assert "log-linear (measurements)" in done.err and "--balance" in done.err


def test_intersections_of_sensitive_attributes_are_balanced(trained, dpsynth):
    words = ["--balance=sex", "--balance=sick", "--n=42", "--format=parquet"]
    done = dpsynth("generate", "run", "--out=a", *words)
    assert done.code == 0, done.err
    people = pd.read_parquet(trained.root / "a" / "clinic.parquet").drop_duplicates("pid")
    counts = people.groupby(["sex", "sick"]).size()
    assert sorted(counts) == [10, 10, 11, 11]
    line = json.loads((trained.root / "run" / "copies.jsonl").read_text())
    assert line["balance"] == "sex, sick"
    done = dpsynth("generate", "run", "--out=b", "--balance=sex", "--balance=sex")
    assert done.code == 2 and "has a condition" in done.err
