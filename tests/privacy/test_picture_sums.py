"""Sums of spectra: worked by hand, and never moved further than promised by one patient."""

from dataclasses import replace

import numpy as np
import pytest

from dpsynth.data.codec import Codec, Tokens, codec
from dpsynth.privacy.picture_sums import (
    Classes,
    OfPictures,
    OfTextures,
    PictureLengths,
    PictureMoments,
    PictureSums,
)
from dpsynth.privacy.spectrum import Spectrum
from dpsynth.schema import Clock, Column, Picture, Schema, Table

SEX = Column(type="category", categories=("f", "m"), missing=False)
DX = Column(type="category", categories=("a", "b", "c"), missing=False)
BOOK: Codec = codec(
    Schema(
        name="x",
        max_visits=4,
        tables={
            "p": Table(shape="static", key="id", columns={"sex": SEX}),
            "v": Table(
                shape="visits", key="id", time=Clock(column="file", kind="order"),
                picture=Picture(file="file", size=8), columns={"dx": DX},
            ),
        },
    )
)  # fmt: skip
SPECTRUM = Spectrum(size=8, channels=1, kept=3)
FINE = Spectrum(size=8, channels=1, kept=8)


def patient(dx: list[int], pictures: np.ndarray, sex: int = 0) -> Tokens:
    visits = np.full((1, 4, 1), -1, dtype=np.int16)
    held = np.zeros((1, 4, 8, 8, 1), dtype=np.uint8)
    visits[0, : len(dx), 0], held[0, : len(dx)] = dx, pictures
    length = np.array([len(dx)], dtype=np.int16)
    return Tokens(
        static=np.array([[sex]], dtype=np.int16), visits=visits, length=length, pictures=held
    )


def together(*parts: Tokens) -> Tokens:
    return Tokens(**{k: np.concatenate([getattr(p, k) for p in parts]) for k in vars(parts[0])})


def picture(value: int | None = None, seed: int = 0) -> np.ndarray:
    if value is not None:
        return np.full((8, 8, 1), value, dtype=np.uint8)
    return np.random.default_rng(seed).integers(0, 256, (8, 8, 1)).astype(np.uint8)


def extremes() -> list[Tokens]:
    checks = (np.indices((8, 8)).sum(0) % 2 * 255).astype(np.uint8)[..., None]
    return [
        patient([], np.zeros((0, 8, 8, 1))),
        patient([2], np.stack([picture(0)])),
        patient([0], np.stack([picture(255)]), sex=1),
        patient([1, 1, 1, 1], np.stack([picture(255)] * 4)),
        patient([0, 1, 2, 0], np.stack([picture(0), picture(255), checks, picture(seed=5)])),
    ]


CLASSES = [Classes(), Classes(per_visit=True), Classes(per_visit=False)]


def questions(classes: Classes, clip: float) -> list:
    centre = np.random.default_rng(1).normal(size=SPECTRUM.width)
    of = OfPictures(spectrum=SPECTRUM, classes=classes, centre=centre)
    return [
        PictureSums(of=of, clip=clip),
        PictureMoments(of=of, clip=clip),
        PictureLengths(of=of, edges=(0.1, 1.0, 2.0, 5.0)),
        PictureSums(of=OfTextures(fine=FINE, coarse=SPECTRUM, classes=classes), clip=clip),
    ]


EVERYBODY = together(*extremes(), *(patient([i % 3], picture(seed=i)[None]) for i in range(20)))


@pytest.mark.parametrize("classes", CLASSES, ids=["none", "visit", "patient"])
@pytest.mark.parametrize("clip", [0.01, 1.0, 30.0])
def test_one_patient_moves_an_answer_by_its_sensitivity_at_most(classes, clip):
    for question in questions(classes, clip):
        before = question.answer(EVERYBODY, BOOK)
        moved = []
        for more in extremes():
            after = question.answer(together(EVERYBODY, more), BOOK)
            moved.append(float(np.linalg.norm(after - before)))
        assert max(moved) <= question.sensitivity * (1 + 1e-9)
        assert max(moved) > 0.3 * question.sensitivity or clip == 30.0  # a control: it bites
        assert moved[0] == 0  # who has no picture adds nothing


def test_a_patient_counts_once_however_many_pictures_there_are():
    of = OfPictures(
        spectrum=SPECTRUM, classes=Classes(per_visit=True), centre=np.zeros(SPECTRUM.width)
    )
    one = patient([1], picture(seed=1)[None])
    four = patient([1] * 4, np.stack([picture(seed=1)] * 4))
    for question in (PictureSums(of=of, clip=5.0), PictureLengths(of=of, edges=(1.0,))):
        np.testing.assert_allclose(question.answer(one, BOOK), question.answer(four, BOOK))


