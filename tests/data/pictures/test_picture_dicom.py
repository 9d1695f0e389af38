"""DICOM: shades worked by hand, tags that are kept, and files that are refused."""

import sys

import numpy as np
import pytest

from dpsynth.data.pictures import Limits, read_dicom
from dpsynth.data.pictures.dicom_values import looked_up, windowed
from dpsynth.errors import DataError, InputError

pydicom = pytest.importorskip("pydicom")

ROW = np.array([[0, 50, 100, 255]], dtype=np.uint8)


def sequence(**tags):
    item = pydicom.Dataset()
    for keyword, value in tags.items():
        setattr(item, keyword, value)
    return pydicom.Sequence([item])


def shades_of(path, **more):
    return read_dicom(path, **more).pixels[0].tolist()


def test_8_bits_without_a_window_come_back(dicom_file):
    found = read_dicom(dicom_file("x.dcm", ROW))
    assert found.pixels.shape == (1, 1, 4)
    assert found.pixels.dtype == np.uint8
    assert found.pixels[0].tolist() == ROW.tolist()


def test_monochrome1_is_turned(dicom_file):
    path = dicom_file("x.dcm", ROW, PhotometricInterpretation="MONOCHROME1")
    assert shades_of(path) == [[255, 205, 155, 0]]


def test_a_given_window_is_after_rescaling(dicom_file):
    # Stored 1000 is -24 HU: 1000 * 1 - 1024. Window (-160, 240):
    # (-24 + 160) / 400 = 0.34 -> 86.7; 1064 -> 40 HU -> 0.5 -> 127.5 -> 128; both ends clipped.
    stored = np.array([[0, 1000, 1064, 4000]], dtype=np.int16)
    path = dicom_file("x.dcm", stored, RescaleSlope="1", RescaleIntercept="-1024")
    assert shades_of(path, window=(-160, 240)) == [[0, 87, 128, 255]]


def test_the_files_window_is_taken_if_none_is_given(dicom_file):
    # LINEAR, centre 40.5, width 401: from 40 - 200 to 40 + 200.
    stored = np.array([[0, 1000, 1064, 4000]], dtype=np.int16)
    tags = {"RescaleSlope": "1", "RescaleIntercept": "-1024"}
    path = dicom_file("x.dcm", stored, WindowCenter="40.5", WindowWidth="401", **tags)
    assert shades_of(path) == [[0, 87, 128, 255]]
    assert shades_of(path, window=(-1024, 3072)) != [[0, 87, 128, 255]]
    several = dicom_file(
        "y.dcm", stored, WindowCenter=["40.5", "500"], WindowWidth=["401", "9"], **tags
    )
    assert shades_of(several) == [[0, 87, 128, 255]]


def test_window_functions_by_the_standards_formulas():
    # PS3.3 C.11.2.1.2: LINEAR with centre 2048, width 4096 goes from 0 to 4095.
    assert windowed(np.array([0, 4095, 2047.5]), 2048, 4096, "LINEAR").tolist() == [0, 255, 128]
    # With centre 0, width 1 it is a step at -0.5.
    assert windowed(np.array([-1, 0]), 0, 1, "LINEAR").tolist() == [0, 255]
    assert windowed(np.array([0, 25, 100]), 50, 100, "LINEAR_EXACT").tolist() == [0, 64, 255]
    # 1 / (1 + e^-4) = 0.982 -> 250.4; 1 / (1 + e^0) = 0.5
    assert windowed(np.array([50, 150, 1e9]), 50, 100, "SIGMOID").tolist() == [128, 250, 255]


@pytest.mark.parametrize(
    "wrong",
    [(0, 0.5, "LINEAR"), (0, 0, "SIGMOID"), (float("nan"), 9, "LINEAR"), (0, 9, "CUBIC")],
)
def test_windows_that_are_none(wrong):
    with pytest.raises(ValueError, match="window"):
        windowed(np.array([1]), *wrong)


