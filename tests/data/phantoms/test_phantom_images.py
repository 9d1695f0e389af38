"""What the images are: bytes that a seed and a patient's number fix."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dpsynth.data.phantoms import CHEST, SKIN, PhantomSet, chest, skin

KINDS = [(chest, 1), (skin, 3)]


@pytest.mark.parametrize(("draw", "channels"), KINDS)
@pytest.mark.parametrize("size", [16, 28, 32, 64, 128])
def test_every_size_gives_bytes_of_that_size_with_light_and_shade(draw, channels, size):
    phantoms = draw(6, seed=3, size=size)
    assert phantoms.images.shape == (len(phantoms.table), size, size, channels)
    assert phantoms.images.dtype == np.uint8
    assert (np.ptp(phantoms.images, axis=(1, 2, 3)) > 60).all()
    assert (phantoms.images.std(axis=(1, 2, 3)) > 5).all()


@pytest.mark.parametrize(("draw", "channels"), KINDS)
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(draw, channels):
    one, two, other = draw(10, seed=3), draw(10, seed=3), draw(10, seed=4)
    assert one.images.tobytes() == two.images.tobytes()
    pd.testing.assert_frame_equal(one.table, two.table, check_exact=True)
    assert one.images[:5].tobytes() != other.images[:5].tobytes()


@pytest.mark.parametrize(("draw", "channels"), KINDS)
def test_a_small_set_is_the_beginning_of_a_large_one(draw, channels):
    small, large = draw(10, seed=3), draw(900, seed=3)
    assert small.images.tobytes() == large.images[: len(small)].tobytes()
    start = large.table.iloc[: len(small)]
    pd.testing.assert_frame_equal(small.table, start, check_exact=True)


@pytest.mark.parametrize(("draw", "channels"), KINDS)
def test_a_patient_is_the_same_at_every_size(draw, channels):
    small, large = draw(40, seed=3, size=32), draw(40, seed=3, size=64)
    pd.testing.assert_frame_equal(small.table, large.table, check_exact=True)
    halved = large.images.reshape(len(large), 32, 2, 32, 2, channels).mean(axis=(2, 4))
    for one, two in zip(small.images, halved, strict=True):
        assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.8


@pytest.mark.parametrize("kind", ["chests", "lesions"])
def test_images_of_a_patient_are_more_alike_than_those_of_two(kind, request):
    phantoms = request.getfixturevalue(kind)
    images = phantoms.images.reshape(len(phantoms), -1).astype(np.float32)
    second = np.flatnonzero(phantoms.table["image"].str.endswith("_2.png"))
    same = ((images[second] - images[second - 1]) ** 2).mean(axis=1)
    stranger = ((images[second] - np.roll(images[second - 1], 1, axis=0)) ** 2).mean(axis=1)
    assert (same > 0).all()  # yet no image is twice in the set
    # Were they no more alike, half would be closer, with sd 0.013 among some 1,500 patients.
    assert (same < stranger).mean() > 0.8


@pytest.mark.parametrize("kind", ["chests", "lesions"])
def test_the_table_names_every_image_and_hides_the_truth(kind, request):
    phantoms = request.getfixturevalue(kind)
    table, label = phantoms.table, phantoms.truth.label
    assert list(table.columns[:5]) == ["patient", "image", label, "sex", "age"]
    assert all(name.startswith("truth_") for name in table.columns[5:])
    assert table["image"].is_unique
    assert (table["image"].str.split("_").str[0] == table["patient"]).all()
    assert list(phantoms.facts().columns) == ["patient", "image", label, "sex", "age"]
    shared = table.drop(columns="image").drop_duplicates()
    assert len(shared) == table["patient"].nunique()  # all else belongs to the patient


def test_the_healthy_have_no_severity_and_the_ill_have_a_side(chests):
    table = chests.table
    ill = table["pneumonia"] == "true"
    assert (table.loc[~ill, "truth_severity"] == 0).all()
    assert table.loc[ill, "truth_severity"].between(0.35, 1).all()
    assert set(table.loc[~ill, "truth_side"]) == {"none"} == set(table.loc[~ill, "truth_kind"])
    assert set(table.loc[ill, "truth_side"]) == {"left", "right", "both"}
    assert set(table.loc[ill, "truth_kind"]) == {"focal", "lobar"}


def test_an_opacity_brightens_the_side_that_the_truth_names():
    # The same patients with the disease hidden: only the ill side's half gets darker.
    shown, hidden = chest(200, seed=3), chest(200, seed=3, truth=replace(CHEST, contrast=0.0))
    change = shown.images[..., 0].astype(float) - hidden.images[..., 0]
    halves = {"right": change[:, :, :11], "left": change[:, :, 17:]}  # the spine is between
    for side, other in (("right", "left"), ("left", "right")):
        rows = (shown.table["truth_side"] == side).to_numpy()
        assert halves[side][rows].mean() > 3
        assert abs(halves[other][rows].mean()) < 0.5
    healthy = (shown.table["pneumonia"] == "false").to_numpy()
    assert not change[healthy].any()


def test_classes_that_a_kind_cannot_draw_are_refused():
    with pytest.raises(ValueError, match="classes must be"):
        chest(1, seed=0, truth=replace(CHEST, classes=("no", "yes")))
    with pytest.raises(ValueError, match="classes must be among"):
        skin(1, seed=0, truth=replace(SKIN, classes=("nevus", "melanoma", "wart", "vascular")))


@pytest.mark.parametrize("draw", [chest, skin])
def test_sizes_and_numbers_out_of_range_are_refused(draw):
    with pytest.raises(ValueError, match="size must be in 16 to 512 pixels, got 8"):
        draw(1, seed=0, size=8)
    with pytest.raises(ValueError, match="patients must be at least 1, got 0"):
        draw(0, seed=0)


def test_a_set_whose_parts_do_not_fit_is_refused(chests):
    with pytest.raises(ValueError, match="one row per image"):
        PhantomSet(images=chests.images[:3], table=chests.table[:2], truth=CHEST)
    with pytest.raises(ValueError, match="uint8"):
        PhantomSet(images=chests.images[:3] / 255, table=chests.table[:3], truth=CHEST)
