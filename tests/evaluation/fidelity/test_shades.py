"""Shades and mean pictures: exact on flat pictures, near 0 between real ones, 1 at worst."""

import numpy as np
import pytest
from pictured import flat, noisy

from dpsynth.evaluation.fidelity.mean_picture import mean_picture_distance
from dpsynth.evaluation.fidelity.shades import shade_tv


def test_shades_are_counted_by_patient():
    # Patient 0 has two black and patient 1 one white picture: half black, half white. The other
    # set is three quarters black: a quarter would have to be moved.
    real = flat([0, 0, 255], patients=[0, 0, 1])
    other = flat([0, 0, 0, 255])
    assert shade_tv(real, other, replicates=0).value == pytest.approx(0.25)
    assert shade_tv(real, real, replicates=0).value == 0.0
    assert shade_tv(flat([0]), flat([255]), replicates=0).value == 1.0


def test_shades_of_colours_are_averaged():
    real, other = flat([0, 0]), flat([0, 0])
    pixels = np.repeat(real.pixels, 3, axis=3)
    red = pixels.copy()
    red[..., 0] = 255
    assert shade_tv(real.like(pixels), other.like(red), replicates=0).value == pytest.approx(1 / 3)


def test_where_pixels_lie_plays_no_part_in_shades():
    real = noisy(60, 0)
    turned = real.like(real.pixels[:, ::-1, ::-1])
    assert shade_tv(real, turned, replicates=0).value == 0.0
    assert mean_picture_distance(real, turned, replicates=0).value > 0.1


def test_mean_pictures_are_of_the_class_and_of_the_average_patient():
    # Class 0: patient 0 has shades 0 and 102, patient 1 has 153: mean (51 + 153) / 2 = 102.
    # Class 1: 255 in both sets. Against 153 in class 0: (0.2 + 0) / 2 = 0.1.
    words = {"classes": ("well", "ill")}
    shades, who = [0, 102, 153] * 5 + [255] * 10, [*range(10), *range(10, 20)]
    who = [w for pair in range(5) for w in (2 * pair, 2 * pair, 2 * pair + 1)] + who[10:]
    real = flat(shades, patients=who, code=[0] * 15 + [1] * 10, **words)
    other = flat([153, 255], code=[0, 1], **words)
    found = mean_picture_distance(real, other, replicates=0)
    assert found.value == pytest.approx(0.1, abs=1e-6)


def test_a_class_that_the_copy_lacks_is_as_far_as_can_be_and_a_rare_real_one_left_out():
    words = {"classes": ("well", "ill", "rare")}
    real = flat([50] * 20 + [9] * 3, code=[0] * 10 + [1] * 10 + [2] * 3, **words)
    other = flat([50] * 10, code=[0] * 10, **words)
    assert mean_picture_distance(real, other, replicates=0).value == pytest.approx(0.5)
    few = flat([9] * 3, code=[2] * 3, **words)
    assert not mean_picture_distance(few, other).assessable


@pytest.mark.parametrize("measure", [shade_tv, mean_picture_distance])
def test_real_is_nearer_to_real_than_what_is_changed(measure):
    real, other = noisy(300, 1), noisy(300, 2)
    darker = other.like((other.pixels * 0.8).astype(np.uint8))
    good, bad = measure(real, other), measure(real, darker)
    assert good.low <= good.value <= good.high < bad.low


def test_a_set_without_pictures_is_not_assessed():
    none = flat([], total=3)
    assert not shade_tv(flat([1]), none).assessable
    assert not shade_tv(none, flat([1])).assessable


@pytest.mark.parametrize("measure", [shade_tv, mean_picture_distance])
def test_the_patient_is_the_unit_of_the_interval(measure):
    # 200 pictures of 200 patients tell more than 200 pictures of 20 patients who look alike.
    shades = np.random.default_rng(0).integers(0, 256, 20)
    alike = flat(np.repeat(shades, 10), patients=np.repeat(np.arange(20), 10))
    apart = flat(np.repeat(shades, 10))
    other = flat(np.random.default_rng(1).integers(0, 256, 1000))
    wide, narrow = measure(alike, other), measure(apart, other)
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)
