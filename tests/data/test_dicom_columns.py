"""Columns out of DICOM tags: those that are claimed, through the schema's types, and no other."""

import numpy as np
import pandas as pd
import pytest

from dpsynth.data import dicom_table
from dpsynth.data.pictures import read_dicom
from dpsynth.data.pictures.dicom_tags import read_tags
from dpsynth.data.reader import read
from dpsynth.data.writer import write
from dpsynth.errors import DataError, SchemaError
from dpsynth.schema import Schema

pydicom = pytest.importorskip("pydicom")

COLUMNS = {
    "sex": {"type": "category", "categories": ["F", "M"], "per": "patient", "tag": "PatientSex"},
    "age": {"type": "number", "bounds": [0, 90], "per": "patient", "tag": "PatientAge"},
    "view": {"type": "category", "categories": ["PA", "AP"], "tag": "ViewPosition"},
}
PEOPLE = [  # patient, sex, age, view, shade
    ("b", "M", "063Y", "PA", 30),
    ("a", "F", "006M", "AP", 10),
    ("a", "F", "006M", "PA", 20),
    ("c", "O", "", "LL", 40),
]


def schema(columns=None, key="pid", **picture) -> Schema:
    given = {"file": "image", "size": 8, "dicom": True} | picture
    clock = {"column": "image", "kind": "order"}
    table = {"shape": "visits", "key": key, "time": clock, "picture": given}
    table["columns"] = COLUMNS if columns is None else columns
    return Schema(name="chests", max_visits=2, tables={"chests": table})


def scan(path, who, sex, age, view, shade):
    made = pydicom.Dataset()
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "2.25.1"
    made.PatientName, made.PatientID, made.PatientBirthDate = "Doe^Jane", who, "19500101"
    made.PatientSex, made.PatientAge, made.ViewPosition = sex, age, view
    made.InstitutionName, made.StudyDate = "St. Elsewhere", "20200202"
    made.Rows = made.Columns = 8
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    made.WindowCenter, made.WindowWidth = "128", "256"
    made.add_new("PixelData", "OB", bytes([shade]) * 64)
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    made.save_as(path, enforce_file_format=True)


@pytest.fixture
def scans(tmp_path):
    """A folder of four DICOM files without a table."""
    root = tmp_path / "scans"
    (root / "more").mkdir(parents=True)
    for number, row in enumerate(PEOPLE):
        scan(root / ("more" if number == 3 else ".") / f"IM{number}", *row)
    return root


def tabled(scans, *columns, rows=slice(None)):
    """The same folder with a table in it."""
    names = ["pid", "sex", "age", "view", "shade"]
    table = pd.DataFrame(PEOPLE, columns=names)
    table["image"] = ["IM0", "IM1", "IM2", "more/IM3"]
    table[["pid", "image", *columns]][rows].to_csv(scans / "chests.csv", index=False)
    return scans / "chests.csv"


def test_tags_fill_the_columns_that_the_table_lacks(scans):
    records, notes = read([tabled(scans)], schema())
    assert list(records.keys) == ["a", "b", "c"]
    assert records.static["sex"].tolist() == ["F", "M", None]  # O is not in the list
    assert records.static["age"].tolist()[:2] == [0.5, 63.0]
    assert np.isnan(records.static["age"][2])
    assert records.visits["view"].tolist() == ["AP", "PA", "PA", None]
    assert np.abs(records.pictures[:, 0, 0, 0].astype(int) - [10, 20, 30, 40]).max() <= 1
    assert any("columns.sex: 1 values not in the list" in line for line in notes.lines())


def test_the_tables_own_column_comes_before_the_tag(scans):
    path = tabled(scans, "sex")
    path.write_text(path.read_text().replace("IM0,M", "IM0,F"))
    records, _ = read([path], schema())
    assert records.static["sex"].tolist() == ["F", "F", None]
    assert records.static["age"].tolist()[:2] == [0.5, 63.0]


def test_a_folder_of_dicom_files_needs_no_table(scans):
    records, _ = read([scans], schema(key="PatientID"))
    assert list(records.keys) == ["a", "b", "c"]
    assert records.static["sex"].tolist() == ["F", "M", None]
    assert records.visits["view"].tolist() == ["AP", "PA", "PA", None]
    assert len(records.pictures) == 4
    (scans / "notes.txt").write_text("not a picture")
    again, _ = read([f"chests={scans}"], schema(key="PatientID"))
    assert len(again.pictures) == 4


def test_a_copy_is_read_by_the_schema_of_a_folder_without_a_table(scans, tmp_path):
    given = schema(key="PatientID")
    real, _ = read([scans], given)
    write(real, given, tmp_path / "copy")
    again, _ = read([tmp_path / "copy"], given)
    assert again.static["sex"].tolist() == real.static["sex"].tolist()
    assert again.visits["view"].tolist() == real.visits["view"].tolist()
    np.testing.assert_array_equal(again.pictures, real.pictures)


def test_nothing_is_kept_but_the_claimed_tags(scans, tmp_path):
    given = schema({"sex": COLUMNS["sex"]}, key="PatientID")
    real, _ = read([scans], given)
    assert set(real.static) == {"sex"} and set(real.visits) == {"patient", "time"}
    write(real.take(np.array([0, 1])), given, tmp_path / "copy")
    for path in (p for p in (tmp_path / "copy").rglob("*") if p.is_file()):
        raw = path.read_bytes()
        for word in (b"Doe", b"Elsewhere", b"19500101", b"20200202"):
            assert word not in raw, path


