"""A run of table-gan that is interrupted in its duel is taken up to the end of its plan."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from dpsynth.models.duel import Duel
from dpsynth.privacy.ledger import Ledger

SETTINGS = {"steps": 4, "generated": 16, "batch": 64, "width": 8, "critic_width": 3}
SMALL = tuple(f"--setting={name}={value}" for name, value in SETTINGS.items())


@pytest.mark.parametrize(
    ("name", "turn", "lost"),
    [("learn_critic", 1, 1), ("learn_generator", 3, 1), ("packed", 3, 2)],
)
def test_an_interrupted_duel_goes_on(clinic, dpsynth, monkeypatch, name, turn, lost):
    # With a checkpoint every second step: the first step, or the third, is lost with its
    # answer; the third checkpoint (begin, 2, 4) fails after the last step, so two are lost.
    original, left = getattr(Duel, name), [turn]

    def stopping(*args):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return original(*args)

    gan = replace(clinic, tiny=(*SMALL, "--setting=save_every=2", "--model=table-gan"))
    with monkeypatch.context() as patch:
        patch.setattr(Duel, name, stopping)
        assert dpsynth(*gan.train()).code == 130
    assert (clinic.root / "run" / "state").exists()
    assert dpsynth("train", clinic.data, "--resume", "--out=run").code == 0
    run = json.loads((clinic.root / "run" / "run.json").read_text())
    assert (run["status"], run["steps_dropped"]) == ("finished", lost)
    assert not (clinic.root / "run" / "state").exists()
    entries = Ledger(clinic.root / "ledger").entries("clinic")
    assert [entry.type for entry in entries].count("reserve") == 1
    assert dpsynth("generate", "run", "--out=copy", "--n=12", "--where=sex=f").code == 0
    (copied,) = (clinic.root / "copy").rglob("*.csv")
    assert set(pd.read_csv(copied)["sex"]) == {"f"}
