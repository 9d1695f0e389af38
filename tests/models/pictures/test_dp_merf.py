"""The floor DP-MERF: planted classes come back, and only one release is learnt from."""

import numpy as np
import pytest
import torch
from test_dct_gaussian import CPU, schema, tilt, world

from dpsynth.data.codec import codec
from dpsynth.errors import InputError
from dpsynth.models.base import quiet
from dpsynth.models.dp_merf import DpMerf
from dpsynth.models.mean_match import LATENT, SpectrumMaker, distance, embedded, match
from dpsynth.models.state import State
from dpsynth.models.warm import fitting, start
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.picture_features import FourierSums
from dpsynth.privacy.picture_sums import Classes, OfPictures
from dpsynth.privacy.plan import Plan, Release
from dpsynth.privacy.spectrum import Spectrum

NAMES = ("tables", "moments", "label", "embeddings")
SMALL = {"kept": 4, "frequencies": 100, "steps": 300, "width": 32, "rate": 1e-2}
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(start, "ROUNDS", 4)
    monkeypatch.setattr(fitting, "PATIENTS", 300)


def plan(noise: float = 1e-6) -> Plan:
    releases = tuple(Release(name=n, noise_multiplier=noise) for n in NAMES)
    return Plan(epsilon=1.0, delta=1e-5, population=400, releases=releases)


def built(given, **settings) -> DpMerf:
    torch.manual_seed(0)
    return DpMerf(given, codec(given), plan(), **SMALL | settings)


def opened(given, seed: int = 0) -> Door:
    door = Door(world(given, seed=seed), plan=plan(), randomness=CryptoStream())
    door.use(codec(given))
    return door


def fitted(given, folder, **settings) -> DpMerf:
    model = built(given, **settings)
    model.fit(opened(given), State(folder), quiet, CPU)
    return model


@pytest.mark.parametrize(("per_patient", "channels"), [(False, 1), (True, 1)])
def test_classes_look_as_they_do(per_patient, channels, tmp_path):
    given = schema(per_patient, channels)
    made = fitted(given, tmp_path / "s").sample(500, {}, 3, quiet, CPU)
    assert made.pictures.shape == (500, 2, 8, 8, channels)
    patient, turn = np.nonzero(made.inside)
    code = made.static[patient, 1] if per_patient else made.visits[patient, turn, 0]
    tilts = tilt(made.pictures[patient, turn].astype(float))
    # Truth: top less bottom is 68.6 of 256 shades, and -68.6.
    assert tilts[code == 1].mean() == pytest.approx(68.6, abs=15)
    assert tilts[code == 0].mean() == pytest.approx(-68.6, abs=15)
    assert not made.pictures[~made.inside].any()


@pytest.mark.parametrize("other", [{"channels": 3}, {"upright": False}])
def test_pictures_that_it_would_get_wrong_are_refused(other):
    # Of colour with a known truth it mixed up the classes; it knows one way up alone.
    with pytest.raises(InputError, match="grey pictures that have a way up"):
        DpMerf.plan(schema(**other), Budget(epsilon=3.0, delta=1e-5, population=400), 0.0)


def test_without_a_label_all_are_one_class(tmp_path):
    made = fitted(schema(label=False), tmp_path / "s").sample(300, {}, 3, quiet, CPU)
    tilts = tilt(made.pictures[made.inside].astype(float))
    assert (tilts > 40).mean() == pytest.approx(0.3, abs=0.15)  # both kinds are in it
    assert (tilts < -40).mean() == pytest.approx(0.7, abs=0.15)


def test_saved_and_taken_up_it_draws_the_same(tmp_path):
    given = schema()
    model = fitted(given, tmp_path / "s", steps=3)
    again = built(given, steps=3)
    torch.nn.init.zeros_(again.net.layers[0].weight)
    again.load(model.tensors())
    one, other, third = (m.sample(50, {}, s, quiet, CPU) for m, s in
                         ((model, 7), (again, 7), (again, 8)))  # fmt: skip
    np.testing.assert_array_equal(one.pictures, other.pictures)
    assert (one.pictures != third.pictures).any()


