"""`log-linear` from raw file to released file: three releases, kills between them, the card."""

import functools
import json
from dataclasses import replace

import pandas as pd
import pytest
from test_kill_resume import killed, killing

from dpsynth.models import base
from dpsynth.models.state import State
from dpsynth.models.warm import fitting, start
from dpsynth.privacy import accountant
from dpsynth.privacy.door import Door
from dpsynth.privacy.ledger import Ledger

NAMES = ["tables", "moments", "label"]


@pytest.fixture(scope="session")
def planned():
    return functools.cache(accountant.calibrate)


@pytest.fixture
def ward(clinic, monkeypatch, planned):
    """The clinic, and a model that is fitted in no time."""
    monkeypatch.setattr(base, "calibrate", planned)
    monkeypatch.setattr(start, "ROUNDS", 3)
    monkeypatch.setattr(start, "SUMMARIES", 200)
    monkeypatch.setattr(fitting, "PATIENTS", 200)
    return replace(clinic, tiny=("--model=log-linear",))


def card_of(ward) -> dict:
    return json.loads((ward.root / "run" / "privacy.json").read_text())


def test_it_trains_generates_and_says_what_it_asked(ward, dpsynth):
    assert dpsynth(*ward.train()).code == 0
    assert dpsynth("generate", "run", "--out=copy", "--n=25", "--where=sick=true").code == 0
    tables = [pd.read_csv(path, dtype=str) for path in (ward.root / "copy").rglob("*.csv")]
    (facts,) = (table for table in tables if "sick" in table)
    assert set(facts["sick"].str.lower()) == {"true"}
    assert facts["pid"].nunique() == 25
    run = json.loads((ward.root / "run" / "run.json").read_text())
    card = card_of(ward)
    asked = card["mechanism"]["measurements"]
    assert [each["name"] for each in asked] == NAMES
    planned = {each["name"]: each["noise_multiplier"] for each in run["plan"]["releases"]}
    assert {each["name"]: each["noise_multiplier"] for each in asked} == planned
    assert min(planned.values()) > 0
    assert planned["tables"] < planned["moments"] == planned["label"]  # half, a quarter, a quarter
    assert card["mechanism"]["training"] is None
    assert card["guarantee"]["epsilon"] == 1.0
    # The three together cost what is promised, and no less than nearly all of it is used.
    assert 0.98 < card["accounting"]["epsilon"] <= 1.0
    text = (ward.root / "run" / "privacy.html").read_text()
    assert all(name in text for name in NAMES)


@pytest.mark.parametrize("after", [False, True], ids=["before it is saved", "once it is saved"])
@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_killed_run_asks_for_the_rest_alone(ward, dpsynth, monkeypatch, turn, after):
    # An answer that was not saved was seen by nobody: asked again, it is answered first then.
    arm = killing(State, "once", turn, after=True) if after else killing(
        Door, "measure", turn, after=True
    )  # fmt: skip
    killed(arm, lambda: dpsynth(*ward.train()))
    state = ward.root / "run" / "state"
    saved = {path.stem: path.read_bytes() for path in state.glob("*.safetensors")}
    assert sorted(saved) == sorted(NAMES[: turn if after else turn - 1])
    asked, measure, kept, remove = [], Door.measure, {}, State.remove

    def counted(self, name, questions):
        asked.append(name)
        return measure(self, name, questions)

    def remembered(self):
        kept.update({p.stem: p.read_bytes() for p in self.folder.glob("*.safetensors")})
        remove(self)

    monkeypatch.setattr(Door, "measure", counted)
    monkeypatch.setattr(State, "remove", remembered)
    assert dpsynth("train", ward.data, "--resume", "--out=run").code == 0
    assert asked == NAMES[len(saved) :]
    assert sorted(kept) == sorted(NAMES)
    assert all(kept[name] == content for name, content in saved.items())
    entries = [entry.type for entry in Ledger(ward.root / "ledger").entries("clinic")]
    assert (entries.count("reserve"), entries.count("finish")) == (1, 1)
    assert Ledger(ward.root / "ledger").spent("clinic").epsilon == 1.0
    assert [each["name"] for each in card_of(ward)["mechanism"]["measurements"]] == NAMES


def test_it_has_nothing_to_set(ward, dpsynth):
    done = dpsynth(*ward.train("--setting=width=8"))
    assert done.code == 2
    assert "width" in done.err


def test_without_a_label_nothing_is_asked_for_it(ward, dpsynth):
    text = ward.schema.read_text()
    ward.schema.write_text(text[: text.index("label:")])
    assert dpsynth(*ward.train()).code == 0
    asked = card_of(ward)["mechanism"]["measurements"]
    assert [each["name"] for each in asked] == NAMES[:2]
