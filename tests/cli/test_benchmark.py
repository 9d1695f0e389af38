"""`dpsynth benchmark`: a user's own models, in order, with what they cost written down."""

from __future__ import annotations

import json

import pytest

from dpsynth.pipeline import models_named
from dpsynth.privacy.ledger import Ledger

OWN = """\
import numpy as np

class Constant:
    def fit(self, X, y): self.share = y.mean()
    def predict_proba(self, X):
        return np.tile([1 - self.share, self.share], (len(X), 1))

class First(Constant):
    def predict_proba(self, X):
        chance = 1 / (1 + np.exp(-X[:, 0]))
        return np.stack([1 - chance, chance], axis=1)

def factory(): return First()
made = Constant()
class Broken(Constant):
    def fit(self, X, y): raise RuntimeError("too\\nhard")
nothing = 3
"""


@pytest.fixture
def words(clinic):
    """A whole command but for the models; every third patient is held out."""
    head, *rows = clinic.data.read_text().splitlines(keepends=True)
    for name, kept in (("train", (0, 1)), ("holdout", (2,))):
        held = [r for r in rows if int(r.split(",")[0]) // 3 % 3 in kept]
        (clinic.root / f"{name}.csv").write_text("".join([head, *held]))
    (clinic.root / "own_models.py").write_text(OWN)
    fixed = ["benchmark", "--schema=schema.yaml", "--train=train.csv", "--holdout=holdout.csv"]
    return [*fixed, "--synthetic=clinic.csv", "--population=clinic", "--out=found.json"]


def test_own_models_are_ranked_and_the_access_is_written_down(clinic, dpsynth, words):
    models = [f"--model=own_models:{name}" for name in ("Constant", "factory")]
    done = dpsynth(*words, *models, "--model=linear", "--seeds=2")
    assert done.code == 0, done.err
    for word in ("INTERNAL", "own_models:factory", "linear", "Kendall's tau", "Pick: ", "ledger"):
        assert word in done.out
    found = json.loads((clinic.root / "found.json").read_text())
    assert {line["model"] for line in found["lines"]} == {
        "own_models:Constant",
        "own_models:factory",
        "linear",
    }
    assert {"value", "low", "high", "n", "note"} == set(found["tau"])
    assert found["seeds"] == 2 and found["failed"] == {}
    assert [e.type for e in Ledger().entries("clinic")][-1] == "unprotected"


def test_machines_are_told_no_figure(clinic, dpsynth, words):
    done = dpsynth(*words, "--model=own_models:made", "--model=boosting", "--json")
    assert done.code == 0, done.err
    told = {"command", "exit_code", "internal", "files", "failed", "population", "spent"}
    assert set(done.json) == told
    assert done.json["spent"]["unprotected"] == 1


def test_one_that_raises_is_one_line_and_the_others_go_on(clinic, dpsynth, words):
    models = [f"--model=own_models:{name}" for name in ("Broken", "Constant", "First")]
    done = dpsynth(*words, *models)
    assert done.code == 1
    assert done.err.splitlines() == [
        "internal: the model 'own_models:Broken' failed (RuntimeError: too hard)"
    ]
    assert "own_models:First" in done.out
    found = json.loads((clinic.root / "found.json").read_text())
    assert len(found["lines"]) == 2 and list(found["failed"]) == ["own_models:Broken"]
    again = dpsynth(*words[:-1], "--out=more.json", "--model=own_models:Broken", "--json")
    assert again.code == again.json["exit_code"] == 1


def test_without_a_name_our_kinds_of_models_are_taken(clinic, dpsynth, words):
    assert dpsynth(*words, "--seeds=2").code == 0
    found = json.loads((clinic.root / "found.json").read_text())
    assert {line["model"] for line in found["lines"]} == {"linear", "boosting", "mlp", "gru"}


def test_installed_models_are_found_by_name(clinic, dpsynth, words, monkeypatch):
    class Point:
        name = "mine"

        def load(self):
            from sklearn.naive_bayes import GaussianNB

            return GaussianNB

    monkeypatch.setattr(models_named, "entry_points", lambda group: [Point()])
    assert dpsynth(*words, "--model=mine", "--model=linear").code == 0
    done = dpsynth(*words[:-1], "--out=more.json", "--model=yours")
    assert done.code == 2 and "linear, boosting, mlp, gru, mine" in done.err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--model=nowhere:Thing"], "can't be imported"),
        (["--model=own_models:Nothing"], "can't be imported"),
        (["--model=own_models:nothing"], "model with fit"),
        (["--model=oracle"], "there is no model"),
        (["--model=linear", "--model=linear"], "given twice"),
        (["--seeds=1"], "--seeds"),
        (["--out=own_models.py"], "there already"),
        (["--out=no/where.json"], "does not exist"),
    ],
)
def test_bad_usage_is_refused_before_anything_is_read(clinic, dpsynth, words, more, told):
    (clinic.root / "train.csv").unlink()
    before = clinic.tree()
    done = dpsynth(*words, *more)
    assert done.code == 2 and told in done.err, done
    assert len(done.err.splitlines()) == 1
    after = clinic.tree()
    assert {k: v for k, v in after.items() if "__pycache__" not in k} == before


def test_a_run_folder_never_holds_a_benchmark(trained, dpsynth, words):
    done = dpsynth(*words, "--out=run/found.json")
    assert done.code == 2 and "inside the run folder" in done.err


def test_a_schema_without_a_label_is_refused(clinic, dpsynth, words):
    text = clinic.schema.read_text()
    clinic.schema.write_text(text.replace('label: {column: sick, positive: "true"}\n', ""))
    done = dpsynth(*words)
    assert done.code == 2 and "names no label" in done.err
