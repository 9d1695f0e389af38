"""Nearness to training pictures: exact on flat ones, 1 between real ones, and it sees copies."""

import numpy as np
import pytest
from pictured import flat, noisy

from dpsynth.evaluation.fidelity import picture_features
from dpsynth.evaluation.fidelity.picture_features import trained
from dpsynth.evaluation.leakage.near_pictures import LEAST, MOST, near_ratio
from dpsynth.evaluation.steps.pictures import nearness_rows


@pytest.fixture(scope="module", autouse=True)
def quick():
    """A network that learnt less: enough to see, in seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(picture_features, "PATIENTS", 100)
        patch.setattr(picture_features, "STEPS", 30)
        trained.cache_clear()
        yield
    trained.cache_clear()


def test_the_ratio_is_of_mean_distances():
    # Copies at 10; members at 30 and far off, outsiders at 50 and far off: 20 / 40.
    members = flat([30] + [255] * (LEAST - 1))
    outsiders = flat([50] + [250] * (LEAST - 1))
    found = near_ratio(flat([10, 10, 10]), members, outsiders, replicates=0)
    assert found.value == pytest.approx(0.5, rel=1e-4)


def test_a_synthetic_patient_counts_as_one():
    # Patient 0 has two copies of a member, 40 from an outsider; patient 1 one picture, 80 from
    # the members and 20 from an outsider: (0 + 80) / (40 + 20).
    members = flat([50] * LEAST)
    outsiders = flat([90] * (LEAST - 1) + [110])
    copy = flat([50, 50, 130], patients=[0, 0, 1])
    found = near_ratio(copy, members, outsiders, replicates=0)
    assert found.value == pytest.approx(80 / 60, rel=1e-4)


def test_fresh_pictures_are_not_nearer_and_copies_are():
    members, outsiders, fresh = (noisy(120, seed) for seed in (1, 2, 3))
    # Over 60 sets of phantoms intervals held 1 in 59 and 60 of 60: they are wide.
    real = near_ratio(fresh, members, outsiders)
    assert real.low < 1 < real.high and real.high - real.low < 0.2
    copied = near_ratio(members, members, outsiders)
    assert copied.value < 1e-6 and copied.high < 0.2
    some = fresh.like(
        np.where(np.arange(120)[:, None, None, None] < 40, members.pixels, fresh.pixels)
    )
    assert near_ratio(some, members, outsiders).high < real.low


def test_slight_changes_do_not_hide_a_copy():
    members, outsiders = noisy(120, 1), noisy(120, 2)
    moved = np.random.default_rng(0).integers(-15, 16, members.pixels.shape)
    changed = members.like(np.clip(members.pixels + moved, 0, 255).astype(np.uint8))
    assert near_ratio(changed, members, outsiders).high < 0.5


def test_what_cannot_be_assessed_is_said():
    some = flat([1] * LEAST)
    assert "no pictures" in near_ratio(flat([], total=2), some, some).note
    assert str(LEAST) in near_ratio(some, flat([1] * (LEAST - 1)), some).note


def test_equal_pictures_everywhere_are_no_leak():
    some = flat([7] * LEAST)
    assert near_ratio(some, some, some).value == 1.0
    assert near_ratio(some, flat([9] * LEAST), some).value == MOST


def test_pictures_of_few_patients_leave_parts_empty():
    # Only three of forty members have a picture: parts without one are never the nearest.
    few = flat([30, 30, 30], patients=[0, 1, 2], total=LEAST)
    found = near_ratio(flat([10, 10]), few, flat([50] * LEAST))
    assert found.value == pytest.approx(0.5, rel=1e-4)
    assert np.isfinite([found.low, found.high]).all()


def test_the_rows_hold_fresh_pictures_and_a_plain_copy_beside_the_copy(pictured_tokens):
    tokens, book = pictured_tokens
    rows = nearness_rows(tokens(200, 1), tokens(200, 2), tokens(100, 3), book, seed=0)
    found = {row.metric: row for row in rows}
    assert set(found) == {"near_ratio", "near_ratio_moved", "near_ratio_features", "picture_copies"}
    for name in ("near_ratio", "near_ratio_moved"):
        row = found[name]
        assert row.real.low < 1 < row.real.high
        assert row.control.high < 0.2
        assert row.better == "higher"
    assert found["picture_copies"].control.value == 1.0
