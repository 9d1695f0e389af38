"""Pictures named by a table: nothing outside the folder, and nothing raised at the door."""

import logging
import os
import sys
import warnings

import numpy as np
import pytest

from dpsynth.data.pictures import Frame, Limits, framed, read_pictures
from dpsynth.errors import DataError, InputError

FRAME = Frame(size=8)
GOOD = np.arange(64, dtype=np.uint8).reshape(8, 8)


@pytest.fixture
def root(tmp_path, picture, put, png_of_size, gif):
    """A folder of good and of bad pictures, with a secret beside it."""
    picture("secret.png", GOOD + 1)
    picture("in/good.png", GOOD)
    picture("in/deeper/good.tif", GOOD)
    raw = (tmp_path / "in/good.png").read_bytes()
    put("in/cut.png", raw[: len(raw) // 2])
    put("in/bomb.png", png_of_size(60_000, 60_000))
    put("in/gif.png", gif)
    put("in/text.png", b"patient,sex\n")
    put("in/empty.png", b"")
    put("in/half.dcm", b"\0" * 128 + b"DICM" + b"\2\0\0\0UL\4\0")
    root = tmp_path / "in"
    (root / "folder.png").mkdir()
    (root / "out.png").symlink_to(tmp_path / "secret.png")
    (root / "away").symlink_to(tmp_path)
    (root / "round.png").symlink_to("round.png")
    (root / "near.png").symlink_to("good.png")
    os.mkfifo(root / "pipe.png")
    return root


OUTSIDE = [
    "../secret.png",
    "deeper/../../secret.png",
    "deeper/../good.png",
    "..\\secret.png",
    "/etc/passwd",
    "//host/share/x.png",
    "C:\\x.png",
    "\\\\host\\share\\x.png",
    "out.png",
    "away/secret.png",
]
UNREADABLE = [
    *("cut.png", "bomb.png", "gif.png", "text.png", "empty.png", "folder.png", "round.png"),
    *("none.png", "pipe.png", "half.dcm", "x" * 5000, "a\nb.png", "good.png/x.png", "."),
    *("\udcff.png", "a\0b.png", "", "  ", None, float("nan"), 7),
]


def test_pictures_come_in_the_tables_order(root):
    names = ["deeper/good.tif", "good.png", "near.png"]
    found = read_pictures(root, names, FRAME)
    assert found.pixels.shape == (3, 8, 8, 1)
    assert found.pixels.dtype == np.uint8
    assert all((each[:, :, 0] == GOOD).all() for each in found.pixels)
    assert found.readable.tolist() == [True] * 3
    assert found.burned_in.tolist() == [False] * 3


def test_no_name_is_no_picture(root):
    found = read_pictures(root, [], FRAME)
    assert found.pixels.shape == (0, 8, 8, 1)
    assert found.readable.shape == (0,)


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_leave_the_folder_are_refused(root, name, tmp_path):
    with pytest.raises(DataError, match=r"leads out|link out") as caught:
        read_pictures(root, [name], FRAME)
    assert str(tmp_path) not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", UNREADABLE, ids=lambda name: repr(name)[:20])
@pytest.mark.parametrize("dicom", [False, True])
def test_what_cannot_be_read_is_one_line(root, name, dicom, tmp_path):
    with pytest.raises(DataError, match="; ") as caught:
        read_pictures(root, [name], FRAME, dicom=dicom)
    line = str(caught.value)
    assert "\n" not in line
    assert "\0" not in line
    assert len(line) < 500
    assert str(tmp_path) not in line


def test_skipping_marks_and_keeps_silent(root, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    bad = [*OUTSIDE, *UNREADABLE]
    names = ["good.png", *bad, "near.png"]
    for dicom in (False, True):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = read_pictures(root, names, FRAME, skip_unreadable=True, dicom=dicom)
        assert found.readable.tolist() == [True, *[False] * len(bad), True]
        assert (found.pixels[0] == found.pixels[-1]).all()
        assert not found.pixels[1:-1].any()
        assert not said
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_a_row_depends_on_its_own_file_alone(root, picture):
    picture("in/white.png", np.full((300, 200), 255, np.uint8))
    alone = read_pictures(root, ["good.png"], FRAME).pixels[0]
    beside = read_pictures(root, ["white.png", "cut.png", "good.png"], FRAME, skip_unreadable=True)
    np.testing.assert_array_equal(beside.pixels[2], alone)
    np.testing.assert_array_equal(alone, framed(GOOD, FRAME))


@pytest.mark.parametrize("error", [MemoryError, RecursionError, SyntaxError, ZeroDivisionError])
def test_whatever_a_decoder_raises_is_a_mark(root, monkeypatch, error):
    from PIL import PngImagePlugin

    def fail(*_):
        raise error("patient 4711")

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", fail)
    found = read_pictures(root, ["good.png", "deeper/good.tif"], FRAME, skip_unreadable=True)
    assert found.readable.tolist() == [False, True]
    with pytest.raises(DataError, match=error.__name__) as caught:
        read_pictures(root, ["good.png"], FRAME)
    assert "4711" not in str(caught.value)


def test_random_bytes_never_stop_the_reader(root):
    rng = np.random.default_rng(3)
    starts = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0", b"MM\0*", b"\0" * 128 + b"DICM"]
    names = []
    for number in range(100):
        name = f"random{number}.png"
        (root / name).write_bytes(starts[number % 5] + rng.bytes(int(rng.integers(1, 400))))
        names.append(name)
    found = read_pictures(root, names, FRAME, skip_unreadable=True, dicom=True)
    assert not found.readable.any()
    assert not found.pixels.any()


def test_limits_are_for_each_file(root):
    few = Limits(pixels=63)
    assert not read_pictures(root, ["good.png"], FRAME, skip_unreadable=True, limits=few).readable


def test_a_missing_folder_is_told(tmp_path):
    for skip in (False, True):
        with pytest.raises(DataError, match="there is no such folder; give the one with"):
            read_pictures(tmp_path / "none", [], FRAME, skip_unreadable=skip)


def test_dicom_beside_others(root, tmp_path, dicom_file):
    (root / "scan").write_bytes(dicom_file("scan.dcm", GOOD).read_bytes())
    dark = dicom_file("dark.dcm", GOOD, BurnedInAnnotation="YES")
    (root / "dark.dcm").write_bytes(dark.read_bytes())
    names = ["scan", "good.png", "dark.dcm"]
    window = Frame(size=8, window=(0, 51))
    found = read_pictures(root, names, window, dicom=True)
    assert found.burned_in.tolist() == [False, False, True]
    assert (found.pixels[:, 0, 1, 0] == 5).all()  # 1 / 51 = 5 / 255
    with pytest.raises(DataError, match="is a DICOM file; ask for DICOM"):
        read_pictures(root, names, FRAME)


def test_a_missing_pydicom_is_told_before_any_file_is_opened(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(InputError, match=r"pip install 'dpsynth\[dicom\]'"):
        read_pictures(root, [], FRAME, skip_unreadable=True, dicom=True)
    assert read_pictures(root, ["good.png"], FRAME).readable.all()
