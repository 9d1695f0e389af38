"""Groups that weigh more in learning keep their own shares in what is made."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_fits import CPU, GAN, PLAN, SCHEMAS, SETTINGS, check, patients

from dpsynth.data.codec import PAD, Codec, Tokens, codec
from dpsynth.errors import InputError
from dpsynth.models import MODELS
from dpsynth.models.adversary import MEANS, add_generated_half
from dpsynth.models.base import quiet
from dpsynth.models.gate import ask
from dpsynth.models.layout import Layout
from dpsynth.models.nets.critic import Critic
from dpsynth.models.packing import as_arrays, as_tensors
from dpsynth.models.state import State
from dpsynth.models.warm import WarmStart, fitting, start
from dpsynth.models.weighing import chosen_weights, factors_of
from dpsynth.privacy.door import Door
from dpsynth.privacy.grad import clipped_sum
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import Plan, Release
from dpsynth.privacy.weights import GroupWeights

SCHEMA = SCHEMAS["mixed"]
BOOK: Codec = codec(SCHEMA)  # sex (f, m), age (3 bins, missing), died; pain, drug
GROUPS = GroupWeights.of({"sex": {"f": 1, "m": 0.2}})
SEX, AGE, DIED = 0, 1, 2


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(start, "ROUNDS", 12)
    monkeypatch.setattr(start, "SUMMARIES", 1000)
    monkeypatch.setattr(fitting, "PATIENTS", 1000)


def world(count: int, seed: int = 0, women: float = 0.2) -> Tokens:
    """Few women, who are older and whose pain is rather the third code."""
    rng = np.random.default_rng(seed)
    woman = rng.random(count) < women
    age = np.where(rng.random(count) < np.where(woman, 0.8, 0.3), 2, 0)
    died = rng.random(count) < 0.3
    length = rng.integers(1, BOOK.max_visits + 1, count)
    shape = (count, BOOK.max_visits)
    pain = np.where(rng.random(shape) < np.where(woman, 0.7, 0.2)[:, None], 2, 0)
    drug = rng.integers(0, 3, shape)
    seen = np.stack([np.zeros(shape, dtype=int), pain, drug], axis=2)
    seen[np.arange(BOOK.max_visits)[None, :] >= length[:, None]] = PAD
    return Tokens(
        static=np.stack([~woman, age, died], axis=1).astype(np.int16),
        visits=seen.astype(np.int16),
        length=length.astype(np.int16),
    )


class Answering:
    """A door that knows the whole law, without noise."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def measure(self, name, questions):
        return [each.answer(self.tokens, BOOK) for each in questions]


def plan(groups: GroupWeights | None) -> Plan:
    releases = tuple(Release(name=n, noise_multiplier=1e-6) for n in ("tables", "moments", "label"))
    return Plan(epsilon=1.0, delta=1e-5, population=4000, releases=releases, groups=groups)


def fitted(folder, groups: GroupWeights | None = GROUPS) -> WarmStart:
    made = WarmStart(SCHEMA, BOOK, plan(groups))
    made.fit(Answering(world(4000)), State(folder), quiet)
    return made


def door_of(made: Plan) -> Door:
    door = Door(patients(BOOK), plan=made, randomness=CryptoStream())
    door.use(BOOK)
    return door


def women(made: Tokens) -> float:
    return float((made.static[:, SEX] == 0).mean())


# The share of women in `world` is 0.2, sd 0.0063; of 20,000 made, sd 0.0028. Rounds of fitting
# leave 0.01. 0.04 is over 5 sd of all together: false alarms below 1e-6.
def test_shares_of_groups_are_not_bent_by_weights(tmp_path):
    real, rng = world(4000), np.random.default_rng(1)
    made = fitted(tmp_path).sample(20_000, rng)
    check(made, BOOK, 20_000)
    assert women(made) == pytest.approx(0.2, abs=0.04)
    old = (made.static[:, AGE] == 2).mean()  # it follows from sex, and is put right with it
    assert old == pytest.approx((real.static[:, AGE] == 2).mean(), abs=0.04)
    for sex in (0, 1):
        within = [(each.static[each.static[:, SEX] == sex, AGE] == 2).mean() for each in
                  (real, made)]  # fmt: skip
        assert within[0] == pytest.approx(within[1], abs=0.06)


