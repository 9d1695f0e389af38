"""PNG folders, DICOM files and contact sheets that come back as they were."""

import numpy as np
import pytest
from PIL import Image

from dpsynth.data.pictures import (
    Frame,
    contact_sheet,
    read_dicom,
    read_pictures,
    read_raster,
    write_dicoms,
    write_images,
)
from dpsynth.errors import DataError

GREY = np.arange(3 * 8 * 8, dtype=np.uint8).reshape(3, 8, 8, 1)
COLOUR = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
ODD = np.arange(9, dtype=np.uint8).reshape(1, 3, 3)


@pytest.mark.parametrize("pixels", [GREY, COLOUR], ids=["grey", "colour"])
def test_pngs_come_back(tmp_path, pixels):
    names = write_images(pixels, tmp_path / "new" / "pictures")
    assert names == ["picture-000001.png", "picture-000002.png", "picture-000003.png"]
    frame = Frame(size=8, channels=pixels.shape[3])
    found = read_pictures(tmp_path / "new" / "pictures", names, frame)
    np.testing.assert_array_equal(found.pixels, pixels)
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["pictures"]


def test_pngs_hold_pixels_alone(tmp_path):
    names = write_images(GREY, tmp_path / "x", names=["b.png", "a.png", "c.png"])
    assert names == ["b.png", "a.png", "c.png"]
    with Image.open(tmp_path / "x" / "b.png") as image:
        assert image.info == {}
    (tmp_path / "y").mkdir()
    write_images(GREY[:0], tmp_path / "y")
    assert not list((tmp_path / "y").iterdir())


