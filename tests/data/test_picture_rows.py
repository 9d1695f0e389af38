"""Pictures beside a table and in an npz: each with its row, what can't be read dropped."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dpsynth.data.codec import codec
from dpsynth.data.pictures import Labelled, write_npz
from dpsynth.data.reader import read
from dpsynth.data.writer import write
from dpsynth.errors import DataError, SchemaError
from dpsynth.schema import Clock, Column, Picture, Schema, Table

DX = Column(type="category", categories=("0", "1"), missing=False)
SEX = Column(type="category", categories=("f", "m"), per="patient")


def schema(columns: dict | None = None, key: str = "lesion", **picture) -> Schema:
    return Schema(
        name="skin",
        max_visits=2,
        tables={
            "skin": Table(
                shape="visits", key=key, time=Clock(column="image", kind="order"),
                picture=Picture(file="image", size=8, **picture),
                columns={"dx": DX, "sex": SEX} if columns is None else columns,
            )
        },
    )  # fmt: skip


ROWS = [  # lesion, image, dx, sex; shade of the picture
    ("b", "p3.png", 1, "m", 30),
    ("a", "p2.png", 0, "f", 20),
    ("a", "p1.png", 1, "f", 10),
    ("c", "p4.png", 0, "", 40),
]


def folder(path, rows=ROWS, sub="."):
    names = ["lesion", "image", "dx", "sex", "shade"]
    table = pd.DataFrame(rows, columns=names)
    (path / sub).mkdir(exist_ok=True, parents=True)
    for name, shade in zip(table["image"], table["shade"], strict=True):
        Image.new("L", (8, 8), shade).save(path / sub / name)
    table.drop(columns="shade").to_csv(path / "skin.csv", index=False)
    return path / "skin.csv"


def test_each_visit_has_the_picture_that_its_row_names(tmp_path):
    records, _ = read([folder(tmp_path)], schema())
    assert list(records.keys) == ["a", "b", "c"]
    assert records.visits["dx"].tolist() == ["1", "0", "1", "0"]  # of a in the order of names
    assert records.pictures[:, 0, 0, 0].tolist() == [10, 20, 30, 40]
    assert records.pictures.shape == (4, 8, 8, 1)
    tokens = codec(schema()).encode(records)
    assert tokens.pictures[:, :, 0, 0, 0].tolist() == [[10, 20], [30, 0], [40, 0]]
    some = records.take(np.array([2, 0]))
    assert some.pictures[:, 0, 0, 0].tolist() == [40, 10, 20]


def test_files_lie_where_the_schema_says(tmp_path):
    path = folder(tmp_path, sub="scans")
    records, _ = read([path], schema(folder="scans"))
    assert records.pictures[:, 0, 0, 0].tolist() == [10, 20, 30, 40]
    with pytest.raises(DataError, match=r"p1\.png"):
        read([path], schema())


def test_what_cannot_be_read_is_dropped_if_the_schema_says_so(tmp_path):
    path = folder(tmp_path)
    (tmp_path / "p1.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with pytest.raises(DataError, match=r"p1\.png"):
        read([path], schema())
    records, notes = read([path], schema(skip_unreadable=True))
    assert records.pictures[:, 0, 0, 0].tolist() == [20, 30, 40]
    assert records.visits["time"].tolist() == [0.0, 0.0, 0.0]
    assert "can't be read" in str(notes.lines())
    for other in ("p2.png", "p3.png", "p4.png"):
        (tmp_path / other).unlink()
    records, _ = read([path], schema(skip_unreadable=True))
    assert len(records) == 3  # patients stay, as patients without visits do
    assert records.pictures.shape == (0, 8, 8, 1)
    assert codec(schema()).encode(records).length.tolist() == [0, 0, 0]


def test_pictures_of_a_patient_after_the_last_visit_are_cut(tmp_path):
    rows = [("a", f"{i}.png", 0, "f", i) for i in range(5)]
    records, _ = read([folder(tmp_path, rows)], schema())
    tokens = codec(schema()).encode(records)
    assert tokens.length.tolist() == [2]
    assert tokens.pictures[0, :, 0, 0, 0].tolist() == [0, 1]


@pytest.mark.parametrize("name", ["../p9.png", "/etc/p9.png", ""])
def test_a_name_that_leads_out_is_no_picture(name, tmp_path):
    path = folder(tmp_path / "in")
    Image.new("L", (8, 8), 90).save(tmp_path / "p9.png")
    table = pd.read_csv(path)
    table.loc[0, "image"] = name
    table.to_csv(path, index=False)
    records, _ = read([path], schema(skip_unreadable=True))
    assert 90 not in records.pictures
    assert len(records.pictures) == 3


def test_an_npz_is_a_table_of_images_and_labels(tmp_path):
    images = np.arange(6, dtype=np.uint8)[:, None, None] * np.ones((1, 8, 8), dtype=np.uint8)
    split = {"train": Labelled(images=images[:4], labels=np.array([[0], [1], [1], [0]]))}
    split["val"] = Labelled(images=images[4:], labels=np.array([[1], [1]]))
    path = write_npz(split, tmp_path / "set.npz")
    given = schema({"label": DX}, key="patient")
    records, _ = read([path], given)
    assert records.visits["label"].tolist() == ["0", "1", "1", "0"]
    assert records.pictures[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    both, _ = read([path], schema({"label": DX}, key="patient", splits=("train", "val")))
    assert len(both) == 6
    with pytest.raises(SchemaError, match="lacks dx"):
        read([path], schema({"dx": DX}, key="patient"))


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("picture", [{}, {"folder": "scans"}, {"suffix": ".tif"}])
def test_what_is_written_is_read_again(form, picture, tmp_path):
    source, _ = read([folder(tmp_path / "in")], schema())
    given = schema(**picture)
    files = write(source, given, tmp_path / "out", form)
    again, _ = read(files, given)
    np.testing.assert_array_equal(again.pictures, source.pictures)
    assert again.visits["dx"].tolist() == source.visits["dx"].tolist()
    assert again.static["sex"].tolist() == source.static["sex"].tolist()


def test_dicom_files_are_written_and_read_again(tmp_path):
    pytest.importorskip("pydicom")
    source, _ = read([folder(tmp_path / "in")], schema())
    given = schema(suffix=".dcm", dicom=True)
    again, _ = read(write(source, given, tmp_path / "out"), given)
    np.testing.assert_array_equal(again.pictures, source.pictures)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"time": Clock(column="image")}, "time.kind: order"),
        ({"picture": {"file": "image", "size": 4}}, "size"),
        ({"picture": {"file": "image", "window": (5, 5)}}, "window"),
        ({"picture": {"file": "image", "folder": "../x"}}, "below the table's own folder"),
    ],
)
def test_a_mistake_in_the_schema_is_named(change, words):
    table = schema().tables["skin"].model_dump() | change
    with pytest.raises(SchemaError, match=words):
        Schema(name="x", max_visits=2, tables={"skin": table})


def test_two_tables_with_visits_cannot_share_pictures():
    table = schema().tables["skin"]
    other = Table(
        shape="visits", key="lesion", time=Clock(column="turn", kind="order"),
        columns={"x": DX},
    )  # fmt: skip
    with pytest.raises(SchemaError, match="the only one with visits"):
        Schema(name="x", max_visits=2, tables={"skin": table, "other": other})
