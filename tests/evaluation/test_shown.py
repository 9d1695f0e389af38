"""Pictures as metrics see them: whose, of which class, how small."""

import numpy as np
import pytest
from pictured import flat, noisy

from dpsynth.data.codec import Tokens, codec
from dpsynth.evaluation.shown import UNKNOWN, class_means, random_shades, shown, small
from dpsynth.schema import Label, Schema

COLUMNS = {
    "dx": {"type": "category", "categories": ["nevus", "melanoma"]},
    "age": {"type": "number", "bounds": [0, 90], "bins": 3, "per": "patient"},
}
TABLE = {
    "shape": "visits", "key": "pid", "time": {"column": "image", "kind": "order"},
    "picture": {"file": "image", "size": 8}, "columns": COLUMNS,
}  # fmt: skip
BOOK = codec(Schema(name="skin", max_visits=2, tables={"skin": TABLE}))


def tokens() -> Tokens:
    pictures = np.zeros((3, 2, 8, 8, 1), dtype=np.uint8)
    pictures[0, 0], pictures[0, 1], pictures[2, 0] = 10, 20, 30
    return Tokens(
        static=np.array([[2], [0], [3]], dtype=np.int16),  # 60 and above, below 30, missing
        visits=np.array([[[1], [2]], [[-1], [-1]], [[0], [-1]]], dtype=np.int16),
        length=np.array([2, 0, 1], dtype=np.int16),
        pictures=pictures,
    )


@pytest.mark.parametrize(
    ("label", "code", "positive", "classes"),
    [
        (None, [0, 0, 0], [0, 0, 0], ("",)),
        (
            Label(column="dx", positive="melanoma"),
            [1, UNKNOWN, 0],
            [1, 0, 0],
            ("nevus", "melanoma"),
        ),
        (Label(column="age", above=60), [1, 1, UNKNOWN], [1, 1, 0], ("age <= 60", "age > 60")),
    ],
)
def test_pictures_have_their_patient_and_class(label, code, positive, classes):
    found = shown(tokens(), BOOK, label)
    assert found.pixels[:, 0, 0, 0].tolist() == [10, 20, 30]
    assert found.patient.tolist() == [0, 0, 2] and found.patients == 3
    assert found.weight.tolist() == [0.5, 0.5, 1.0]
    assert found.code.tolist() == code
    known = found.code != UNKNOWN
    assert found.positive[known].tolist() == np.array(positive, dtype=bool)[known].tolist()
    assert found.classes == classes


def test_small_pictures_are_means_of_squares():
    # 5 x 5 in steps of 3 leaves one square, of shades 0 to 2, 5 to 7 and 10 to 12: mean 6.
    pixels = np.arange(25, dtype=np.uint8).reshape(1, 5, 5, 1)
    np.testing.assert_allclose(small(pixels, 2), [[6 / 255]])
    assert small(np.zeros((3, 28, 28, 3), dtype=np.uint8)).shape == (3, 14 * 14 * 3)
    np.testing.assert_allclose(small(flat([51], size=16).pixels), np.full((1, 256), 0.2))


def test_random_shades_keep_all_but_the_pixels():
    real = noisy(10, 0)
    made = random_shades(real, np.random.default_rng(1))
    assert made.code is real.code and made.pixels.shape == real.pixels.shape
    assert (made.pixels != real.pixels).mean() > 0.9


def test_class_means_count_every_patient_once():
    # Class 0: patient 0 shows 0 and 200, patient 1 shows 40: (100 + 40) / 2. Class 1: 90 alone.
    given = flat([0, 200, 40, 90], patients=[0, 0, 1, 2], code=[0, 0, 0, 1])
    assert class_means(given).pixels[:, 0, 0, 0].tolist() == [70, 70, 70, 90]
    assert len(class_means(flat([], total=1))) == 0
