"""`train --pretrain`: public pictures first, named on the card, taken up after a kill."""

import json

import numpy as np
import pytest
from test_pictures import SCHEMA

from dpsynth.cli.main import run
from dpsynth.data import public_pictures
from dpsynth.data.phantoms import chest
from dpsynth.data.pictures import write_images
from dpsynth.models.image_diffusion import ImageDiffusion

QUICK = ["kept=4", "width=16", "depth=1", "steps=2", "views=1", "batch=32", "public_steps=3"]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("DPSYNTH_LEDGER", str(tmp_path / "ledger"))
    monkeypatch.setattr(public_pictures, "PATIENTS", 120)
    made = chest(60, seed=1)
    made.facts().to_csv(tmp_path / "chests.csv", index=False)
    write_images(made.images, tmp_path / "scans", made.table["image"].tolist())
    (tmp_path / "schema.yaml").write_text(SCHEMA.replace("population: 300", "population: 60"))


def words(place, source: str, *more: str, model: str = "image-diffusion") -> list[str]:
    found = ["train", str(place / "chests.csv"), "--schema", str(place / "schema.yaml")]
    found += ["--model", model, "--epsilon", "10", "--out", str(place / "run")]
    found += ["--population", "chests", "--pretrain", source, "--device", "cpu", *more]
    return found + [word for each in QUICK for word in ("--setting", each)]


def test_the_card_names_what_was_learnt_from_first(tmp_path):
    assert run(words(tmp_path, "chest")) == 0
    card = json.loads((tmp_path / "run" / "privacy.json").read_text())
    said = card["scope"]["public_data"]
    assert "pictures of 'chest', phantoms drawn by a program (SHA-256" in said
    assert card["mechanism"]["warm_start"] == "the noisy answers, and public pictures"
    assert not list((tmp_path / "run").rglob("public*"))
    assert run(["generate", str(tmp_path / "run"), "--n", "5", "--out", str(tmp_path / "c")]) == 0


def test_a_folder_is_named_without_its_place(tmp_path):
    write_images(
        chest(110, seed=5).images[:110], tmp_path / "open", [f"{i}.png" for i in range(110)]
    )
    assert run(words(tmp_path, str(tmp_path / "open"))) == 0
    text = (tmp_path / "run" / "privacy.json").read_text() + (tmp_path / "run/run.json").read_text()
    assert "110 pictures of 'open', taken to be public" in text
    assert str(tmp_path) not in text


def test_a_killed_run_takes_its_public_pictures_up(tmp_path, monkeypatch):
    seen = []
    original = ImageDiffusion.learn_first

    def stopped(self, pictures):
        seen.append(pictures)
        if len(seen) == 1:
            raise KeyboardInterrupt
        original(self, pictures)

    monkeypatch.setattr(ImageDiffusion, "learn_first", stopped)
    assert run(words(tmp_path, "skin")) != 0
    again = ["train", str(tmp_path / "chests.csv"), "--out", str(tmp_path / "run"), "--resume"]
    assert run([*again, "--device", "cpu"]) == 0
    np.testing.assert_array_equal(seen[0], seen[1])


@pytest.mark.parametrize(
    ("source", "model", "said"),
    [
        ("chest", "dct-gaussian", "does not learn from public pictures; image-diffusion does"),
        ("nowhere", "image-diffusion", "there are no public pictures 'nowhere'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    tmp_path, capsys, source, model, said
):
    assert run(words(tmp_path, source, model=model)) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("source", ["scans", ".", "scans/deeper", "scans/../scans"])
def test_the_patients_own_pictures_are_no_public_ones(tmp_path, capsys, source):
    (tmp_path / "scans/deeper").mkdir()
    assert run(words(tmp_path, str(tmp_path / source))) == 2
    assert "holds what is trained on; nothing would protect these patients" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "run").exists()


def test_the_command_says_that_public_pictures_are_not_covered(tmp_path, capsys):
    assert run(words(tmp_path, "chest")) == 0
    said = capsys.readouterr().out
    assert "Not covered" in said and "Public data: " in said and "'chest', phantoms" in said
