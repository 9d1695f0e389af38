"""The sheet of synthetic pictures: a block for each class, in the schema's order, in words."""

import numpy as np
import pandas as pd
import pytest

from dpsynth.data.pictures import read_raster
from dpsynth.data.records import Records
from dpsynth.pipeline import class_sheet as sheets
from dpsynth.pipeline.class_sheet import class_sheet, classes
from dpsynth.schema import Schema

COLUMNS = {
    "dx": {"type": "category", "categories": ["nevus", "melanoma"]},
    "age": {"type": "number", "bounds": [0, 90], "per": "patient"},
}


def schema(label: dict | None) -> Schema:
    table = {
        "shape": "visits", "key": "pid", "time": {"column": "image", "kind": "order"},
        "picture": {"file": "image", "size": 8}, "columns": COLUMNS,
    }  # fmt: skip
    return Schema(name="skin", max_visits=2, label=label, tables={"skin": table})


def records() -> Records:
    visits = pd.DataFrame({"patient": [0, 0, 1, 2], "time": [0.0, 1.0, 0.0, 0.0]})
    visits["dx"] = ["melanoma", "nevus", None, "nevus"]
    static = pd.DataFrame({"age": [70.0, 20.0, np.nan]})
    shades = np.array([200, 100, 50, 150], dtype=np.uint8)[:, None, None, None]
    pictures = shades * np.ones((1, 8, 8, 1), dtype=np.uint8)
    return Records(np.array(["1", "2", "3"], dtype=object), static, visits, pictures)


@pytest.mark.parametrize(
    ("label", "told"),
    [
        (None, [""] * 4),
        (
            {"column": "dx", "positive": "melanoma"},
            ["dx: melanoma", "dx: nevus", "dx: missing", "dx: nevus"],
        ),
        ({"column": "age", "above": 65}, ["age > 65", "age > 65", "age <= 65", "age: missing"]),
    ],
)
def test_a_class_is_told_in_words(label, told):
    assert classes(records(), schema(label)) == told


def test_classes_stand_in_the_schemas_order_and_what_is_missing_last(tmp_path):
    label = {"column": "dx", "positive": "melanoma"}
    path = class_sheet(records(), schema(label), tmp_path / "sheet.png")
    found = read_raster(path)
    grey = found[..., 0].astype(int)
    zoom = round(sheets.SHOWN / 8)
    wide = {shade: (grey == shade).sum(axis=1) >= 8 * zoom for shade in (100, 150, 200, 50)}
    tops = {shade: int(lines.argmax()) for shade, lines in wide.items()}
    assert all(lines.sum() == 8 * zoom for lines in wide.values())  # whole pictures, once
    assert tops[100] == tops[150] < tops[200] < tops[50]


def test_a_sheet_says_that_it_is_synthetic(tmp_path, monkeypatch):
    whole = read_raster(class_sheet(records(), schema(None), tmp_path / "a.png"))
    monkeypatch.setattr(sheets, "TITLE", "")
    bare = read_raster(class_sheet(records(), schema(None), tmp_path / "b.png"))
    head = whole[: len(whole) - len(bare)]
    assert len(head) > 10 and (head < 100).any()  # letters