def test_12_of_16_bits_have_a_range_of_their_own(dicom_file):
    # 4095 is white. What an overlay keeps above bit 11 is no part of the pixel.
    stored = np.array([[0, 2048, 4095, 0x1000 + 4095]], dtype=np.uint16)
    path = dicom_file("x.dcm", stored, BitsStored=12, HighBit=11)
    assert shades_of(path) == [[0, 128, 255, 255]]


def test_signed_pixels_have_a_range_around_zero(dicom_file):
    # 12 bits: from -2048 to 2047; 0 is (0 + 2048) / 4095 -> 127.53
    stored = np.array([[-2048, 0, 2047]], dtype=np.int16)
    assert shades_of(dicom_file("x.dcm", stored, BitsStored=12, HighBit=11)) == [[0, 128, 255]]
    turned = dicom_file(
        "y.dcm", stored, BitsStored=12, HighBit=11, RescaleSlope="-2", RescaleIntercept="0"
    )
    assert shades_of(turned) == [[255, 127, 0]]


def test_tables_for_modality_and_window(dicom_file):
    entries = np.array([255, 0, 51, 102], "<u2").tobytes()
    table = {"LUTDescriptor": [4, 0, 8], "LUTData": entries}
    path = dicom_file("x.dcm", np.array([[0, 1, 2, 3, 9]], np.uint8))
    assert shades_of(path) == [[0, 1, 2, 3, 9]]
    path = dicom_file(
        "y.dcm", np.array([[0, 1, 2, 3, 9]], np.uint8), VOILUTSequence=sequence(**table)
    )
    assert shades_of(path) == [[255, 0, 51, 102, 102]]
    modality = sequence(**table, ModalityLUTType="US")
    path = dicom_file("z.dcm", np.array([[0, 1, 2]], np.uint8), ModalityLUTSequence=modality)
    assert shades_of(path) == [[255, 0, 51]]
    assert shades_of(path, window=(0, 510)) == [[128, 0, 26]]  # 127.5 to even; 25.5 to even


def test_lookup_holds_its_ends():
    found, top = looked_up(np.array([-9, 100, 101, 5000]), [2, 100, 16], b"\x01\x00\xff\xff")
    assert found.tolist() == [1, 1, 65535, 65535]
    assert top == 65535
    with pytest.raises(ValueError, match="lacks entries"):
        looked_up(np.array([0]), [300, 0, 8], b"\x01\x02")


def test_enhanced_files_keep_their_window_for_each_frame(dicom_file):
    frames = np.array([[[0, 10]], [[0, 10]]], dtype=np.uint8)
    groups = []
    for slope, width in ((1, 10), (10, 200)):
        group = pydicom.Dataset()
        group.PixelValueTransformationSequence = sequence(RescaleSlope=slope, RescaleIntercept=0)
        group.FrameVOILUTSequence = sequence(
            WindowCenter=width / 2, WindowWidth=width, VOILUTFunction="LINEAR_EXACT"
        )
        groups.append(group)
    path = dicom_file("x.dcm", frames, PerFrameFunctionalGroupsSequence=pydicom.Sequence(groups))
    # 10 / 10 = 1; 10 * 10 / 200 = 0.5
    assert read_dicom(path, frames=(0, 1)).pixels.tolist() == [[[0, 255]], [[0, 128]]]


def test_frames_by_request(dicom_file, refused):
    frames = np.arange(5, dtype=np.uint8).repeat(4).reshape(5, 2, 2)
    path = dicom_file("x.dcm", frames)
    assert read_dicom(path).pixels.tolist() == frames[:1].tolist()
    assert read_dicom(path, frames=(3, 1)).pixels.tolist() == frames[[3, 1]].tolist()
    for wrong in ((5,), (-1,), ()):
        line = refused("x.dcm", lambda wrong=wrong: read_dicom(path, frames=wrong))
        assert "has frames 0 to 4" in line