@pytest.mark.parametrize("wrong", ["../a.png", "a/b.png", "/a.png", "a.gif", "..\\a.png", ""])
def test_names_must_be_plain(tmp_path, wrong):
    with pytest.raises(ValueError, match="names must be plain"):
        write_images(GREY[:1], tmp_path / "x", names=[wrong])
    with pytest.raises(ValueError, match="all different"):
        write_images(GREY[:2], tmp_path / "x", names=["a.png", "a.png"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "pixels", [GREY.astype(float), GREY[0, 0], np.zeros((1, 8, 8, 4), np.uint8)]
)
def test_other_pixels_are_not_written(tmp_path, pixels):
    for write in (write_images, lambda what, to: write_dicoms(what, to, np.random.default_rng(0))):
        with pytest.raises(ValueError, match="pixels must be"):
            write(pixels, tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "note.txt").write_text("x")
    with pytest.raises(DataError, match="holds something already; choose a new folder"):
        write_images(GREY, tmp_path)
    with pytest.raises(DataError, match="holds something already"):
        write_dicoms(GREY, tmp_path / "note.txt", np.random.default_rng(0))
    assert [each.name for each in tmp_path.iterdir()] == ["note.txt"]


def test_all_or_none(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "no space")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(DataError, match="can't be written: the disk is full; choose another"):
        write_images(GREY, tmp_path / "x")
    with pytest.raises(DataError, match="the disk is full"):
        contact_sheet(GREY, ["a"] * 3, tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("pixels", [GREY, COLOUR, ODD], ids=["grey", "colour", "odd"])
def test_dicoms_come_back_and_say_that_they_are_synthetic(tmp_path, pixels):
    pytest.importorskip("pydicom")
    names = write_dicoms(pixels, tmp_path / "x", np.random.default_rng(7))
    assert names[0] == "SYNTH-000001.dcm"
    claimed = ["PatientID", "PatientName", "ImageType", "SeriesDescription", "ImageComments"]
    claimed += ["PatientIdentityRemoved", "PatientBirthDate", "ConversionType", "SyntheticData"]
    for name, picture in zip(names, pixels, strict=True):
        found = read_dicom(tmp_path / "x" / name, claimed=claimed)
        np.testing.assert_array_equal(found.pixels[0], picture.squeeze())
        assert found.tags["PatientID"] == name.removesuffix(".dcm")
        assert found.tags["PatientName"] == name.removesuffix(".dcm")
        assert found.tags["ImageType"] == "['DERIVED', 'SECONDARY']"
        assert "SYNTHETIC" in found.tags["SeriesDescription"]
        assert "SYNTHETIC" in found.tags["ImageComments"]
        assert found.tags["PatientIdentityRemoved"] == "YES"
        assert found.tags["SyntheticData"] == "YES"
        assert found.tags["ConversionType"] == "SYN"
        assert found.tags["PatientBirthDate"] == ""
        assert not found.burned_in


def test_unique_identifiers_come_from_the_generator(tmp_path):
    pydicom = pytest.importorskip("pydicom")
    for folder, seed in (("one", 7), ("two", 7), ("three", 8)):
        write_dicoms(GREY, tmp_path / folder, np.random.default_rng(seed))
    one, two, three = (
        [each.read_bytes() for each in sorted((tmp_path / folder).iterdir())]
        for folder in ("one", "two", "three")
    )
    assert one == two
    assert not set(one) & set(three)
    uids = set()
    for path in (tmp_path / "one").iterdir():
        made = pydicom.dcmread(path)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            assert made[keyword].value.is_valid
            uids.add(made[keyword].value)
        assert made.file_meta.MediaStorageSOPInstanceUID == made.SOPInstanceUID
    assert len(uids) == 9


def test_a_sheet_has_a_row_for_each_caption(tmp_path):
    # Two captions, at most two columns, zoom 3: a row is 24 pixels, gaps are 4.
    pixels = np.stack([np.full((8, 8), each, np.uint8) for each in (10, 20, 30, 40)])
    path = contact_sheet(pixels, ["b", "a", "b", "b"], tmp_path / "x.png", columns=2, zoom=3)
    sheet = read_raster(path)
    assert sheet.shape[0] == 4 + 2 * (24 + 4)
    left = sheet.shape[1] - 2 * (24 + 4)
    assert (sheet[4:28, left : left + 24] == 10).all()
    assert (sheet[4:28, left + 28 : left + 52] == 30).all()
    assert (sheet[32:56, left : left + 24] == 20).all()
    assert (sheet[32:56, left + 28 :] == 255).all()
    assert (sheet[:4] == 255).all()
    assert (sheet[:, left - 1] == 255).all()
    for top in (4, 32):
        assert sheet[top : top + 24, :left].min() < 100  # the caption
    assert not (sheet == 40).all(axis=-1).any()  # beyond two columns


def test_a_caption_has_several_lines_and_the_sheet_a_title(tmp_path):
    # Five pictures of a: two lines of two, the fifth is left out; then b. A title is 22 high.
    pixels = np.stack([np.full((8, 8), each, np.uint8) for each in (10, 20, 30, 40, 50, 60)])
    words = {"columns": 2, "zoom": 3, "lines": 2, "title": "Two"}
    path = contact_sheet(pixels, ["a"] * 5 + ["b"], tmp_path / "x.png", **words)
    sheet = read_raster(path)
    assert sheet.shape[0] == 22 + 4 + 3 * (24 + 4)
    left = sheet.shape[1] - 2 * (24 + 4)
    assert [sheet[30 + 28 * line, left + 4, 0] for line in range(3)] == [10, 30, 60]
    assert sheet[30 + 28, left + 32, 0] == 40
    assert (sheet[26 + 28 : 26 + 52, :left] == 255).all()  # the caption stands once
    assert sheet[:22].min() < 100


def test_a_sheet_is_bounded_and_in_colour(tmp_path):
    pixels = np.tile(COLOUR, (20, 1, 1, 1))
    captions = [
        f"class {each % 30}\nof thirty, with a very long name of its own" for each in range(60)
    ]
    path = contact_sheet(pixels, captions, tmp_path / "s" / "x.png", rows=5, columns=1, zoom=1)
    sheet = read_raster(path)
    assert sheet.shape[0] == 4 + 5 * (18 + 4)
    assert sheet.shape[1] < 500
    np.testing.assert_array_equal(sheet[4:12, -12:-4], COLOUR[0])


def test_a_sheet_checks_its_arguments(tmp_path):
    for captions in (["a"], []):
        with pytest.raises(ValueError, match="one for each picture"):
            contact_sheet(GREY, captions, tmp_path / "x.png")
    for what in ("rows", "columns", "zoom"):
        with pytest.raises(ValueError, match=f"{what} must be at least 1, got 0"):
            contact_sheet(GREY, ["a"] * 3, tmp_path / "x.png", **{what: 0})
    contact_sheet(GREY, ["", "é", "日本"], tmp_path / "x.png")


def test_the_face_is_what_is_visible():
    from dpsynth.data import pictures

    assert len(set(pictures.__all__)) == len(pictures.__all__)
    assert all(hasattr(pictures, name) for name in pictures.__all__)
