"""The one door: it charges first, refuses the rest, and its noise is as strong as it says."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from dpsynth.data.codec import codec
from dpsynth.data.records import Records
from dpsynth.errors import BudgetError, InputError
from dpsynth.privacy import door as door_module
from dpsynth.privacy.door import Door, noised_size
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import DPSGD, Plan, Release
from dpsynth.privacy.query import Query, Slot
from dpsynth.schema import Clock, Column, Schema, Table

ALARM = 1e-6
SCHEMA = Schema(
    name="clinic",
    max_visits=3,
    tables={
        "patients": Table(
            shape="static",
            key="id",
            columns={"sex": Column(type="category", categories=("f", "m"), missing=False)},
        ),
        "visits": Table(
            shape="visits",
            key="id",
            time=Clock(column="day", gap=Column(type="number", bounds=(0, 100), bins=4)),
            columns={"pain": Column(type="count", bounds=(0, 10), bins=5)},
        ),
    },
)
CODEC = codec(SCHEMA)
TRAINING = DPSGD(
    noise_multiplier=1.5, clip_norm=0.5, sample_rate=0.2, expected_batch=40.0, steps=3, views=2
)
PLAN = Plan(
    epsilon=1.0,
    delta=1e-5,
    population=200,
    releases=(Release(name="tables", noise_multiplier=2.0),),
    training=TRAINING,
)
QUERIES = [Query((Slot("static", 0),), weight=3.0), Query((Slot("now", 1),), weight=4.0)]


def records_of(patients: int, seed: int = 0) -> Records:
    rng = np.random.default_rng(seed)
    length = rng.integers(0, 4, patients)
    who = np.repeat(np.arange(patients), length)
    visits = pd.DataFrame({"patient": who, "time": 0.0, "pain": rng.integers(0, 11, len(who))})
    visits["time"] = visits.groupby("patient").cumcount() * 7.0
    visits["pain"] = visits["pain"].astype(np.float64)
    static = pd.DataFrame({"sex": rng.choice(np.array(["f", "m"], dtype=object), patients)})
    return Records(np.array([f"p{i}" for i in range(patients)], dtype=object), static, visits)


class Forced:
    """No noise, or noise that is given; those join who are told to. Remembers what was asked."""

    def __init__(self, joining: list[int] = (), noise: float = 0.0) -> None:
        self.joining, self.noise, self.asked = list(joining), noise, []

    def normal(self, size: int) -> np.ndarray:
        self.asked.append(("normal", size))
        return np.full(size, self.noise)

    def join(self, patients: int, rate: float) -> np.ndarray:
        self.asked.append(("join", rate))
        return np.array(self.joining, dtype=np.int64)

    def two_sided_geometric(self, epsilon: float) -> int:
        self.asked.append(("geometric", epsilon))
        return 0

    def seed(self) -> int:
        return 5


class Visits(nn.Module):
    """Predicts the pain of each visit from sex."""

    def __init__(self) -> None:
        super().__init__()
        self.sex, self.out = nn.Embedding(2, 16), nn.Linear(16, 6)
        generator = torch.Generator().manual_seed(1)
        for p in self.parameters():
            p.data = torch.randn(p.shape, generator=generator)

    def forward(self, sex: Tensor) -> Tensor:
        return self.out(self.sex(sex))


class Pains:
    """Cross-entropy of pains, summed, so that longer records have larger gradients."""

    def prepare(self, rows, draws):
        static, visits, length = rows
        return static[:, 0], visits[..., 1].clamp(min=0), length, draws.uniform()

    def loss(self, model, *rows):
        sex, pain, length, weight = rows
        nats = -model(sex).log_softmax(-1)[:, None].expand(-1, 3, -1).gather(2, pain[..., None])
        inside = torch.arange(3) < length[:, None]
        return torch.where(inside, nats[..., 0], 0.0).sum(1) * (1 + weight)


def opened(records: Records, randomness, plan: Plan = PLAN, **spent) -> Door:
    door = Door(records, plan=plan, randomness=randomness, **spent)
    door.use(CODEC)
    return door


def gradient(model: nn.Module) -> Tensor:
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def test_a_release_is_answered_once_and_a_refusal_says_nothing():
    randomness = Forced()
    door = opened(records_of(20), randomness)
    assert len(door.measure("tables", QUERIES)) == 2
    randomness.asked.clear()
    for name in ("tables", "bounds", "anything"):
        with pytest.raises(BudgetError, match="holds no release") as refusal:
            door.measure(name, QUERIES)
        assert str(refusal.value) == (
            f"the plan holds no release {name!r} that is still to be asked"
        )
    assert not randomness.asked


def test_a_release_is_charged_before_it_is_answered():
    class Broken(Forced):
        def normal(self, size: int) -> np.ndarray:
            raise KeyboardInterrupt

    door = opened(records_of(20), Broken())
    with pytest.raises(KeyboardInterrupt):
        door.measure("tables", QUERIES)
    with pytest.raises(BudgetError):
        door.measure("tables", QUERIES)


def test_a_step_is_charged_before_it_is_answered():
    class Broken(Forced):
        def join(self, patients: int, rate: float) -> np.ndarray:
            raise KeyboardInterrupt

    door = opened(records_of(20), Broken())
    with pytest.raises(KeyboardInterrupt):
        door.step(Visits(), Pains())
    assert door.steps_left == 2


def test_steps_end_with_the_plan_and_a_refused_step_leaves_no_gradient():
    randomness, model = Forced([0, 1]), Visits()
    door = opened(records_of(20), randomness)
    for left in (2, 1, 0):
        door.step(model, Pains())
        assert door.steps_left == left
    randomness.asked.clear()
    fresh = Visits()
    with pytest.raises(BudgetError, match="no further training step"):
        door.step(fresh, Pains())
    assert all(p.grad is None for p in fresh.parameters())
    assert not randomness.asked
    assert door.steps_left == 0


def test_a_plan_without_training_allows_no_step():
    door = opened(records_of(5), Forced(), replace(PLAN, training=None))
    assert door.steps_left == 0
    with pytest.raises(BudgetError):
        door.step(Visits(), Pains())


def test_nothing_is_asked_before_a_code_book_is_chosen():
    door = Door(records_of(5), plan=PLAN, randomness=Forced())
    with pytest.raises(BudgetError, match="code book"):
        door.step(Visits(), Pains())
    assert door.steps_left == 3  # nothing was computed, nothing is charged
    with pytest.raises(BudgetError, match="code book"):
        door.measure("tables", QUERIES)


def test_what_an_earlier_process_asked_is_gone():
    door = opened(records_of(5), Forced(), steps_spent=2, spent=["tables"])
    assert door.steps_left == 1
    with pytest.raises(BudgetError):
        door.measure("tables", QUERIES)
    with pytest.raises(BudgetError):
        opened(records_of(5), Forced(), steps_spent=7).step(Visits(), Pains())
    with pytest.raises(InputError, match="steps_spent"):
        opened(records_of(5), Forced(), steps_spent=-1)


def test_an_empty_batch_is_noise_alone_and_a_step():
    model = Visits()
    door = opened(records_of(50), Forced([], noise=2.0))
    door.step(model, Pains())
    # Two standard deviations of 1.5 times clip norm 0.5, over the public 40.
    assert gradient(model).tolist() == pytest.approx([2.0 * 1.5 * 0.5 / 40.0] * (2 * 16 + 17 * 6))
    assert door.steps_left == 2


def test_the_divisor_and_the_rate_are_public():
    # Twice the batch doubles the sum; half the patients change nothing.
    found = []
    for patients, joining in ((20, [3, 4]), (20, [3, 4, 3, 4]), (10, [3, 4])):
        randomness, model = Forced(joining), Visits()
        opened(records_of(20).take(np.arange(patients)), randomness).step(model, Pains())
        assert ("join", 0.2) in randomness.asked
        found.append(gradient(model))
    assert found[0].norm() > 1e-3
    torch.testing.assert_close(found[1], 2 * found[0])
    torch.testing.assert_close(found[2], found[0], rtol=0, atol=0)


def test_a_step_moves_by_at_most_the_clip_norm_per_patient():
    model = Visits()
    opened(records_of(30), Forced(list(range(30)))).step(model, Pains())
    whole = gradient(model) * TRAINING.expected_batch
    for gone in range(30):
        opened(records_of(30), Forced([i for i in range(30) if i != gone])).step(model, Pains())
        moved = whole - gradient(model) * TRAINING.expected_batch
        assert moved.double().norm() <= TRAINING.clip_norm


def test_split_batches_are_one_step_with_the_same_sum():
    found = []
    for micro_batch in (None, 1, 4):
        model = Visits()
        door = opened(records_of(30), Forced(list(range(0, 30, 2)), noise=0.3))
        door.step(model, Pains(), micro_batch=micro_batch)
        assert door.steps_left == 2
        found.append(gradient(model))
    torch.testing.assert_close(found[0], found[1])
    torch.testing.assert_close(found[0], found[2])


def test_a_step_fills_every_trainable_gradient_and_no_other():
    model = Visits()
    model.out.bias.requires_grad_(False)
    opened(records_of(30), Forced([1, 2])).step(model, Pains())
    assert model.out.bias.grad is None
    assert model.sex.weight.grad.shape == model.sex.weight.shape


def test_step_noise_has_the_stated_deviation():
    # With nobody in the batch, all is noise: chi-square of its squares.
    model = nn.Sequential(nn.Linear(300, 300), nn.Linear(300, 10))
    opened(records_of(0), CryptoStream()).step(model, Pains())
    unit = gradient(model).double().numpy() * TRAINING.expected_batch / (1.5 * 0.5)
    low, high = stats.chi2.ppf([ALARM / 2, 1 - ALARM / 2], len(unit))
    assert low < (unit**2).sum() < high
    assert stats.kstest(unit, "norm").pvalue > ALARM
    assert len(set(unit.tolist())) > 0.99 * len(unit)  # no parameter shares another's noise


def test_table_noise_has_the_stated_deviation():
    # Weights 3 and 4: joint sensitivity 5, so deviations 2 x 5 / 3 and 2 x 5 / 4.
    patients, draws = records_of(30), 3000
    exact = opened(patients, Forced()).measure("tables", QUERIES)
    assert [table.size for table in exact] == [2, 6]
    releases = tuple(Release(name=f"{i}", noise_multiplier=2.0) for i in range(draws))
    door, noise = opened(patients, CryptoStream(), replace(PLAN, releases=releases)), ([], [])
    for release in releases:
        answers = door.measure(release.name, QUERIES)
        for kept, answer, truth in zip(noise, answers, exact, strict=True):
            kept.append((answer - truth).ravel())
    for kept, sd in zip(noise, (10 / 3, 10 / 4), strict=True):
        unit = np.concatenate(kept) / sd
        low, high = stats.chi2.ppf([ALARM / 4, 1 - ALARM / 4], len(unit))
        assert low < (unit**2).sum() < high
        assert stats.kstest(unit, "norm").pvalue > ALARM / 2


def test_tiny_weights_get_no_less_noise():
    queries = [replace(query, weight=1e-200) for query in QUERIES]
    exact = opened(records_of(30), Forced()).measure("tables", queries)
    noisy = opened(records_of(30), Forced(noise=1.0)).measure("tables", queries)
    for one, other in zip(exact, noisy, strict=True):
        np.testing.assert_allclose(other - one, 2.0 * 2**0.5)


def test_one_patient_more_changes_no_public_thing():
    asked, shapes = [], []
    for patients in (30, 31):
        randomness, model = Forced([2, 5]), Visits()
        door = opened(records_of(31).take(np.arange(patients)), randomness)
        answers = door.measure("tables", QUERIES)
        door.step(model, Pains())
        shapes.append(([a.shape for a in answers], gradient(model).shape, door.steps_left))
        asked.append(randomness.asked)
    assert asked[0] == asked[1]  # as many draws, and the same sampling rate
    assert shapes[0] == shapes[1]
    assert [name for name in dir(Door) if not name.startswith("_")] == [
        "discover", "measure", "step", "steps_left", "use",
    ]  # fmt: skip


@pytest.mark.parametrize("patients", [0, 1])
def test_a_door_with_nobody_or_one_patient_works(patients):
    model = Visits()
    door = opened(records_of(patients), CryptoStream())
    assert [a.shape for a in door.measure("tables", QUERIES)] == [(2,), (6,)]
    door.step(model, Pains())
    assert gradient(model).isfinite().all()
    assert noised_size(records_of(patients), 1e-3, CryptoStream()) >= 1


def test_the_size_is_counted_with_the_stated_epsilon():
    randomness = Forced()
    assert noised_size(records_of(17), 0.25, randomness) == 17
    assert randomness.asked == [("geometric", 0.25)]


def hostile(n: int) -> Records:
    """Numbers that no bound held, times that don't order, categories nobody knows."""
    values = np.array([np.nan, np.inf, -np.inf, 1e20, -1e20, 1e308, 0.0])
    rng = np.random.default_rng(4)
    visits = pd.DataFrame(
        {
            "patient": np.repeat(np.arange(n), 9),
            "time": rng.choice(values, 9 * n),
            "pain": rng.choice(values, 9 * n),
        }
    )
    static = pd.DataFrame({"sex": np.array([None, "x", "", "f" * 1000], dtype=object)[:n]})
    return Records(np.array(["a", "b", "c", "d"], dtype=object)[:n], static, visits)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_hostile_patients_stop_nothing_and_count_once():
    friends, model = records_of(20), Visits()
    foes = hostile(4)
    mixed = Records(
        np.concatenate([friends.keys, foes.keys]),
        pd.concat([friends.static, foes.static], ignore_index=True),
        pd.concat(
            [friends.visits, foes.visits.assign(patient=foes.visits["patient"] + 20)],
            ignore_index=True,
        ),
    )
    alone = opened(friends, Forced()).measure("tables", QUERIES)
    together = opened(mixed, Forced(list(range(24))))
    for one, both in zip(alone, together.measure("tables", QUERIES), strict=True):
        assert (both - one).sum() == pytest.approx(4.0)
        assert (both - one).min() >= -1e-12
    together.step(model, Pains())
    assert gradient(model).isfinite().all()


