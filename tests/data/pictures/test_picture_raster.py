"""PNG, JPEG and TIFF: what is read, and what is refused in one line."""

import io
import os

import numpy as np
import pytest
from PIL import EpsImagePlugin, GifImagePlugin, Image

from dpsynth.data.pictures import Limits, read_raster
from dpsynth.errors import DataError

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)
COLOUR = np.arange(144, dtype=np.uint8).reshape(6, 8, 3)
DEEP = (np.arange(48, dtype=np.uint16) * 1000).reshape(6, 8)


@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.PNG", "deeper/x.tiff"])
@pytest.mark.parametrize("pixels", [GREY, COLOUR, DEEP], ids=["grey", "colour", "deep"])
def test_lossless_files_come_back(picture, name, pixels):
    found = read_raster(picture(name, pixels))
    assert found.dtype == pixels.dtype
    np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_packed_tiff_comes_back(picture, compression):
    np.testing.assert_array_equal(
        read_raster(picture("x.tif", COLOUR, compression=compression)), COLOUR
    )


def test_jpeg_comes_back_nearly(picture):
    flat = np.full((16, 16), 77, np.uint8)
    assert abs(read_raster(picture("x.jpg", flat, quality=95)).astype(int) - 77).max() <= 1
    assert read_raster(picture("y.jpg", COLOUR)).shape == (6, 8, 3)


def test_a_phones_two_pictures_in_one_jpeg_are_its_first(picture):
    first, second = (Image.new("L", (16, 16), shade) for shade in (77, 200))
    path = picture("x.jpg", first, format="MPO", save_all=True, append_images=[second])
    assert abs(read_raster(path).astype(int) - 77).max() <= 1


def test_a_jpeg_is_turned_the_way_up(picture):
    exif = Image.Exif()
    exif[0x0112] = 6
    half = np.repeat(np.array([[0], [255]], np.uint8), 8, axis=0).repeat(16, axis=1)
    # The top half is black; a quarter turn clockwise brings it to the right.
    found = read_raster(picture("x.jpg", half, exif=exif, quality=95))
    assert found[:, :8].min() > 200
    assert found[:, 8:].max() < 50


def test_big_endian_16_bits(picture):
    path = picture("x.tif", Image.frombytes("I;16B", (8, 6), DEEP.astype(">u2").tobytes()))
    np.testing.assert_array_equal(read_raster(path), DEEP)


def test_content_and_not_the_name_tells_the_format(picture):
    path = picture("x.png", GREY)
    np.testing.assert_array_equal(read_raster(path.rename(path.with_name("x.jpg"))), GREY)


def test_palette_becomes_colour(picture):
    indexed = Image.fromarray(np.array([[0, 1]], dtype=np.uint8))
    indexed = indexed.convert("P")
    indexed.putpalette([255, 0, 0, 0, 10, 20])
    assert read_raster(picture("x.png", indexed)).tolist() == [[[255, 0, 0], [0, 10, 20]]]


def test_transparency_is_laid_over_black(picture):
    clear = np.array([[[200, 100, 50, 255], [200, 100, 50, 0]]], dtype=np.uint8)
    assert read_raster(picture("x.png", clear)).tolist() == [[[200, 100, 50], [0, 0, 0]]]
    image = Image.fromarray(np.array([[5, 9]], np.uint8))
    assert read_raster(picture("y.png", image, transparency=9)).tolist() == [[5, 0]]
    half = Image.merge("LA", [Image.new("L", (1, 1), 200), Image.new("L", (1, 1), 0)])
    assert read_raster(picture("z.png", half)).tolist() == [[0]]


def test_one_bit_is_black_and_white(picture):
    bits = Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1")
    assert read_raster(picture("x.png", bits)).tolist() == [[0, 255]]


def test_cmyk_becomes_colour(picture):
    ink = Image.new("CMYK", (4, 4), (0, 0, 0, 255))
    assert read_raster(picture("x.tif", ink)).tolist() == [[[0, 0, 0]] * 4] * 4