def test_sums_worked_by_hand():
    # Half a patient's weight on white (8 over the size of the first cosine), class b; black is
    # its negative, class c.
    of = OfPictures(
        spectrum=SPECTRUM, classes=Classes(per_visit=True), centre=np.zeros(SPECTRUM.width)
    )
    given = patient([1, 2], np.stack([picture(255), picture(0)]))
    first = 8.0 / SPECTRUM.scale[0, 0, 0]
    found = PictureSums(of=of, clip=1e6).answer(given, BOOK)
    np.testing.assert_allclose(found[:, 0], [0, first / 2, -first / 2])
    squares = PictureMoments(of=of, clip=1e6).answer(given, BOOK)
    np.testing.assert_allclose(squares[:, 0, 0], [0, first**2 / 2, first**2 / 2])
    short = PictureSums(of=of, clip=1.0).answer(given, BOOK)
    np.testing.assert_allclose(short[:, 0], [0, 0.5, -0.5])


def test_chunks_change_nothing(monkeypatch):
    from dpsynth.privacy import picture_sums

    asked = questions(Classes(per_visit=True), 1.0)
    whole = [each.answer(EVERYBODY, BOOK) for each in asked]
    monkeypatch.setattr(picture_sums, "CHUNK", 3)
    for question, expected in zip(asked, whole, strict=True):
        np.testing.assert_allclose(question.answer(EVERYBODY, BOOK), expected, atol=1e-12)


def test_a_centre_that_is_not_finite_adds_nothing():
    asked = questions(Classes(), 1.0)[0]
    lost = replace(asked, of=replace(asked.of, centre=np.full(SPECTRUM.width, np.nan)))
    assert not lost.answer(EVERYBODY, BOOK).any()


def test_one_patient_in_colour_moves_an_answer_by_its_sensitivity_at_most():
    # Of colours half the frequencies are kept and they are weighed more: the bound is the same.
    spectrum = Spectrum(size=8, channels=3, kept=4, upright=False)
    rng = np.random.default_rng(2)
    shades = [rng.integers(0, 256, (4, 8, 8, 3)), *np.eye(3)[:, None, None, None] * 255]
    people = []
    for seen in shades:
        several = np.broadcast_to(seen, (4, 8, 8, 3)).astype(np.uint8)
        plain = patient([0, 1, 2, 2], np.zeros((4, 8, 8, 1)))
        people.append(replace(plain, pictures=several[None]))
    of = OfPictures(
        spectrum=spectrum, classes=Classes(per_visit=True), centre=rng.normal(size=spectrum.width)
    )
    for clip in (0.1, 3.0):
        for question in (PictureSums(of=of, clip=clip), PictureMoments(of=of, clip=clip)):
            before = question.answer(people[0], BOOK)
            assert before.shape[1] == spectrum.width
            moved = [question.answer(together(people[0], each), BOOK) - before for each in people]
            longest = max(float(np.linalg.norm(each)) for each in moved)
            assert 0.3 * question.sensitivity < longest <= question.sensitivity * (1 + 1e-9)


def test_strengths_worked_by_hand():
    # Of 8 lines, 2 are coarse; rings of the rest begin at 2, 3, 4 and 6. A picture of the fifth
    # wave alone, 3 times its public size, is in the ring of 4 and 5, which has 36 - 16 numbers.
    fine, coarse = Spectrum(size=8, channels=1, kept=8), Spectrum(size=8, channels=1, kept=2)
    ring = fine.rings(coarse)
    assert np.bincount(ring + 1).tolist() == [4, 5, 7, 20, 28]
    numbers = np.zeros((1, 64))
    numbers[0, 8 * 4] = 3.0
    of = OfTextures(fine=fine, coarse=coarse, classes=Classes(), middle=-1.5)
    (_, found, share) = next(of.rows(patient([0], fine.back(numbers))))
    np.testing.assert_allclose(found[0, :4], [0, 0, 3 / 20**0.5, 0], atol=0.05)  # of whole shades
    # The mean over four rings; of the coarse ones nothing but rounding, so the bound stands there.
    a, b = np.log(3 / 20**0.5 / 4) + 1.5, -1.5
    np.testing.assert_allclose(found[0, 4:], [a, b, a * a, a * b, b * b], atol=0.25)
    assert share.tolist() == [1.0]
    assert OfTextures(fine=coarse, coarse=coarse, classes=Classes()).rings == 0


def test_the_strength_of_coarse_frequencies_is_that_of_their_finer_half():
    coarse = Spectrum(size=8, channels=1, kept=4)
    assert coarse.upper.reshape(4, 4).tolist() == [
        [False, False, True, True],
        [False, False, True, True],
        [True] * 4,
        [True] * 4,
    ]
    numbers = np.zeros((2, 64))
    numbers[0, 8 * 3] = 2.0  # one of the 12 numbers of the finer half
    numbers[1, 8] = 2.0  # of the coarser one
    pictures = FINE.back(numbers)
    of = OfTextures(fine=FINE, coarse=coarse, classes=Classes())
    (_, found, _) = next(of.rows(patient([0, 0], pictures)))
    assert found[0, -4] == pytest.approx(np.log(2 / 12**0.5), abs=0.05)
    assert found[1, -4] == -1.5


def test_rings_of_colours_are_apart():
    fine, coarse = (Spectrum(size=8, channels=3, kept=kept) for kept in (8, 4))
    ring = fine.rings(coarse)
    # Brightness from 4 and 6; the two differences keep half as many lines: 2 of 4 are coarse.
    assert np.bincount(ring + 1).tolist() == [16 + 4 + 4, 20, 28, 5, 7, 5, 7]