def test_whoever_has_the_answers_alone_learns_the_same(tmp_path):
    given, answers = schema(), {}

    class Watched(Door):
        def measure(self, name, questions):
            answers[name] = super().measure(name, questions)
            return [each.copy() for each in answers[name]]

    class Nobody:
        def measure(self, name, questions):
            return [each.copy() for each in answers[name]]

    door = Watched(world(given), plan=plan(), randomness=CryptoStream())
    door.use(codec(given))
    learnt = []
    for place, who in enumerate((door, Nobody())):
        model = built(given, steps=5)
        model.fit(who, State(tmp_path / str(place)), quiet, CPU)
        learnt.append(model.tensors())
    assert sorted(answers) == sorted(NAMES)
    assert learnt[0].keys() == learnt[1].keys()
    for name, value in learnt[0].items():
        torch.testing.assert_close(value, learnt[1][name], rtol=0, atol=0)


def test_the_kernel_is_the_same_whatever_the_patients_are(tmp_path):
    # The original takes its bandwidth from the data.
    given, asked = schema(), []

    class Watched(Door):
        def measure(self, name, questions):
            asked.extend(each for each in questions if isinstance(each, FourierSums))
            return super().measure(name, questions)

    for seed in range(2):
        door = Watched(world(given, seed=seed), plan=plan(), randomness=CryptoStream())
        door.use(codec(given))
        built(given, steps=1).fit(door, State(tmp_path / str(seed)), quiet, CPU)
    assert len(asked) == 2
    np.testing.assert_array_equal(asked[0].frequencies, asked[1].frequencies)
    np.testing.assert_array_equal(asked[0].of.centre, asked[1].of.centre)


def test_features_in_torch_are_those_of_the_door():
    spectrum = Spectrum(size=8, channels=1, kept=3)
    given = schema(label=False)
    of = OfPictures(spectrum=spectrum, classes=Classes(), centre=np.zeros(spectrum.width))
    W = RNG.normal(size=(20, spectrum.width)) * 0.3
    tokens = codec(given).encode(world(given, patients=1))
    found = FourierSums(of=of, frequencies=W).answer(tokens, codec(given))[0]
    numbers = torch.tensor(spectrum.of(tokens.pictures[tokens.inside]))
    torch.testing.assert_close(embedded(numbers, torch.tensor(W)).mean(0), torch.tensor(found))


def test_the_distance_of_a_mean_has_no_part_of_its_spread():
    # Two opposite vectors of length 1, either with chance one half: the law's mean is 0, so
    # the distance is -2 * 0 * wanted = 0 for any wanted vector; the mean of 2 would have 1/2.
    law = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    draws = torch.Generator().manual_seed(0)
    found = [
        float(distance(law[torch.randint(2, (2,), generator=draws)], torch.zeros(2)))
        for _ in range(4000)
    ]
    # One draw is 1 or -1: a stddev of 1 / 63; .08 is passed by once in 10^6 times.
    assert np.mean(found) == pytest.approx(0.0, abs=0.08)
    same = torch.tensor([[0.6, 0.8]] * 3)
    assert float(distance(same, same[0])) == pytest.approx(-1.0)  # |m - w|^2 less |w|^2


def test_a_generator_matches_a_spread_and_not_only_a_mean():
    # Two heaps at -2 and 2: the mean alone would put all pictures at 0.
    torch.manual_seed(0)
    net, W = SpectrumMaker(1, 1, 32), RNG.normal(size=(200, 1))
    heaps = torch.tensor([[-2.0], [2.0]], dtype=torch.float64)
    wanted = embedded(heaps, torch.tensor(W)).mean(0, keepdim=True).numpy()
    rules = {"steps": 400, "rate": 1e-2, "progress": quiet, "device": CPU}
    match(net, wanted, np.ones(1), W, **rules)
    with torch.no_grad():
        noise = torch.randn(2000, LATENT, generator=torch.Generator().manual_seed(1))
        made = net(noise, torch.zeros(2000, dtype=torch.long))[:, 0]
    assert made.abs().median() == pytest.approx(2.0, abs=0.4)
    assert (made > 0).double().mean() == pytest.approx(0.5, abs=0.15)


def test_a_plan_spends_what_is_asked_and_names_each_release():
    made = DpMerf.plan(schema(), Budget(epsilon=3.0, delta=1e-5, population=400), 0.0)
    assert {r.name for r in made.releases} == set(NAMES)
    assert made.training is None
    assert made.epsilon == 3.0


def test_what_can_not_be_is_refused():
    lone = schema().model_copy(update={"tables": {"p": schema().tables["p"]}, "label": None})
    budget = Budget(epsilon=3.0, delta=1e-5, population=400)
    with pytest.raises(InputError, match="no table of the schema has a `picture:`"):
        DpMerf.plan(lone, budget, 0.0)
    with pytest.raises(InputError, match="setting bandwidth must be in"):
        DpMerf.plan(schema(), budget, 0.0, bandwidth=0.0)