def test_colour_comes_back(dicom_file):
    colour = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert shades_of(dicom_file("x.dcm", colour)) == colour.tolist()


def test_colour_in_planes(dicom_file):
    colour = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    planes = np.ascontiguousarray(colour.transpose(2, 0, 1)).reshape(2, 4, 3)
    assert shades_of(dicom_file("x.dcm", planes, PlanarConfiguration=1)) == colour.tolist()


def test_ybr_becomes_rgb(dicom_file):
    # PS3.3 C.7.6.3.1.2: red 255 0 0 is Y 76, Cb 85, Cr 255 (rounded).
    path = dicom_file(
        "x.dcm",
        np.array([[[76, 85, 255], [128, 128, 128]]], np.uint8),
        PhotometricInterpretation="YBR_FULL",
    )
    red, grey = shades_of(path)[0]
    assert np.abs(np.array(red) - [255, 0, 0]).max() <= 2
    assert grey == [128, 128, 128]


def palette(**more):
    tags = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name, shades in (("Red", b"\xff\x00"), ("Green", b"\x00\x10"), ("Blue", b"\x00\x20")):
        tags[f"{name}PaletteColorLookupTableDescriptor"] = [2, 0, 8]
        tags[f"{name}PaletteColorLookupTableData"] = shades
    return tags | more


def test_palette_colour_becomes_rgb(dicom_file, refused):
    pixels = np.array([[0, 1]], np.uint8)
    assert shades_of(dicom_file("x.dcm", pixels, **palette())) == [[[255, 0, 0], [0, 16, 32]]]
    broken = palette(RedPaletteColorLookupTableDescriptor=[200, 0, 8])
    path = dicom_file("y.dcm", pixels, **broken)
    refused("y.dcm", lambda: read_dicom(path))


def test_rle_is_undone(tmp_path, dicom_file):
    pixels = np.repeat(np.arange(8, dtype=np.uint8), 8).reshape(8, 8)
    made = pydicom.dcmread(dicom_file("x.dcm", pixels))
    made.compress(pydicom.uid.RLELossless)
    made.save_as(tmp_path / "y.dcm")
    assert shades_of(tmp_path / "y.dcm") == pixels.tolist()


def test_only_claimed_tags_are_kept(dicom_file):
    path = dicom_file("x.dcm", ROW, BodyPartExamined="CHEST", PatientAge="063Y")
    assert read_dicom(path).tags == {}
    found = read_dicom(path, claimed=("BodyPartExamined", "PatientAge", "Laterality"))
    assert found.tags == {"BodyPartExamined": "CHEST", "PatientAge": "063Y"}
    assert "Doe" not in repr(found)
    assert "4711" not in repr(found)


@pytest.mark.parametrize("wrong", ["Bodypart", "PixelData", "VOILUTSequence", "0010,0010", ""])
def test_only_tags_of_short_text_can_be_claimed(dicom_file, wrong):
    path = dicom_file("x.dcm", ROW)
    with pytest.raises(ValueError, match="claimed must be"):
        read_dicom(path, claimed=(wrong,))


def test_burned_in_text_is_told(dicom_file):
    assert read_dicom(dicom_file("x.dcm", ROW)).notes == ()
    for said in ("YES", ""):
        found = read_dicom(dicom_file("x.dcm", ROW, BurnedInAnnotation=said))
        assert found.burned_in
        assert len(found.notes) == 1
        assert "burned into" in found.notes[0]


def test_compressed_files_are_refused(dicom_file, refused):
    # JPEG baseline, JPEG 2000, deflated, big endian: told by the header, before pixels are read.
    for syntax in ("2.4.50", "2.4.90", "2.1.99", "2.2"):
        path = dicom_file("x.dcm", ROW)
        old, new = b"1.2.840.10008.1.2.1\0", f"1.2.840.10008.1.{syntax}".encode()
        raw = path.read_bytes()
        at = raw.index(old)
        new += b"\0" * (len(new) % 2)
        length = len(new).to_bytes(2, "little")
        # (0002,0000) counts the bytes of the group.
        group = int.from_bytes(raw[140:144], "little") + len(new) - len(old)
        raw = raw[:140] + group.to_bytes(4, "little") + raw[144 : at - 2] + length + new
        raw += path.read_bytes()[at + len(old) :]
        path.write_bytes(raw)
        line = refused("x.dcm", lambda path=path: read_dicom(path))
        assert "export it again as uncompressed" in line