def test_what_was_fitted_is_of_patients_as_they_were_weighed(tmp_path):
    # Power of the test above: 0.2 / (0.2 + 0.8 * 0.2) = 0.56 of the weight is women's.
    model = fitted(tmp_path)
    model._chain.groups = None
    assert women(model.sample(5000, np.random.default_rng(1))) == pytest.approx(0.56, abs=0.05)


def test_a_model_without_weights_draws_as_before(tmp_path):
    chain = fitted(tmp_path, None)._chain
    assert chain.groups is None
    one, two = (f(50, np.random.default_rng(1), {}) for f in (chain.facts, chain._facts))
    np.testing.assert_array_equal(one[0], two[0])


def test_weights_are_taken_off_after_loading_too(tmp_path):
    model, again = fitted(tmp_path), WarmStart(SCHEMA, BOOK, plan(GROUPS))
    again.take_up(as_arrays(as_tensors(model.arrays())))
    one, two = (each.sample(500, np.random.default_rng(2)) for each in (model, again))
    np.testing.assert_array_equal(one.static, two.static)
    np.testing.assert_array_equal(one.visits, two.visits)


@pytest.mark.parametrize("where", [{SEX: 0}, {SEX: 1}, {AGE: 2}, {DIED: 1}, {SEX: 1, DIED: 1}])
def test_what_is_asked_for_is_met_whatever_it_weighs(tmp_path, where):
    made = fitted(tmp_path).sample(300, np.random.default_rng(3), where)
    check(made, BOOK, 300)
    for place, code in where.items():
        assert (made.static[:, place] == code).all()
    assert len(fitted(tmp_path / "b").sample(0, np.random.default_rng(0), where)) == 0


def test_weights_of_training_alone_leave_measurements_as_they_are(tmp_path):
    one = fitted(tmp_path / "a", replace(GROUPS, measured=False)).arrays()
    two = fitted(tmp_path / "b", None).arrays()
    for name, value in two.items():
        np.testing.assert_array_equal(one[name], value)


def critic_and_record(count: int):
    layout = Layout.of(BOOK)
    critic = Critic(layout.static, layout.visit, layout.max_visits, 4)
    generator = torch.Generator().manual_seed(0)
    for parameter in critic.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    return critic, layout, layout.record(layout.codes_of(world(count), CPU))


def test_codes_are_read_back_from_a_record():
    _, layout, record = critic_and_record(60)
    for place in range(3):
        codes = torch.from_numpy(world(60).static[:, place].astype(np.int64))
        assert layout.static_codes(record, place).tolist() == codes.tolist()


def test_halves_that_are_weighed_alike_cancel_where_both_have_one_law():
    critic, layout, record = critic_and_record(60)
    factors = factors_of(GROUPS, BOOK, layout.static_codes)
    assert factors is not None
    found = factors(record)
    assert found.unique().tolist() == pytest.approx([0.2, 1.0])

    def left(weights) -> float:
        real = clipped_sum(
            critic, lambda model, *rows: MEANS.real(model(*rows)), tuple(record),
            clip_norm=1.0, factors=found,
        )  # fmt: skip
        for name, parameter in critic.named_parameters():
            parameter.grad = real[name] / 60
        add_generated_half(critic, record, 1.0, MEANS, weights)
        return max(float(p.grad.abs().max()) for p in critic.parameters())

    assert left(found) < 1e-5
    assert left(None) > 1e-2  # power: unweighed, the critic would take light groups for rare


def test_no_weights_no_factors():
    _, layout, _ = critic_and_record(2)
    assert factors_of(None, BOOK, layout.static_codes) is None
    assert factors_of(replace(GROUPS, trained=False), BOOK, layout.static_codes) is None


