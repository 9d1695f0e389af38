"""The floor of pictures: planted laws come back, noise is cleaned, and only answers are learnt."""

import numpy as np
import pandas as pd
import pytest
import torch

from dpsynth.data.codec import codec
from dpsynth.data.records import Records
from dpsynth.errors import InputError
from dpsynth.models import texture
from dpsynth.models.base import quiet
from dpsynth.models.dct_gaussian import DctGaussian
from dpsynth.models.spectra import Spectra
from dpsynth.models.state import State
from dpsynth.models.warm import fitting, start
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import Plan, Release
from dpsynth.privacy.spectrum import Spectrum
from dpsynth.schema import Clock, Column, Label, Picture, Schema, Table

CPU = torch.device("cpu")
DX = Column(type="category", categories=("low", "high"), missing=False)
SEX = Column(type="category", categories=("f", "m"), missing=False)
NAMES = ("tables", "moments", "label", "means", "lengths", "spread", "texture")


def schema(
    per_patient: bool = False,
    channels: int = 1,
    label: bool = True,
    upright: bool = True,
    size: int = 8,
) -> Schema:
    facts = {"sex": SEX} | ({"dx": DX} if per_patient else {})
    return Schema(
        name="x",
        max_visits=2,
        population=400,
        label=Label(column="dx", positive="high", given="same") if label else None,
        tables={
            "p": Table(shape="static", key="id", columns=facts),
            "v": Table(
                shape="visits", key="id", time=Clock(column="file", kind="order"),
                picture=Picture(file="file", size=size, channels=channels, upright=upright),
                columns={} if per_patient else {"dx": DX},
            ),
        },
    )  # fmt: skip


def world(schema_: Schema, patients: int = 400, seed: int = 0) -> Records:
    """Two pictures each; those of class high are bright at the top, low ones at the bottom."""
    rng = np.random.default_rng(seed)
    assert schema_.picture is not None
    who = np.repeat(np.arange(patients), 2)
    high = rng.random(patients)[who] < 0.3
    ramp = np.linspace(-60, 60, 8)[None, :, None, None]
    shades = 128 + np.where(high[:, None, None, None], -ramp, ramp)
    shades = shades + 10 * rng.normal(size=(len(who), 8, 8, schema_.picture.channels))
    dx = np.where(high, "high", "low").astype(object)
    visits = {"patient": who, "time": np.tile([0.0, 1.0], patients)}
    facts = {"sex": rng.choice(np.array(["f", "m"], dtype=object), patients)}
    if "dx" in schema_.columns("patient"):
        facts["dx"] = dx[::2]
    else:
        visits["dx"] = dx
    keys = np.arange(patients).astype(str).astype(object)
    pictures = np.clip(shades, 0, 255).astype(np.uint8)
    return Records(keys, pd.DataFrame(facts), pd.DataFrame(visits), pictures)


def plan(noise: float) -> Plan:
    releases = tuple(Release(name=n, noise_multiplier=noise) for n in NAMES)
    return Plan(epsilon=1.0, delta=1e-5, population=400, releases=releases)


def fitted(schema_: Schema, folder, noise: float = 1e-6) -> DctGaussian:
    book = codec(schema_)
    door = Door(world(schema_), plan=plan(noise), randomness=CryptoStream())
    door.use(book)
    model = DctGaussian(schema_, book, plan(noise), kept=4)
    model.fit(door, State(folder), quiet, CPU)
    return model


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(start, "ROUNDS", 4)
    monkeypatch.setattr(fitting, "PATIENTS", 300)


def tilt(pictures: np.ndarray) -> np.ndarray:
    """How much brighter the top half is."""
    return pictures[:, :4].mean(axis=(1, 2, 3)) - pictures[:, 4:].mean(axis=(1, 2, 3))


