"""Copies of pictures in the form that the real ones had, read again by the same schema."""

import numpy as np
import pandas as pd
import pytest
from test_picture_rows import DX, SEX, folder, schema

from dpsynth.data.picture_rows import NPZ
from dpsynth.data.picture_writer import NO_LABEL, came_as, read_again, told
from dpsynth.data.pictures import Labelled, read_dicom, read_npz, write_npz
from dpsynth.data.reader import read
from dpsynth.data.writer import write
from dpsynth.errors import InputError, SchemaError
from dpsynth.schema import Column, Label, Schema

SKIN = {"dx": Column(type="category", categories=("nevus", "melanoma"), missing=True), "sex": SEX}


def single(columns=None, label=None, **picture) -> Schema:
    """A schema of pictures that are each of one patient."""
    made = schema(columns or {"label": DX}, key="patient", **picture).model_dump()
    return Schema.model_validate(made | {"max_visits": 1, "label": label})


def archive(path, labels=((0,), (1,), (1,), (0,))):
    shades = np.arange(len(labels), dtype=np.uint8)[:, None, None]
    images = shades * np.ones((1, 8, 8), dtype=np.uint8)
    return write_npz({"train": Labelled(images=images, labels=np.array(labels))}, path)


@pytest.mark.parametrize(
    ("files", "picture", "form"),
    [
        (["a.csv"], {}, "files"),
        (["a.csv"], {"suffix": ".jpg", "dicom": True}, "files"),
        (["a.csv"], {"dicom": True}, "dicom"),
        (["a.csv"], {"suffix": ".DCM"}, "dicom"),
        (["a.npz"], {}, "npz"),
        (["skin=a.NPZ"], {}, "npz"),
    ],
)
def test_the_form_follows_from_names_and_the_schema(files, picture, form):
    assert came_as(files, schema(**picture)) == form


def test_an_npz_becomes_an_npz_that_the_schema_reads(tmp_path):
    given = single()
    real, _ = read([archive(tmp_path / "in.npz")], given)
    files = write(real, given, tmp_path / "out", pictures="npz")
    assert [each.name for each in files] == [f"skin{NPZ}"]  # the labels are in it, no table beside
    for source in (files, [tmp_path / "out"]):
        again, _ = read(source, given)
        np.testing.assert_array_equal(again.pictures, real.pictures)
        assert again.visits["label"].tolist() == ["0", "1", "1", "0"]


def test_several_labels_keep_their_places_and_a_missing_one_is_read_as_missing(tmp_path):
    second = Column(type="boolean", source="label_1")
    first = Column(type="count", bounds=(0, 9), source="label_2")
    given = single({"score": first, "ill": second}, splits=("val",))
    real, _ = read([archive(tmp_path / "x.npz", [(1, 7), (0, 3)])], single_of(given, "train"))
    real.visits.loc[1, "ill"] = None
    files = write(real, given, tmp_path / "out", pictures="npz")
    held = read_npz(files[0], ("val",))["val"]
    assert held.labels.tolist() == [[1, 7], [NO_LABEL, 3]]
    again, _ = read(files, given)
    assert again.visits["ill"].tolist() == ["true", None]
    assert again.visits["score"].tolist() == [7.0, 3.0]


def single_of(given: Schema, split: str) -> Schema:
    facts = given.model_dump()
    facts["tables"]["skin"]["picture"]["splits"] = (split,)
    return Schema.model_validate(facts)


def test_of_a_richer_table_an_npz_holds_the_label_and_the_table_stands_beside(tmp_path):
    rows = [("b", "p3.png", "melanoma", "m", 30), ("a", "p2.png", "", "f", 20)]
    rows += [("a", "p1.png", "nevus", "f", 10)]
    facts = schema(SKIN).model_dump() | {"label": Label(column="dx", positive="melanoma")}
    given = Schema.model_validate(facts)
    real, _ = read([folder(tmp_path / "in", rows)], given)
    files = write(real, given, tmp_path / "out", pictures="npz")
    assert [each.name for each in files] == ["skin.csv", "skin.npz"]
    held = read_npz(files[1])["train"]
    assert held.images[:, 0, 0].tolist() == [10, 20, 30]
    assert held.labels.tolist() == [[0], [NO_LABEL], [1]]
    table = pd.read_csv(files[0])
    assert table["image"].tolist() == ["train-000000", "train-000001", "train-000002"]
    assert "nevus" in told(given, "npz")[0] and "1 melanoma" in told(given, "npz")[0]
    assert not read_again(given, "npz") and "leave --format out" in told(given, "npz")[1]


def test_an_npz_of_pictures_without_a_label_is_refused(tmp_path):
    real, _ = read([folder(tmp_path / "in")], schema())
    with pytest.raises(InputError, match="names no `label:`"):
        write(real, schema(), tmp_path / "out", pictures="npz")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("picture", "form"),
    [
        ({}, "png"),
        ({"suffix": ".png"}, "png"),
        ({"suffix": "-front.tif"}, "files"),
        ({"folder": "scans"}, "files"),
        ({"dicom": True}, "dicom"),
        ({"dicom": True, "folder": "scans/of/today"}, "dicom"),
        ({"dicom": True, "suffix": ".DCM"}, "dicom"),
    ],
)
def test_what_is_said_to_be_read_again_is(picture, form, tmp_path):
    pytest.importorskip("pydicom")
    given = schema(**picture)
    assert read_again(given, form) and told(given, form) == ()
    real, _ = read([folder(tmp_path / "in")], schema())
    files = write(real, given, tmp_path / "out", pictures=form)
    again, _ = read(files, given)
    np.testing.assert_array_equal(again.pictures, real.pictures)


def test_pictures_of_a_patient_are_of_one_dicom_patient(tmp_path):
    pytest.importorskip("pydicom")
    real, _ = read([folder(tmp_path / "in")], schema())
    write(real, schema(), tmp_path / "out", pictures="dicom")
    found = sorted((tmp_path / "out" / "pictures").iterdir())
    who = [read_dicom(each, claimed=["PatientID"]).tags["PatientID"] for each in found]
    assert who == ["SYNTH-000001", "SYNTH-000001", "SYNTH-000002", "SYNTH-000003"]


@pytest.mark.parametrize(
    ("picture", "form"),
    [({}, "dicom"), ({"suffix": ".jpg"}, "png"), ({"dicom": True, "suffix": ".png"}, "dicom")],
)
def test_what_the_schema_would_not_read_is_told(picture, form):
    assert not read_again(schema(**picture), form)
    assert "does not read pictures as" in told(schema(**picture), form)[-1]


@pytest.mark.parametrize("suffix", [".gif", ".exe", "/x.png", "png", "\\x.png"])
def test_a_suffix_of_no_picture_is_refused_in_the_schema(suffix):
    table = schema().tables["skin"].model_dump() | {"picture": {"file": "image", "suffix": suffix}}
    with pytest.raises(SchemaError, match=r"picture\.suffix: (must end in|is the end)"):
        Schema(name="x", max_visits=2, tables={"skin": table})


def test_a_folder_takes_its_table_before_an_npz(tmp_path):
    path = folder(tmp_path)
    archive(tmp_path / "skin.npz")
    records, _ = read([tmp_path], schema())
    assert records.pictures[:, 0, 0, 0].tolist() == [10, 20, 30, 40]
    path.unlink()
    records, _ = read([tmp_path], single())
    assert records.pictures[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