def test_the_gate_weighs_both_laws_as_patients(tmp_path):
    # Patients are `trained`'s law: weighed alike, its mean score is theirs.
    real = world(3000, 5)
    total = float(GROUPS.among(real.static, BOOK).sum())
    gate = ask(
        Answering(real), State(tmp_path), BOOK,
        trained=lambda rows: world(rows, 6), warm=lambda rows: world(rows, 7, women=0.8),
        total=total, groups=GROUPS,
    )  # fmt: skip
    # Scores in (-1, 1) of 3,000: standard errors of 0.02; the laws stand far apart.
    assert gate.open
    assert abs(gate.patients - gate.trained) < 0.1 < abs(gate.trained - gate.warm)


@pytest.mark.parametrize("name", ["log-linear", "table-gan", "table-diffusion"])
@pytest.mark.parametrize("weigh", ["measurements", "training", "both"])
def test_models_fit_sample_and_come_back_with_weights(tmp_path, monkeypatch, name, weigh):
    monkeypatch.setattr(start, "ROUNDS", 2)
    if name == "log-linear" and weigh != "measurements":
        with pytest.raises(InputError, match=f"can't weigh groups in {weigh}"):
            chosen_weights(name, SCHEMA, {"sex": {"m": 0.2}}, weigh)
        return
    groups = chosen_weights(name, SCHEMA, {"sex": {"m": 0.2}}, weigh)
    assert (groups.measured, groups.trained) == (weigh != "training", weigh != "measurements")
    made = replace(PLAN, groups=groups)
    settings = {**GAN, "critic_steps": 1} if name == "table-gan" else SETTINGS[name]
    model = MODELS[name](SCHEMA, BOOK, made, **settings)
    seen = []
    monkeypatch.setattr(
        "dpsynth.models.duel.add_generated_half",
        lambda *given: seen.append(given[-1]) or add_generated_half(*given),
    )
    model.fit(door_of(made), State(tmp_path), quiet, CPU)
    if name == "table-gan":
        assert len(seen) == 4
        assert all((each is not None) == groups.trained for each in seen)
    again = MODELS[name](SCHEMA, BOOK, made, **settings)
    again.load(model.tensors())
    one, two = (each.sample(60, {SEX: 1}, 3, quiet, CPU) for each in (model, again))
    np.testing.assert_array_equal(one.visits, two.visits)
    check(one, BOOK, 60)


@pytest.mark.parametrize(
    ("model", "groups", "weigh", "told"),
    [
        ("markov", {"sex": {"m": 0.5}}, None, "can't weigh groups in anything"),
        ("dct-gaussian", {"sex": {"m": 0.5}}, None, "--balance"),
        ("image-gan", {"sex": {"m": 0.5}}, "measurements", "can't weigh groups in measurements"),
        ("log-linear", {"sex": {"m": 0.5}}, "everything", "weigh must be one of"),
        ("log-linear", {"pain": {"0": 0.5}}, None, "per-patient column"),
        ("log-linear", {"nothing": {"0": 0.5}}, None, "per-patient column"),
        ("log-linear", {"died": {"true": 0.5}}, None, "is the label"),
        ("log-linear", {"sex": {"x": 0.5}}, None, "the groups of 'sex' are f, m; got 'x'"),
        ("log-linear", {"sex": {"f": 1.5}}, None, r"must be in \[0.01, 1\], got 1.5"),
        ("log-linear", {"age": {"..50": 0.5}}, None, "edges of the column's bins"),
    ],
)
def test_what_cannot_be_weighed_is_refused_in_a_line(model, groups, weigh, told):
    with pytest.raises(InputError, match=told) as error:
        chosen_weights(model, SCHEMA, groups, weigh)
    assert "\n" not in str(error.value)


def test_the_diffusion_of_facts_alone_refuses_weights_in_training():
    given = SCHEMAS["static only"]
    with pytest.raises(InputError, match="--weigh measurements"):
        chosen_weights("table-diffusion", given, {"sex": {"m": 0.5}})
    assert not chosen_weights("table-diffusion", given, {"sex": {"m": 0.5}}, "measurements").trained