@pytest.mark.parametrize("per_patient", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_classes_look_as_they_do(per_patient, channels, tmp_path):
    given = schema(per_patient, channels)
    made = fitted(given, tmp_path / "s").sample(500, {}, 3, quiet, CPU)
    assert made.pictures.shape == (500, 2, 8, 8, channels)
    patient, turn = np.nonzero(made.inside)
    code = made.static[patient, 1] if per_patient else made.visits[patient, turn, 0]
    tilts = tilt(made.pictures[patient, turn].astype(float))
    # Truth: top less bottom is 68.6 of 256 shades, and -68.6, by the ramp's halves.
    assert tilts[code == 1].mean() == pytest.approx(68.6, abs=8)
    assert tilts[code == 0].mean() == pytest.approx(-68.6, abs=8)
    assert not made.pictures[~made.inside].any()


def test_each_class_has_its_texture(tmp_path):
    # Independent noise of 4 and 10 shades: what is finer than four lines keeps that strength.
    given = schema()
    records = world(given)
    high = (records.visits["dx"] == "high").to_numpy()
    rng = np.random.default_rng(4)
    rough = rng.normal(size=records.pictures.shape)
    # Of each picture more or less than that: by a third, one standard deviation.
    factor = np.exp(rng.normal(size=len(rough)) * 0.325 - 0.325**2 / 2)
    rough *= factor[:, None, None, None]
    shades = records.pictures[:, :1, :1] + np.where(high[:, None, None, None], 10, 4) * rough
    records.pictures[:] = np.clip(shades, 0, 255).astype(np.uint8)
    door = Door(records, plan=plan(1e-6), randomness=CryptoStream())
    door.use(codec(given))
    model = DctGaussian(given, codec(given), plan(1e-6), kept=4)
    model.fit(door, State(tmp_path / "s"), quiet, CPU)
    made = model.sample(500, {}, 3, quiet, CPU)
    whole = model._start.whole
    fine = whole.rings(model._start.pictures.spectrum) >= 0

    def strengths(pictures: np.ndarray) -> np.ndarray:
        """(pictures,) in shades."""
        shades = whole.of(pictures)[:, fine] * whole.scale[whole.held][fine] * 127.5
        return np.sqrt((shades**2).mean(axis=1))

    code = made.visits[made.inside][:, 0]
    for kind, sd in ((0, 4), (1, 10)):
        real = strengths(records.pictures[high == kind])
        found = strengths(made.pictures[made.inside][code == kind])
        assert real.mean() == pytest.approx(sd, rel=0.1)
        assert found.mean() == pytest.approx(real.mean(), rel=0.1)
        assert found.std() / found.mean() == pytest.approx(real.std() / real.mean(), rel=0.25)


def sharp(schema_: Schema, tie: float) -> Records:
    """Pictures whose coarse and fine frequencies are strong together as `tie` says."""
    records, rng = world(schema_), np.random.default_rng(5)
    whole = Spectrum(size=8, channels=1, kept=8)
    coarse = Spectrum(size=8, channels=1, kept=4)
    rows, upper = len(records.pictures), coarse.places_in(whole)[coarse.upper]
    fine = np.setdiff1d(np.arange(64), coarse.places_in(whole))
    one = rng.normal(size=rows)
    other = tie * one + (1 - tie**2) ** 0.5 * rng.normal(size=rows)
    numbers = np.zeros((rows, 64))
    for here, strength in ((upper, one), (fine, other)):
        noise = rng.normal(size=(rows, len(here)))
        numbers[:, here] = 0.3 * noise * np.exp(0.5 * strength)[:, None]
    records.pictures[:] = whole.back(numbers)
    return records


@pytest.mark.parametrize("tie", [0.0, 0.9])
def test_sharp_pictures_are_sharp_at_all_scales(tie, tmp_path):
    given = schema()
    records = sharp(given, tie)
    door = Door(records, plan=plan(1e-6), randomness=CryptoStream())
    door.use(codec(given))
    model = DctGaussian(given, codec(given), plan(1e-6), kept=4)
    model.fit(door, State(tmp_path / "s"), quiet, CPU)
    made = model.sample(800, {}, 3, quiet, CPU)
    whole, coarse = model._start.whole, model._start.pictures.spectrum
    upper, fine = coarse.places_in(whole)[coarse.upper], whole.rings(coarse) >= 0

    def together(pictures: np.ndarray) -> float:
        squares = whole.of(pictures) ** 2
        a, b = (np.log(squares[:, here].mean(axis=1)) for here in (upper, fine))
        return float(np.corrcoef(a, b)[0, 1])

    real, found = together(records.pictures), together(made.pictures[made.inside])
    # Strengths of 12 and 48 numbers have a chance of their own, so the tie is seen weaker.
    assert real == pytest.approx(0.8 * tie, abs=0.12)
    assert found == pytest.approx(real, abs=0.1)


def test_standing_is_even_for_draws_of_the_class_itself(tmp_path):
    spectra = fitted(schema(), tmp_path / "s")._start.pictures
    rng = np.random.default_rng(6)
    code = np.repeat([0, 1], 4000)
    found = spectra.standing(spectra.numbers(code, rng), code)
    for each in (0, 1):
        assert found[code == each].mean() == pytest.approx(0.0, abs=0.1)
        assert found[code == each].std() == pytest.approx(1.0, abs=0.15)
    assert np.abs(spectra.standing(np.zeros((1, spectra.spectrum.width)), np.array([0]))) == 3.0


def test_agreement_worked_by_hand():
    # Two classes whose means differ, and within them a and b that rise together: var 1 and 4,
    # covariance 1, hence 1 / 2; what is between classes does not count.
    a, b, counts = np.array([1.0, 3.0]), np.array([0.0, 10.0]), np.array([300.0, 100.0])
    squares = [(300 * 1 + 100 * 9) / 400 + 1, 100 * 30 / 400 + 1, 100 * 100 / 400 + 4]
    everyone = np.array([0.0, 1.5, 2.5, *squares])
    assert texture.agreement(everyone, a, b, counts) == pytest.approx(0.5)
    everyone[-1] -= 4.1  # noise has taken all variance
    assert texture.agreement(everyone, a, b, counts) == 0.0


def test_pictures_without_a_way_up_are_made_in_all_ways(tmp_path):
    made = fitted(schema(upright=False), tmp_path / "s").sample(500, {}, 3, quiet, CPU)
    patient, turn = np.nonzero(made.inside)
    shades = made.pictures[patient, turn].astype(float)
    code = made.visits[patient, turn, 0]
    for each in (0, 1):
        # Half lie on their side; a ramp of 68.6 up, down or across: squares have a mean of half
        # that of the truth each way, and the mean is 0.
        down, across = (tilt(way[code == each]) for way in (shades, shades.transpose(0, 2, 1, 3)))
        for seen in (down, across):
            assert seen.mean() == pytest.approx(0.0, abs=10)
            assert seen.std() == pytest.approx(68.6 / 2**0.5, rel=0.25)


def test_without_a_label_all_are_one_class(tmp_path):
    made = fitted(schema(label=False), tmp_path / "s").sample(300, {}, 3, quiet, CPU)
    tilts = tilt(made.pictures[made.inside].astype(float))
    assert tilts.mean() == pytest.approx(-0.4 * 68.6, abs=12)
    assert tilts.std() > 40  # both kinds are in it


def test_saved_and_taken_up_it_draws_the_same(tmp_path):
    given = schema()
    model = fitted(given, tmp_path / "s", noise=1.0)
    again = DctGaussian(given, codec(given), plan(1.0), kept=4)
    again.load(model.tensors())
    one, other, third = (m.sample(50, {}, s, quiet, CPU) for m, s in
                         ((model, 7), (again, 7), (again, 8)))  # fmt: skip
    np.testing.assert_array_equal(one.pictures, other.pictures)
    assert (one.pictures != third.pictures).any()


def test_whoever_has_the_answers_alone_learns_the_same(tmp_path):
    given = schema()
    book, answers = codec(given), {}

    class Watched(Door):
        def measure(self, name, questions):
            answers[name] = super().measure(name, questions)
            return [each.copy() for each in answers[name]]

    class Nobody:
        def measure(self, name, questions):
            return [each.copy() for each in answers[name]]

    door = Watched(world(given), plan=plan(1.0), randomness=CryptoStream())
    door.use(book)
    learnt = []
    for place, who in enumerate((door, Nobody())):
        model = Spectra(given, book, plan(1.0), 4)
        model.fit(who, State(tmp_path / str(place)))
        learnt.append(model.arrays())
    for name, value in learnt[0].items():
        np.testing.assert_array_equal(value, learnt[1][name])


def test_a_plan_spends_what_is_asked_and_names_each_release():
    budget = Budget(epsilon=3.0, delta=1e-5, population=400)
    made = DctGaussian.plan(schema(), budget, 0.0, kept=4)
    assert {r.name for r in made.releases} == set(NAMES)
    for less in ({"kept": 8}, {"kept": 4, "texture_share": 0}):  # nothing is finer, or wanted
        made = DctGaussian.plan(schema(), budget, 0.0, **less)
        assert {r.name for r in made.releases} == set(NAMES) - {"texture"}
    assert made.training is None
    assert made.epsilon == 3.0


def test_without_texture_pictures_are_coarse(tmp_path):
    given, names = schema(), NAMES[:-1]
    releases = tuple(Release(name=n, noise_multiplier=1e-6) for n in names)
    coarse = Plan(epsilon=1.0, delta=1e-5, population=400, releases=releases)
    door = Door(world(given), plan=coarse, randomness=CryptoStream())
    door.use(codec(given))
    model = DctGaussian(given, codec(given), coarse, kept=4, texture_share=0)
    model.fit(door, State(tmp_path / "s"), quiet, CPU)
    made = model.sample(50, {}, 3, quiet, CPU)
    whole = model._start.whole
    fine = whole.rings(model._start.pictures.spectrum) >= 0
    assert np.abs(whole.of(made.pictures[made.inside])[:, fine]).max() < 0.3  # of whole shades


def test_a_schema_without_pictures_is_refused():
    lone = Schema(name="x", tables={"p": Table(shape="static", key="id", columns={"sex": SEX})})
    with pytest.raises(InputError, match="no table of the schema has a `picture:`"):
        DctGaussian.plan(lone, Budget(epsilon=3.0, delta=1e-5, population=400), 0.0)
