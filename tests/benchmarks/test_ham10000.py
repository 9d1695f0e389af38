"""The protocol of skin lesions runs on made-up ones; its intervals are over lesions."""

import gzip
import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from toys import script

from dpsynth.data.phantoms import skin
from dpsynth.data.schema_file import load_schema
from dpsynth.evaluation.shown import Shown

DX = {"nevus": "nv", "melanoma": "mel", "keratosis": "bkl", "vascular": "vasc"}
SEX = {"f": "female", "m": "male"}


def made(folder):
    found = skin(160, seed=0, size=32)
    table = found.facts().rename(columns={"patient": "lesion_id", "image": "image_id"})
    table["image_id"] = [name.removesuffix(".png") for name in table["image_id"]]
    table["dx"], table["sex"] = table["dx"].map(DX), table["sex"].map(SEX)
    table["age"] = table["age"] // 5 * 5
    table = table.assign(dx_type="histo", localization="back")
    with gzip.open(folder / "metadata.csv.gz", "wt") as file:
        table.to_csv(file, index=False)
    with zipfile.ZipFile(folder / "images64.zip", "w") as file:
        for name, pixels in zip(table["image_id"], found.images, strict=True):
            held = io.BytesIO()
            Image.fromarray(pixels).resize((64, 64)).save(held, "JPEG")
            file.writestr(f"{name}.jpg", held.getvalue())
    return folder


@pytest.mark.parametrize("size", [32, 64])
def test_ham10000_runs_and_takes_up(size, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("torch.set_num_threads", lambda n: None)
    name = {32: "ham10000/run.py", 64: "ham10000-64/run.py"}[size]
    run, out = script(name), tmp_path / "results.json"
    assert run.PROTOCOL.schema.picture.size == size
    monkeypatch.setattr("picture_nets.STEPS", 10)
    monkeypatch.setattr("picture_judge.RESAMPLES", 50)
    words = ["--data", str(made(tmp_path)), "--out", str(out)]
    words += ["--epsilons", "10", "--seeds", "1", "--models", "dct-gaussian"]
    run.main(words)
    rows = json.loads(out.read_text())["rows"]
    assert {row["model"] for row in rows} == {"real", "real, coarse", "dct-gaussian"}
    metrics = {row["metric"] for row in rows}
    assert {"tstr_auc_cnn", "class_auc", "class_recall_mean", "not_assessable"} <= metrics
    assert all(row["low"] <= row["high"] for row in rows if "low" in row)
    run.main(words)
    assert json.loads(out.read_text())["rows"] == rows
    assert "| dct-gaussian | 10 |" in capsys.readouterr().out


def test_no_lesion_stands_on_both_sides(tmp_path):
    run = script("ham10000/run.py")
    schema = load_schema(run.HERE / "schema.yaml")
    data = made(tmp_path)
    train, test = run.parts(schema, data, "test")
    less, look = run.parts(schema, data, "look")
    assert [len(each) for each in (train, test, less, look)] == [120, 40, 96, 24]
    assert not set(train.keys) & set(test.keys)
    assert set(less.keys) | set(look.keys) == set(train.keys)
    assert not set(less.keys) & set(look.keys)
    assert len(train.visits) > 120  # several pictures of a lesion go with it
    assert train.pictures.shape[1:] == (32, 32, 3)


def test_pictures_of_one_lesion_are_drawn_together():
    judge = script("picture_judge.py")
    # Three lesions with 2, 1 and 3 pictures.
    patient = np.array([0, 0, 1, 2, 2, 2])
    held = Shown(
        pixels=np.zeros((6, 8, 8, 1), dtype=np.uint8), positive=patient == 0, patient=patient,
        patients=3, code=patient, classes=("a", "b", "c"),
    )  # fmt: skip
    weights = judge.PictureJudge(held, held, {}, False)._weights(0)
    assert (weights[0] == 1).all()
    for several in ([0, 1], [3, 4, 5]):
        assert (weights[:, several] == weights[:, several[:1]]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()


def test_recalls_worked_by_hand():
    judge = script("picture_judge.py")
    truth, said = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0])
    weights = np.array([[1, 1, 1, 1], [1, 3, 0, 4]], dtype=np.float32)
    # Recalls are 1/2, 1, 0; with the second weights 1/4 and 0, and no case of class 1.
    found = judge._recalls(truth, said, weights)
    assert found[0] == pytest.approx(0.5)
    assert np.isnan(found[1])
    # The first class alone: 1/2, and with the second weights 1/4.
    alone = judge._recalls(np.array([1, 1, -1, -1]), said == 0, weights)
    np.testing.assert_allclose(alone, [0.5, 0.25])


def test_a_class_that_the_copy_lacks_is_never_guessed(monkeypatch):
    nets = script("picture_nets.py")
    monkeypatch.setattr(nets, "STEPS", 5)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 8, 8, 1)).astype(np.uint8)
    said = nets.classes(pixels, np.arange(40) % 2, pixels, 3, seed=0)
    assert (said[:, 2] == -np.inf).all()
    assert np.isfinite(said[:, :2]).all()