def private_plan() -> Plan:
    releases = (
        Release(name="bounds", noise_multiplier=3.0),
        Release(name="categories", noise_multiplier=4.0, threshold_delta=1e-6),
    )
    return replace(PLAN, releases=releases)


PRIVATE = {
    "age": Column(type="number", private=True),
    "pain": Column(type="count", private=True),
    "ward": Column(type="category", private=True),
    "sex": Column(type="category", categories=("f", "m")),
}


def wards(patients: int) -> Records:
    plain = records_of(patients)
    ward = np.array(["north"] * (patients // 2) + ["south"] * (patients - patients // 2), object)
    return Records(plain.keys, plain.static.assign(age=50.0, ward=ward), plain.visits)


def test_private_columns_are_charged_and_get_the_joint_noise(monkeypatch):
    seen = {}

    def spy(name, column, noisy, noise_sd):
        seen[name] = (noisy, noise_sd)
        return original(name, column, noisy, noise_sd)

    original = door_module.number_field
    monkeypatch.setattr(door_module, "number_field", spy)
    door = Door(wards(100), plan=private_plan(), randomness=Forced(noise=1.0))
    found = door.discover(PRIVATE, 3)
    assert sorted(found) == ["age", "pain", "ward"]
    # Two columns in one release of noise 3: 3 x sqrt(2) in each cell.
    for noisy, sd in seen.values():
        assert sd == pytest.approx(3.0 * 2**0.5)
        assert noisy.min() == pytest.approx(sd)
    assert seen["age"][0].sum() == pytest.approx(100 + 3 * 2**0.5 * len(seen["age"][0]))
    assert found["ward"].categories == ("north", "south", "other")
    for again in (PRIVATE, {"age": PRIVATE["age"]}, {"ward": PRIVATE["ward"]}):
        with pytest.raises(BudgetError):
            door.discover(again, 3)


def test_a_release_that_may_reveal_nothing_reveals_nothing():
    release = (Release(name="categories", noise_multiplier=0.001, threshold_delta=0.0),)
    door = Door(wards(100), plan=replace(PLAN, releases=release), randomness=Forced())
    assert door.discover({"ward": PRIVATE["ward"]}, 3)["ward"].categories == ("other",)


def test_public_columns_cost_nothing():
    randomness = Forced()
    door = Door(wards(10), plan=private_plan(), randomness=randomness)
    assert door.discover({"sex": PRIVATE["sex"]}, 3) == {}
    assert not randomness.asked
    door.discover(PRIVATE, 3)  # and both releases are still there