# What each EXIF orientation makes of [[0, 1], [2, 3], [4, 5]], by hand.
TURNED = {
    1: [[0, 1], [2, 3], [4, 5]],
    2: [[1, 0], [3, 2], [5, 4]],
    3: [[5, 4], [3, 2], [1, 0]],
    4: [[4, 5], [2, 3], [0, 1]],
    5: [[0, 2, 4], [1, 3, 5]],
    6: [[4, 2, 0], [5, 3, 1]],
    7: [[5, 3, 1], [4, 2, 0]],
    8: [[1, 3, 5], [0, 2, 4]],
    99: [[0, 1], [2, 3], [4, 5]],
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("name", ["x.png", "x.tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_orientation_is_applied(picture, name, orientation, dtype):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = picture(name, np.arange(6, dtype=dtype).reshape(3, 2), exif=exif)
    assert read_raster(path).tolist() == TURNED[orientation]


def test_a_broken_remark_does_not_cost_the_picture(picture):
    path = picture("x.png", GREY, exif=b"Exif\0\0broken")
    np.testing.assert_array_equal(read_raster(path), GREY)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_that_counts_from_white_is_turned(tmp_path, dtype):
    # Written by hand, since Pillow turns before it writes: 1 strip of 2 pixels, 0 is white.
    pixels = np.array([0, 255], dtype=dtype)
    bits = 8 * pixels.itemsize
    tags = [(256, 2), (257, 1), (258, bits), (259, 1), (262, 0), (273, 200), (277, 1), (278, 1)]
    tags.append((279, pixels.nbytes))
    # Each: tag, type SHORT, count 1 as 32 bits, value in the first half of 32 bits
    entry = b"".join(
        np.array([t, 3], "<u2").tobytes() + np.array([1, v], "<u4").tobytes() for t, v in tags
    )
    head = b"II*\0" + np.array([8], "<u4").tobytes() + np.array([len(tags)], "<u2").tobytes()
    raw = (head + entry + b"\0\0\0\0").ljust(200, b"\0") + pixels.tobytes()
    (tmp_path / "x.tif").write_bytes(raw)
    top = np.iinfo(dtype).max
    assert read_raster(tmp_path / "x.tif").tolist() == [[top, top - 255]]


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg"])
def test_the_tiff_library_prints_nothing(picture, refused, capfd, compression):
    path = picture("x.tif", np.kron(COLOUR, np.ones((8, 8, 1), np.uint8)), compression=compression)
    raw = bytearray(path.read_bytes())
    raw[10:40] = b"\xff" * 30
    path.write_bytes(raw)
    refused("x.tif", lambda: read_raster(path))
    assert capfd.readouterr() == ("", "")
    os.write(2, b"standard error is back")
    assert capfd.readouterr().err == "standard error is back"


def test_pages_by_request(picture, refused):
    pages = [Image.fromarray(np.full((4, 4), each, np.uint8)) for each in (1, 2, 3)]
    path = picture("x.tif", pages[0], save_all=True, append_images=pages[1:])
    assert [read_raster(path, page=each)[0, 0] for each in (0, 1, 2)] == [1, 2, 3]
    assert read_raster(path)[0, 0] == 1
    assert "has no page 3" in refused("x.tif", lambda: read_raster(path, page=3))
    plain = picture("y.png", GREY)
    assert "page 1" in refused("y.png", lambda: read_raster(plain, page=1))


def test_32_bits_are_taken_if_they_fit(picture, refused):
    assert read_raster(picture("x.tif", np.array([[0, 65535]], np.int32))).tolist() == [[0, 65535]]
    for name, wide in (("y.tif", [[0, 65536]]), ("z.tif", [[-1, 5]])):
        path = picture(name, np.array(wide, np.int32))
        assert "outside [0, 65535]" in refused(name, lambda path=path: read_raster(path))


def test_fractions_are_refused(picture, refused):
    path = picture("x.tif", np.array([[0.5, np.nan]], np.float32))
    assert "8 or 16 bits" in refused("x.tif", lambda: read_raster(path))


NAMES = ["x.png", "x.jpg", "x.tif"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.95])
def test_a_truncated_file_is_one_line(picture, refused, name, share):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = picture(name, noise)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])
    line = refused(name, lambda: read_raster(path))
    assert "is not a readable PNG, JPEG or TIFF file" in line
    assert "check that it was copied whole" in line