@pytest.mark.parametrize(
    ("age", "years"),
    [("063Y", "63"), ("006M", "0.5"), ("052W", "0.996578"), ("000D", "0"), ("63", "63")],
)
def test_ages_are_in_years(tmp_path, age, years):
    with pydicom.config.disable_value_validation():
        scan(tmp_path / "x", "a", "F", age, "PA", 1)
        assert read_tags(tmp_path / "x", ["PatientAge"]) == {"PatientAge": years}


def test_tags_of_several_values_and_of_none(tmp_path):
    scan(tmp_path / "x", "a", "", "001Y", "PA", 1)
    claimed = ["PatientSex", "Modality", "WindowCenter", "PatientID"]
    assert read_tags(tmp_path / "x", claimed) == {"WindowCenter": "128", "PatientID": "a"}
    held = pydicom.dcmread(tmp_path / "x")
    held.ImageType = ["ORIGINAL", "PRIMARY"]
    held.save_as(tmp_path / "y", enforce_file_format=True)
    assert read_tags(tmp_path / "y", ["ImageType"]) == {"ImageType": "ORIGINAL\\PRIMARY"}


@pytest.mark.parametrize(
    "broken", [b"", b"no", b"\0" * 128 + b"DICM", b"\0" * 128 + b"DICM" + b"\xff" * 64]
)
def test_a_file_that_cannot_be_read_is_missing_and_stops_nothing(scans, broken):
    path = tabled(scans)
    (scans / "IM0").write_bytes(broken)
    with pytest.raises(DataError, match="IM0"):
        read([path], schema())
    records, _ = read([path], schema(skip_unreadable=True))
    assert list(records.keys) == ["a", "b", "c"] and len(records.pictures) == 3
    assert records.static["sex"].tolist() == ["F", None, None]
    path.unlink()
    records, _ = read([scans], schema(key="PatientID", skip_unreadable=True))
    assert len(records.pictures) == 3


def test_a_header_that_does_not_say_whose_it_is_is_dropped_and_counted(scans):
    whole = (scans / "IM0").read_bytes()
    (scans / "IM0").write_bytes(whole[:200])
    records, notes = read([scans], schema(key="PatientID"))
    assert list(records.keys) == ["a", "c"]
    assert "tables.chests: 1 rows without PatientID (dropped)" in notes.lines()


def test_names_that_lead_out_say_nothing(scans, tmp_path):
    scan(tmp_path / "outside", "z", "M", "077Y", "AP", 99)
    path = tabled(scans)
    path.write_text(path.read_text().replace("IM0", "../outside"))
    with pytest.raises(DataError, match="leads out"):
        read([path], schema())
    records, _ = read([path], schema(skip_unreadable=True))
    assert records.static["sex"].tolist() == ["F", None, None]
    (scans / "IM9").symlink_to(tmp_path / "outside")
    path.unlink()
    with pytest.raises(DataError, match="link out"):
        read([scans], schema(key="PatientID"))


def test_who_joins_changes_nobody_elses_columns(scans):
    path = tabled(scans)
    whole, _ = read([path], schema())
    tabled(scans, rows=slice(1, None))
    fewer, _ = read([path], schema())
    kept = whole.take(np.array([0, 2]))
    assert fewer.static.equals(kept.static) and fewer.visits.equals(kept.visits)


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("PatientName", "identifies a person"),
        ("PatientBirthDate", "identifies a person"),
        ("PatientAddress", "identifies a person"),
        ("PatientID", "identifies a person"),
        ("StudyInstanceUID", "identifies a person"),
        ("Frobnication", "none that DICOM has"),
        ("PixelData", "none that DICOM has"),
    ],
)
def test_a_tag_that_makes_no_column_is_refused(scans, tag, told):
    wanted = {"x": {"type": "category", "categories": ["1"], "tag": tag}}
    with pytest.raises(SchemaError, match=told):
        read([tabled(scans)], schema(wanted))
    (scans / "chests.csv").unlink()
    with pytest.raises(SchemaError, match=told):
        read([scans], schema(wanted, key="Manufacturer"))


def test_a_folder_without_a_table_needs_a_key_that_is_a_tag(scans):
    with pytest.raises(SchemaError, match="such as PatientID, got 'pid'"):
        read([scans], schema())


@pytest.mark.parametrize(
    ("column", "picture", "told"),
    [
        ({"tag": "patient sex"}, {}, "DICOM keyword such as PatientSex"),
        ({"tag": "PatientSex"}, {"dicom": False}, "dicom: true"),
    ],
)
def test_a_mistake_in_the_schema_is_named(column, picture, told):
    table = schema().model_dump()["tables"]["chests"]
    table["picture"] |= picture
    table["columns"] = {"sex": {"type": "boolean"} | column}
    with pytest.raises(SchemaError, match=told):
        Schema(name="x", max_visits=1, tables={"chests": table})


def test_what_is_not_claimed_is_not_read_at_all(scans, monkeypatch):
    asked = []
    plain = dicom_table.read_tags

    def spied(path, claimed, **more):
        asked.append(tuple(claimed))
        return plain(path, claimed, **more)

    monkeypatch.setattr(dicom_table, "read_tags", spied)
    read([tabled(scans)], schema({"view": COLUMNS["view"]}))
    assert set(asked) == {("ViewPosition",)}
    assert read_dicom(scans / "IM0").tags == {}
