"""The generator learns from the critic alone, and the critic never leaves the run.

Six published GANs let the generator see real data. Here real data are poisoned while the
generator takes its step: the records at the door, and every call of the door, are replaced by
what would show. A run with poison and one without leave the same, bit by bit.
"""

import numpy as np
import pytest
import torch
from adversaries import ADVERSARIES, VISITS, schema, written
from test_replay_inside import CLIP, COLUMNS, SCHEMA, opened, records_of
from test_replay_inside import PLAN as SILENT

from dpsynth.data.codec import codec
from dpsynth.data.reader import read
from dpsynth.models import duel
from dpsynth.models.adversary import RealHalf
from dpsynth.models.base import quiet
from dpsynth.models.duel import Duel
from dpsynth.models.layout import Layout
from dpsynth.models.nets.critic import Critic
from dpsynth.models.state import State
from dpsynth.models.table_gan import TableGan
from dpsynth.models.warm import fitting, start
from dpsynth.pipeline import training
from dpsynth.privacy.door import Door
from dpsynth.privacy.ledger import Ledger
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import DPSGD, Plan, Release

CPU = torch.device("cpu")
SMALL = {
    "steps": 6, "critic_steps": 2, "generated": 16, "batch": 8,
    "width": 8, "critic_width": 3, "rate": 0.05,
}  # fmt: skip
PLAN = Plan(
    epsilon=5.0,
    delta=1e-3,
    population=60,
    releases=(
        Release(name="bounds", noise_multiplier=1.0),
        Release(name="categories", noise_multiplier=1.0, threshold_delta=1e-4),
        *(Release(name=name, noise_multiplier=1.0) for name in ("tables", "moments", "label")),
    ),
    training=DPSGD(
        noise_multiplier=0.5, clip_norm=1.0, sample_rate=0.5, expected_batch=20.0, steps=6
    ),
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A rough fit of the warm start will do."""
    monkeypatch.setattr(start, "ROUNDS", 2)
    monkeypatch.setattr(start, "SUMMARIES", 400)
    monkeypatch.setattr(fitting, "PATIENTS", 200)


class FixedGenerator(torch.Generator):
    """Where the system would seed it, gets the same seed each time."""

    def seed(self) -> int:
        self.manual_seed(3)
        return 3


@pytest.fixture
def repeatable(monkeypatch):
    seeded = np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda seed=0: seeded(seed))
    monkeypatch.setattr(torch, "Generator", FixedGenerator)


def trained(folder, meddle=None) -> tuple[dict[str, torch.Tensor], list[Duel]]:
    """What a run with fixed noise leaves; `meddle(door)` is called around generator steps."""
    torch.manual_seed(5)
    clinic = schema()
    records, _ = read(written(folder / "data", None), clinic)
    door = Door(records, plan=PLAN, randomness=CryptoStream(insecure_seed=1))
    found = door.discover(clinic.columns("patient") | clinic.columns("visit"), 4)
    books = codec(clinic, found)
    door.use(books)
    model, duels = TableGan(clinic, books, PLAN, **SMALL), []
    learn, begin = Duel.learn_generator, Duel.__init__

    def begun(self, *args):
        duels.append(self)
        begin(self, *args)

    def around(self, *args):
        if meddle is None:
            return learn(self, *args)
        restore = meddle(door)
        try:
            return learn(self, *args)
        finally:
            restore()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Duel, "__init__", begun)
        patch.setattr(Duel, "learn_generator", around)
        model.fit(door, State(folder / "state"), quiet, CPU)
    return {name: value.clone() for name, value in model.tensors().items()}, duels


def replaced(door: Door):
    """Every real record is another, in place, wherever a reference to it is held."""
    rows = [part.clone() for part in door._rows]
    for part in door._rows:
        part.copy_(torch.where(part >= 0, 1 - part.clamp(max=1), part))

    def restore() -> None:
        for part, kept in zip(door._rows, rows, strict=True):
            part.copy_(kept)

    return restore


def raising(door: Door):
    """The door answers nothing and holds nothing."""
    kept = dict(vars(door))
    for name in kept:
        setattr(door, name, None)

    def restore() -> None:
        vars(door).update(kept)

    return restore


@pytest.mark.parametrize("meddle", [replaced, raising])
def test_poison_during_the_generators_step_changes_nothing(repeatable, tmp_path, meddle):
    clean, _ = trained(tmp_path / "clean")
    poisoned, _ = trained(tmp_path / "poisoned", meddle)
    assert clean.keys() == poisoned.keys()
    for name in clean:
        assert torch.equal(clean[name], poisoned[name]), name


def test_the_poison_would_show(repeatable, tmp_path, monkeypatch):
    # Power of the test above: a generator's loss that looks at one real record.
    doors, step, loss = [], Door.step, duel.generator_loss

    def kept(self, *args, **more):
        doors.append(self)
        step(self, *args, **more)

    def careless(critic, record, game):
        return loss(critic, record, game) * (1 + doors[-1]._rows[0][:3].sum())

    clean, _ = trained(tmp_path / "clean")
    monkeypatch.setattr(Door, "step", kept)
    monkeypatch.setattr(duel, "generator_loss", careless)
    careless_clean, _ = trained(tmp_path / "careless")
    poisoned, _ = trained(tmp_path / "poisoned", replaced)
    assert any(not torch.equal(careless_clean[name], poisoned[name]) for name in clean)


def test_poison_during_the_critics_step_does_show(repeatable, tmp_path, monkeypatch):
    # Real data do reach the generator by way of the critic: the test is not blind to them.
    clean, _ = trained(tmp_path / "clean")
    step = Door.step

    def poisoned_step(self, *args, **more):
        restore = replaced(self)
        step(self, *args, **more)
        restore()

    monkeypatch.setattr(Door, "step", poisoned_step)
    poisoned, _ = trained(tmp_path / "poisoned")
    assert any(not torch.equal(clean[name], poisoned[name]) for name in clean)


@pytest.mark.parametrize("who", sorted(ADVERSARIES))
def test_one_patient_more_moves_the_real_half_by_at_most_the_clipping_norm(tmp_path, who):
    base, joined = records_of(tmp_path / "one", None), records_of(tmp_path / "other", who)
    book = codec(SCHEMA, opened(base).discover(COLUMNS, VISITS))
    layout = Layout.of(book)
    torch.manual_seed(0)
    critic = Critic(layout.static, layout.visit, layout.max_visits, 4)
    for parameter in critic.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    sums = []
    for records in (base, joined):
        opened(records, book).step(critic, RealHalf(layout))
        found = torch.cat([p.grad.flatten() for p in critic.parameters()])
        sums.append(found.double() * SILENT.training.expected_batch)
    assert sums[0].norm() > CLIP  # many patients are in it
    assert (sums[1] - sums[0]).norm() <= CLIP


def test_nothing_of_the_critic_is_learnt_or_kept_by_the_model(tmp_path):
    left, (made,) = trained(tmp_path)
    assert {name.split(".")[0] for name in left} == {"start", "generator"}
    for critics in made.critic.state_dict().values():
        for name, value in left.items():
            assert value.shape != critics.shape or not torch.equal(value, critics), name


def test_nothing_of_the_critic_is_in_a_finished_run(tmp_path, monkeypatch):
    duels, begin = [], Duel.__init__

    def begun(self, *args):
        duels.append(self)
        begin(self, *args)

    monkeypatch.setattr(Duel, "__init__", begun)
    training.train(
        written(tmp_path / "data", None), schema(), tmp_path / "run", epsilon=2.0,
        model="table-gan", settings=SMALL | {"batch": 64}, population="clinic",
        ledger=Ledger(tmp_path / "book"), device="cpu",
    )  # fmt: skip
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert not (tmp_path / "run" / "state").exists()
    weights = {k: v for k, v in duels[0].critic.state_dict().items() if v.numel() > 3}
    assert len(weights) > 4
    for path in files:
        data = path.read_bytes()
        for name, value in weights.items():
            assert value.numpy().tobytes() not in data, (path.name, name)