def test_truncated_files_are_one_line(dicom_file, refused):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    path = dicom_file("x.dcm", noise)
    raw = path.read_bytes()
    for share in (0.01, 0.03, 0.05, 0.5, 0.97):
        path.write_bytes(raw[: int(len(raw) * share)])
        refused("x.dcm", lambda: read_dicom(path))


def test_flipped_bytes_never_show_a_traceback(dicom_file):
    rng = np.random.default_rng(2)
    path = dicom_file("x.dcm", ROW, WindowCenter="40", WindowWidth="80", RescaleSlope="2")
    raw = np.frombuffer(path.read_bytes(), np.uint8)
    for _ in range(150):
        broken = raw.copy()
        broken[rng.integers(128, len(raw), 4)] = rng.integers(0, 256, 4)
        path.write_bytes(broken.tobytes())
        try:
            found = read_dicom(path, claimed=("Modality", "WindowCenter"))
        except DataError as error:
            assert "\n" not in str(error)
        else:
            assert found.pixels.dtype == np.uint8


@pytest.mark.parametrize(
    "tags",
    [
        {"Rows": 60_000, "Columns": 60_000},
        {"Rows": 0},
        {"NumberOfFrames": 2_000_000_000},
        {"BitsStored": 0},
        {"BitsStored": 16},
        {"HighBit": 3},
        {"RescaleSlope": "0", "RescaleIntercept": "0"},
        {"WindowCenter": "1", "WindowWidth": "-5"},
        {"WindowCenter": "1", "WindowWidth": "5", "VOILUTFunction": "CUBIC"},
        {"PhotometricInterpretation": "HSV"},
        {"PhotometricInterpretation": "PALETTE COLOR"},
        {"SamplesPerPixel": 3},
        {"BitsAllocated": 64},
    ],
    ids=str,
)
def test_headers_that_lie_are_one_line(dicom_file, refused, tags):
    path = dicom_file("x.dcm", ROW, **tags)
    refused("x.dcm", lambda: read_dicom(path))


def test_numbers_that_are_none_are_one_line(dicom_file, refused):
    path = dicom_file("x.dcm", ROW, RescaleSlope="1.5", RescaleIntercept="0")
    path.write_bytes(path.read_bytes().replace(b"1.5 ", b"nan "))
    refused("x.dcm", lambda: read_dicom(path))


def test_no_dicom_and_no_picture(put, refused, tmp_path):
    for raw in (b"", b"DICM", b"\0" * 128 + b"DICM", b"\0" * 500):
        path = put("x.dcm", raw)
        refused("x.dcm", lambda path=path: read_dicom(path))
    made = pydicom.Dataset()
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.11", "2.25.2"
    made.save_as(tmp_path / "report.dcm", enforce_file_format=True)
    line = refused("report.dcm", lambda: read_dicom(tmp_path / "report.dcm"))
    assert "holds no picture" in line


def test_limits_hold(dicom_file, refused):
    path = dicom_file("x.dcm", ROW)
    assert read_dicom(path, limits=Limits(pixels=4)).pixels.shape == (1, 1, 4)
    line = refused("x.dcm", lambda: read_dicom(path, limits=Limits(pixels=3)))
    assert "more than 3 pixels" in line


def test_a_missing_pydicom_is_told_with_its_cure(dicom_file, monkeypatch):
    path = dicom_file("x.dcm", ROW)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(InputError, match=r"pip install 'dpsynth\[dicom\]'$"):
        read_dicom(path)
