"""Frames: windows, colours and areas worked by hand, and nothing from other pictures."""

import numpy as np
import pytest
from PIL import Image

from dpsynth.data.pictures import Frame, framed
from dpsynth.data.pictures import frame as frame_module


def test_four_by_four_shrinks_to_means_of_areas():
    # By hand: (0+0+0+100)/4 = 25; (10+20+30+40)/4 = 25; (255*4)/4 = 255; (1+2+3+6)/4 = 3.
    small = [[0, 0, 10, 20], [0, 100, 30, 40], [255, 255, 1, 2], [255, 255, 3, 6]]
    image = Image.fromarray(np.array(small, dtype=np.uint8))
    assert frame_module._resized(image, 2, 2)[:, :, 0].tolist() == [[25, 25], [255, 3]]


def test_a_frame_holds_means_of_areas():
    # 16 x 16 made of 8 x 8 cells of 2 x 2, each with 0, 0, 0, 100: mean 25.
    cell = np.array([[0, 0], [0, 100]], dtype=np.uint8)
    made = framed(np.tile(cell, (8, 8)), Frame(size=8))
    assert made.shape == (8, 8, 1)
    assert made.dtype == np.uint8
    assert (made == 25).all()


def test_window_is_clipped_and_linear():
    # (100 - 50) / (150 - 50) = 0.5 -> 127.5, rounded to even: 128; 75 -> 63.75 -> 64.
    row = np.array([0, 50, 75, 100, 150, 151, 200, 255], dtype=np.uint8)
    made = framed(np.tile(row, (8, 1)), Frame(size=8, window=(50, 150)))
    assert made[0, :, 0].tolist() == [0, 0, 64, 128, 255, 255, 255, 255]


def test_no_window_is_the_whole_range_of_the_type_never_of_the_picture():
    # 16 bits: value / 257. A dark picture stays dark.
    dark = np.full((8, 8), 2570, dtype=np.uint16)
    dark[0, 0] = 257
    made = framed(dark, Frame(size=8))
    assert made[0, 0, 0] == 1
    assert (made.ravel()[1:] == 10).all()
    assert (framed(np.full((8, 8), 7, np.uint8), Frame(size=8)) == 7).all()


def test_a_window_of_16_bits_is_in_stored_units():
    made = framed(np.full((8, 8), 1500, np.uint16), Frame(size=8, window=(1000, 2000)))
    assert (made == 128).all()  # 0.5 * 255 = 127.5, rounded to even


def test_windows_may_be_extreme():
    values = np.arange(64, dtype=np.uint8).reshape(8, 8)
    step = framed(values, Frame(size=8, window=(0, 5e-324)))
    assert step[0, 0, 0] == 0
    assert (step.ravel()[1:] == 255).all()
    assert (framed(values, Frame(size=8, window=(-1e308, 1e308))) <= 128).all()


def test_crop_keeps_the_centre_square():
    # 8 rows, 16 columns: columns 4 to 11 stay.
    wide = np.tile(np.arange(16, dtype=np.uint8), (8, 1))
    assert framed(wide, Frame(size=8))[0, :, 0].tolist() == list(range(4, 12))
    assert framed(wide.T.copy(), Frame(size=8))[:, 0, 0].tolist() == list(range(4, 12))


def test_pad_keeps_everything_on_black():
    # 8 x 16 in 8 x 8: 4 rows in the middle, pairs of columns averaged: (0+2)/2, (4+6)/2, ...
    wide = np.tile(np.arange(0, 32, 2, dtype=np.uint8), (8, 1))
    made = framed(wide, Frame(size=8, fit="pad"))[:, :, 0]
    assert made[3].tolist() == [1, 5, 9, 13, 17, 21, 25, 29]
    assert (made[[0, 1, 6, 7]] == 0).all()


def test_stretch_changes_the_shape():
    wide = np.tile(np.arange(0, 32, 2, dtype=np.uint8), (8, 1))
    made = framed(wide, Frame(size=8, fit="stretch"))[:, :, 0]
    assert (made == [1, 5, 9, 13, 17, 21, 25, 29]).all()


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (7, 13, 3), (200, 100, 1)])
def test_every_shape_fits(fit, shape):
    for channels in (1, 3):
        made = framed(np.full(shape, 200, np.uint8), Frame(size=16, channels=channels, fit=fit))
        assert made.shape == (16, 16, channels)
        assert made.max() == 200


def test_colour_to_grey_and_grey_to_colour():
    # 0.299 * 255 = 76.2; 0.587 * 255 = 149.7; 0.114 * 255 = 29.1
    for channel, grey in ((0, 76), (1, 150), (2, 29)):
        colour = np.zeros((8, 8, 3), np.uint8)
        colour[:, :, channel] = 255
        assert (framed(colour, Frame(size=8)) == grey).all()
        assert (framed(colour, Frame(size=8, channels=3)) == colour).all()
    assert (framed(np.full((8, 8), 9, np.uint8), Frame(size=8, channels=3)) == 9).all()


def test_a_frame_changes_nothing_that_fits():
    rng = np.random.default_rng(0)
    one = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    before = one.copy()
    np.testing.assert_array_equal(framed(one, Frame(size=32, channels=3)), one)
    np.testing.assert_array_equal(one, before)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 7},
        {"size": 129},
        {"size": 8.5},
        {"channels": 2},
        {"fit": "fill"},
        {"window": (5, 5)},
        {"window": (6, 5)},
        {"window": (0, float("nan"))},
        {"window": (float("-inf"), 0)},
    ],
)
def test_a_wrong_frame_is_refused(wrong):
    with pytest.raises(ValueError, match=rf"{next(iter(wrong))} must be .*got"):
        Frame(**wrong)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((8, 8)),
        np.zeros((8, 8, 2), np.uint8),
        np.zeros((8,), np.uint8),
        np.zeros((0, 8), np.uint8),
        np.zeros((2, 8, 8, 3), np.uint8),
    ],
)
def test_other_pixels_are_refused(pixels):
    with pytest.raises(ValueError, match="pixels must be"):
        framed(pixels, Frame())