@pytest.mark.parametrize("name", NAMES)
def test_flipped_bytes_never_show_a_traceback(picture, name):
    rng = np.random.default_rng(1)
    path = picture(name, rng.integers(0, 256, (24, 24, 3), dtype=np.uint8))
    raw = np.frombuffer(path.read_bytes(), np.uint8)
    for _ in range(60):
        broken = raw.copy()
        broken[rng.integers(0, len(raw), 8)] = rng.integers(0, 256, 8)
        path.write_bytes(broken.tobytes())
        try:
            found = read_raster(path)
        except DataError as error:
            assert "\n" not in str(error)
        else:
            assert found.dtype in (np.uint8, np.uint16)


@pytest.mark.parametrize("side", [10_000, 20_000, 60_000, 2**31 - 1])
def test_a_bomb_is_refused_by_its_header(put, png_of_size, refused, side):
    path = put("bomb.png", png_of_size(side, side))
    line = refused("bomb.png", lambda: read_raster(path))
    assert "more than 67,108,864 pixels" in line
    assert "make it smaller" in line


def test_the_limits_can_be_set(picture, refused):
    path = picture("x.png", GREY)
    assert read_raster(path, limits=Limits(pixels=48)).shape == (6, 8)
    assert "47 pixels" in refused("x.png", lambda: read_raster(path, limits=Limits(pixels=47)))
    line = refused("x.png", lambda: read_raster(path, limits=Limits(file_bytes=10)))
    assert "larger than 10 bytes" in line
    with pytest.raises(ValueError, match="pixels must be at least 1, got 0"):
        Limits(pixels=0)


def other_formats():
    for kind in ("GIF", "BMP", "EPS", "ICO", "PPM", "TGA", "PCX", "WEBP", "SGI", "PDF"):
        out = io.BytesIO()
        try:
            Image.new("RGB", (16, 16), 7).save(out, format=kind)
        except (OSError, KeyError):
            continue
        yield kind, out.getvalue()


OTHERS = {
    **dict(other_formats()),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
    "text": b"patient,sex\n1,f\n",
    "nearly": b"\x89PNG\r\n\x1a\nand then a letter about the picture",
    "zeros": b"\0" * 500,
    "pickle": b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00]\x94.",
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_kinds_renamed_are_refused(put, refused, kind):
    path = put("x.png", OTHERS[kind])
    line = refused("x.png", lambda: read_raster(path))
    assert "is not a readable PNG, JPEG or TIFF file" in line


def test_no_other_decoder_is_asked(put, refused, monkeypatch):
    asked = []
    for plugin in (EpsImagePlugin.EpsImageFile, GifImagePlugin.GifImageFile):
        monkeypatch.setattr(plugin, "_open", lambda self: asked.append(self))
    for kind in ("GIF", "EPS"):
        path = put("x.png", OTHERS[kind])
        refused("x.png", lambda path=path: read_raster(path))
    assert not asked


def test_what_is_no_file_is_one_line(tmp_path, put, refused):
    assert "is empty" in refused("x.png", lambda: read_raster(put("x.png", b"")))
    (tmp_path / "folder.png").mkdir()
    assert "is not a file" in refused("folder.png", lambda: read_raster(tmp_path / "folder.png"))
    assert "no such file" in refused("none.png", lambda: read_raster(tmp_path / "none.png"))
    long = "x" * 5000
    assert len(refused("xxx", lambda: read_raster(tmp_path / long))) < 500
    assert "\\n" in refused("a\\nb.png", lambda: read_raster(tmp_path / "a\nb.png"))


def test_a_file_without_permission_is_one_line(picture, refused):
    path = picture("x.png", GREY)
    path.chmod(0)
    try:
        path.open("rb").close()
    except PermissionError:
        assert "PermissionError" in refused("x.png", lambda: read_raster(path))
    finally:
        path.chmod(0o600)
