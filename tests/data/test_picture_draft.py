"""Drafts of schemas of pictures: names, endings and headers of arrays, and nothing else."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dpsynth.data.draft import draft
from dpsynth.data.pictures import write_dicoms
from dpsynth.data.reader import read
from dpsynth.data.schema_file import load_schema
from dpsynth.errors import DataError


def tabled(root, names=("a.png", "b.png"), sub="scans", column="image", shade=1):
    (root / sub).mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.new("L", (9, 7), shade).save(root / sub / name)
    table = pd.DataFrame({"patient_id": range(len(names)), column: names, "ill": shade})
    table.to_csv(root / "chests.csv", index=False)
    return root


def archive(path, shape=(5, 30, 30), labels=(5, 1), fill=0):
    np.savez(
        path,
        train_images=np.full(shape, fill, np.uint8),
        train_labels=np.full(labels, fill % 2, np.int64),
    )
    return path


def finished(text: str, tmp_path, **facts):
    """The draft with its blanks filled in, as a schema."""
    for name, value in facts.items():
        assert name in text
        lines = text.splitlines()
        at = next(i for i, x in enumerate(lines) if name in x and not x.startswith("#"))
        lines[at] = lines[at].replace("FILL IN", value)
        text = "\n".join(lines)
    path = tmp_path / "schema.yaml"
    path.write_text(text)
    return load_schema(path)


@pytest.mark.parametrize("column", ["image", "Image_ID", "filename", "scan", "ImagePath", "file"])
def test_a_table_that_names_pictures_gets_a_picture(tmp_path, column):
    root = tabled(tmp_path / "in", column=column)
    for given in (root, root / "chests.csv"):
        text = draft([given])
        assert f"    time: {{column: {column}, kind: order}}" in text
        assert f"picture: {{file: {column}, size: 28, channels: 1, folder: scans}}" in text
    facts = {"population": "2", "max_visits": "1", "ill": "boolean"}
    records, _ = read([root], finished(text, tmp_path, **facts))
    assert records.pictures.shape == (2, 28, 28, 1)


def test_where_there_are_no_pictures_a_column_called_file_is_a_column(tmp_path):
    root = tabled(tmp_path / "in", column="file", names=())
    assert "picture:" not in draft([root])


def test_pictures_beside_the_table_and_in_several_folders(tmp_path):
    root = tabled(tmp_path / "flat", sub=".")
    assert "folder" not in draft([root])
    tabled(tmp_path / "many", sub="x")
    root = tabled(tmp_path / "many", sub="y")
    assert "picture: {file: image, size: 28, channels: 1}" in draft([root])


@pytest.mark.parametrize(
    ("shape", "labels", "told"),
    [
        ((5, 30, 30), (5, 1), ("size: 30, channels: 1", "label: {type: category, missing: false")),
        ((5, 64, 64, 3), (5, 2), ("size: 64, channels: 3", "label_2: {type: category")),
        ((5, 224, 224), (5, 1), ("size: 128, channels: 1",)),
        ((5, 4, 4), (5, 1), ("size: 8, channels: 1",)),
    ],
)
def test_an_npz_tells_its_shape_and_not_how_many(tmp_path, shape, labels, told):
    text = draft([archive(tmp_path / "set.npz", shape, labels)])
    assert all(each in text for each in (*told, "max_visits: 1", "key: patient"))
    more = draft([archive(tmp_path / "set.npz", (9, *shape[1:]), (9, *labels[1:]))])
    assert more == text


def test_an_npz_is_trained_on_by_its_draft(tmp_path):
    path = archive(tmp_path / "set.npz")
    facts = {"population": "5", "label:": "[0, 1]"}
    records, _ = read([path], finished(draft([path]), tmp_path, **facts))
    assert records.pictures.shape == (5, 30, 30, 1)
    assert records.visits["label"].tolist() == ["0"] * 5


@pytest.mark.parametrize(("shape", "labels"), [((5, 30), (5, 1)), ((5, 30, 30), (5,)), ((), ())])
def test_an_npz_of_another_layout_is_refused(tmp_path, shape, labels):
    with pytest.raises(DataError, match=r"set\.npz: needs train_images"):
        draft([archive(tmp_path / "set.npz", shape, labels)])


def test_a_broken_npz_and_an_empty_folder_are_refused(tmp_path):
    (tmp_path / "set.npz").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(DataError, match=r"set\.npz: is not a readable"):
        draft([tmp_path / "set.npz"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="a folder of DICOM files"):
        draft([tmp_path / "empty"])


def test_a_folder_of_dicom_files_is_drafted_with_the_standards_own_tags(tmp_path):
    pytest.importorskip("pydicom")
    pixels = np.zeros((3, 8, 8), dtype=np.uint8)
    write_dicoms(pixels, tmp_path / "scans", np.random.default_rng(0))
    text = draft([tmp_path / "scans"])
    for word in ("key: PatientID", "tag: PatientSex", "tag: PatientAge", "dicom: true"):
        assert word in text
    assert "SYNTH" not in text
    facts = {"population": "3", "max_visits": "1", "age:": "[0, 100]", "view:": "[PA, AP]"}
    records, _ = read([tmp_path / "scans"], finished(text, tmp_path, **facts))
    assert list(records.keys) == ["SYNTH-000001", "SYNTH-000002", "SYNTH-000003"]
    other = write_dicoms(pixels + 9, tmp_path / "b" / "scans", np.random.default_rng(1))
    assert other and draft([tmp_path / "b" / "scans"]) == text


def test_two_sets_of_one_layout_give_the_same_bytes(tmp_path):
    one = tabled(tmp_path / "a", names=("a.png", "b.png"))
    other = tabled(tmp_path / "b", names=("other.png", "c.png", "d.png"), shade=9)
    assert draft([one]) == draft([other])
    first = archive(tmp_path / "set.npz")
    text = draft([first])
    assert draft([archive(tmp_path / "set.npz", (7, 30, 30), (7, 1), fill=9)]) == text


def test_values_of_pictures_are_not_assumed_public(tmp_path):
    with pytest.raises(DataError, match="leave --assume-public out"):
        draft([archive(tmp_path / "set.npz")], assume_public=True)
    text = draft([tabled(tmp_path / "in")], assume_public=True)
    assert "folder: scans" in text and "max_visits: 1" in text
    assert "tables.chests.columns.ill.type" in text
