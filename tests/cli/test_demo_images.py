"""The demo on pictures: drawn ones say that they are, real ones come from a file."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dpsynth.data import demonstration
from dpsynth.data.demonstration import phantoms
from dpsynth.data.phantoms import chest
from dpsynth.data.pictures import Labelled, write_npz
from dpsynth.data.reader import read
from dpsynth.errors import InputError

TINY = [f"--setting={each}" for each in ("steps=3", "width=16", "depth=1", "kept=4", "batch=40")]


@pytest.fixture
def small(monkeypatch, tmp_path, once_accounted):
    """Few phantoms, and a ledger of their own."""
    monkeypatch.setattr(demonstration.phantoms, "__defaults__", (120, 1))
    monkeypatch.setenv("DPSYNTH_LEDGER", str(tmp_path / "ledger"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("words", "table"), [([], "chests"), (["skin"], "lesions")])
def test_the_demo_on_phantoms_does_the_whole_job_and_says_what_they_are(
    small, dpsynth, words, table
):
    done = dpsynth("demo", "--images", *words, "--epsilon=3", *TINY)
    assert done.code == 0, done.err
    for word in ("NOT real data", "show nobody", "Use: a classifier of pictures", "Pictures: "):
        assert word in done.out
    made = small / "demo"
    for part in (f"synthetic/{table}.csv", "synthetic/sheet.png", "report/report.html"):
        assert (made / part).is_file()
    card = json.loads((made / "run" / "privacy.json").read_text())
    assert "no real patients" in card["identity"]["dataset"]
    assert "no real patients" in (made / "report" / "report.html").read_text()
    sheet = np.array(Image.open(made / "synthetic" / "sheet.png").convert("RGB"))
    drawn = [np.array(Image.open(p).convert("RGB")) for p in (made / "data" / "scans").iterdir()]
    assert not any(_holds(sheet, np.kron(each, np.ones((2, 2, 1)))) for each in drawn)


def _holds(sheet: np.ndarray, picture: np.ndarray) -> bool:
    """Whether a picture stands somewhere on the sheet as it is, by its first line."""
    height, width = picture.shape[:2]
    rows = np.lib.stride_tricks.sliding_window_view(sheet, (1, width, 3))[:, :, 0, 0]
    for top, left in np.argwhere((rows == picture[0]).all(axis=(2, 3))):
        if (sheet[top : top + height, left : left + width] == picture).all():
            return True
    return False


def test_the_check_for_a_real_picture_on_a_sheet_can_fail():
    sheet = np.full((80, 80, 3), 255)
    picture = np.random.default_rng(0).integers(0, 200, (8, 8, 3))
    assert not _holds(sheet, picture)
    sheet[30:38, 40:48] = picture
    assert _holds(sheet, picture)


def test_for_machines_the_demo_says_that_phantoms_are_no_data(small, dpsynth):
    found = dpsynth("demo", "--images", *TINY, "--json").json
    assert "NOT real data" in found["phantoms"]
    again = dpsynth("demo", "--images", *TINY, "--json").json
    assert again["run"] == "demo-2/run"
    assert again["privacy"]["spent"]["runs"] == 2  # the same phantoms: one population


def test_equal_seeds_draw_equal_phantoms_that_their_schema_reads(tmp_path):
    for name in ("a", "b"):
        given = phantoms("chest", tmp_path / name, 30, 4)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.*"))
    assert all(
        (tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files
    )
    records, notes = read(given.data, given.schema)
    assert len(records) == 30 == given.schema.population and not notes.lines()
    assert set(records.static) == {"pneumonia", "sex", "age"}
    other = phantoms("chest", tmp_path / "c", 30, 5)
    assert (read(other.data, other.schema)[0].pictures[:20] != records.pictures[:20]).any()
    with pytest.raises(InputError, match="chest, skin"):
        phantoms("lung", tmp_path / "d")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--images", "--dataset=randhie"], "choose one"),
        (["--images", "--file=x.npz"], "choose one"),
        (["--images", "lung"], "chest"),
        (["--images", "--epsilon=nan"], "epsilon"),
        (["--images", "--model=table-gan"], "makes no pictures"),
        (["--images", "--setting=steps=0"], "steps"),
        (["--dataset=pneumoniamnist", "--file=nowhere.npz"], "nowhere.npz"),
        (["--dataset=pneumoniamnist", "--file=x.csv"], "x.csv"),
        (["--dataset=randhie", "--file=x.csv"], "leave it out"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(small, dpsynth, words, told):
    (small / "x.csv").write_text("a\n1\n")
    done = dpsynth("demo", *words)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1 and told in done.err
    assert not (small / "demo").exists()


def archive(path, images=160):
    made = chest(images, seed=3)
    ill = (made.table["pneumonia"] == "true").to_numpy(dtype=np.int64)[:, None]
    return write_npz({"train": Labelled(images=made.images[..., 0], labels=ill)}, path)


def test_pneumoniamnist_is_taken_from_its_file(small, dpsynth):
    path = archive(small / "pneumoniamnist.npz")
    done = dpsynth("demo", "--dataset", "pneumoniamnist", "--file", path, *TINY)
    assert done.code == 0, done.err
    assert "Phantoms" not in done.out
    assert (small / "demo" / "synthetic" / "pneumoniamnist.npz").is_file()
    again = dpsynth("demo", "--file", path, "--model=dct-gaussian", "--json")
    assert again.code == 0 and again.json["phantoms"] is None


def test_without_medmnist_the_cure_is_told(small, dpsynth, monkeypatch):
    monkeypatch.setitem(sys.modules, "medmnist", None)
    done = dpsynth("demo", "--dataset", "pneumoniamnist")
    assert done.code == 2 and len(done.err.splitlines()) == 1
    assert "pip install 'dpsynth[medmnist]'" in done.err and "--file pneumoniamnist.npz" in done.err


def test_medmnist_fetches_or_its_failure_is_one_line(small, monkeypatch):
    def fetch(split: str, download: bool) -> SimpleNamespace:
        assert (split, download) == ("train", True)
        archive(small / "pneumoniamnist.npz", 20)
        return SimpleNamespace(root=small)

    monkeypatch.setitem(sys.modules, "medmnist", SimpleNamespace(PneumoniaMNIST=fetch))
    assert demonstration.pneumoniamnist().data == (small / "pneumoniamnist.npz",)

    def offline(**_: object) -> None:
        raise ConnectionError("no route\nto host")

    monkeypatch.setitem(sys.modules, "medmnist", SimpleNamespace(PneumoniaMNIST=offline))
    with pytest.raises(InputError, match=r"can't fetch pneumoniamnist \(ConnectionError\); check"):
        demonstration.pneumoniamnist()
