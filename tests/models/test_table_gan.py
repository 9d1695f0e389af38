"""The GAN begins at its warm start, keeps what is asked for, and comes back after a kill."""

import numpy as np
import pytest
import torch
from test_fits import CPU, PLAN, SCHEMAS, Killed, check, opened

from dpsynth.data.codec import Tokens, codec
from dpsynth.errors import InputError
from dpsynth.models.base import quiet
from dpsynth.models.duel import Duel
from dpsynth.models.gan_settings import Settings
from dpsynth.models.state import State, read_tensors
from dpsynth.models.table_gan import TableGan
from dpsynth.models.warm import fitting, start
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream

SMALL = {
    "steps": 4, "critic_steps": 1, "generated": 16, "batch": 8,
    "width": 8, "critic_width": 3, "save_every": 2,
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A rough fit of the warm start will do."""
    monkeypatch.setattr(start, "ROUNDS", 2)
    monkeypatch.setattr(start, "SUMMARIES", 400)
    monkeypatch.setattr(fitting, "PATIENTS", 200)


def built(schema="mixed", **more) -> TableGan:
    return TableGan(SCHEMAS[schema], codec(SCHEMAS[schema]), PLAN, **SMALL | more)


def fitted(tmp_path, schema="mixed", **more) -> TableGan:
    model = built(schema, **more)
    model.fit(opened(SCHEMAS[schema]), State(tmp_path / "s"), quiet, CPU)
    return model


def same(one, other) -> bool:
    return all(
        (a == b).all() for a, b in zip(one.arrays.values(), other.arrays.values(), strict=True)
    )


def test_before_the_generator_has_learnt_it_is_its_warm_start(tmp_path):
    for name in ("mixed", "regular grid", "static only", "visits only"):
        model = fitted(tmp_path / name, name, critic_steps=5)  # more than there are steps
        made, floor = model.sample(500, {}, 3, quiet, CPU), warm(model, 500)
        if model.start.label is not None:  # drawn again, from the same record: the same law
            again = made.static[:, model.start.label]
            drawn = floor.static[:, model.start.label]
            # Codes 0 to 2 have variance 1 at most; 5 sd: false alarms below 1e-6.
            assert abs(again.mean() - drawn.mean()) < 5 * (2 / 500) ** 0.5
            floor.static[:, model.start.label] = again
        assert same(made, floor)


def warm(model, patients: int) -> Tokens:
    return model.start.sample(patients, np.random.default_rng(3))


def test_training_moves_it_away(tmp_path):
    model = fitted(tmp_path, rate=0.3, critic_rate=0.3)
    floor = model.start.sample(500, np.random.default_rng(3))
    made = model.sample(500, {}, 3, quiet, CPU)
    assert not same(made, floor)
    np.testing.assert_array_equal(made.length, floor.length)
    check(made, codec(SCHEMAS["mixed"]), 500)


def test_what_is_fixed_stays_however_far_the_generator_moves(tmp_path):
    model, moved = fitted(tmp_path), 0
    for parameter in model.generator.parameters():
        torch.nn.init.normal_(parameter, std=3.0)
    for where in ({0: 1}, {2: 0}, {0: 0, 1: 3, 2: 1}):
        made = model.sample(300, where, 3, quiet, CPU)
        tokens = model.start.sample(300, np.random.default_rng(3), where)
        codes = model.layout.codes_of(tokens, CPU)
        loose = model.generator(codes, torch.Generator().manual_seed(0), 1.0)[0].static
        for place, code in where.items():
            assert (made.static[:, place] == code).all()
            moved += int((loose[:, place] != code).sum())
    assert moved > 300  # the power of it: what was not said to be fixed did move


def test_what_is_learnt_is_what_the_critic_says(tmp_path):
    # A critic that likes one code of one column and nothing else gets more of it.
    model = fitted(tmp_path, "regular grid", steps=4, critic_steps=5, generated=256, rate=0.02)
    duel = Duel(model.generator, model._critic(CPU), model._play, model.settings)
    with torch.no_grad():
        for parameter in duel.critic.parameters():
            parameter.zero_()
        duel.critic.code.weight[0, 2] = 1.0  # code 2 at the first visit
    held = {name: value.clone() for name, value in duel.critic.state_dict().items()}
    draws, pool = torch.Generator().manual_seed(0), model._pool(np.random.default_rng(0), CPU)
    next(pool)  # the large one
    for _ in range(30):
        duel.learn_generator(next(pool), draws)
    before = next(pool)
    after = duel.generator(before, draws, 1.0)[0]
    share = [(codes.visits[:, 0, 0] == 2).double().mean() for codes in (before, after)]
    assert share[1] > share[0] + 0.2  # 0.25 of 256: 7 standard deviations
    for name, value in duel.critic.state_dict().items():
        assert torch.equal(value, held[name])
    assert all(parameter.grad is None for parameter in duel.critic.parameters())


def test_the_leash_holds_the_generator_near_its_start(tmp_path):
    far, near = (fitted(tmp_path / str(x), rate=0.3, leash=x) for x in (0.0, 100.0))
    begun = near.start.sample(2000, np.random.default_rng(3))

    def moved(model: TableGan) -> float:
        model.start = near.start
        return (model.sample(2000, {}, 3, quiet, CPU).visits != begun.visits).mean()

    assert moved(near) < moved(far)


def test_a_checkpoint_holds_all_and_comes_back(tmp_path):
    model = built()
    first = Duel(model.generator, model._critic(CPU), model._play, model.settings)
    pool = fitted(tmp_path)._pool(np.random.default_rng(0), CPU)
    draws = torch.Generator().manual_seed(0)
    for parameter in first.critic.parameters():
        parameter.grad = torch.ones_like(parameter)
    first.learn_critic(next(pool), draws)
    first.learn_generator(next(pool), draws)
    other = built()
    second = Duel(other.generator, other._critic(CPU), other._play, model.settings)
    second.unpack(first.packed())
    left, right = first.packed(), second.packed()
    assert left.keys() == right.keys()
    assert {name.split(".")[0] for name in left} == {
        "turns", "told", "generator", "kept", "critic", "adam", "critic_adam",
    }  # fmt: skip
    for name, value in left.items():
        assert torch.equal(value, right[name]), name


@pytest.mark.parametrize(
    ("owner", "turns"), [(State, (1, 2)), (Door, (1, 2)), (Door, (3, 1)), (Duel, (2, 1))]
)
def test_a_killed_run_never_asks_more_than_its_plan(owner, turns, tmp_path, monkeypatch):
    name = {State: "checkpoint", Door: "step", Duel: "learn_generator"}[owner]
    original, asked = getattr(owner, name), [0]
    step = Door.step

    def counted(*args, **more):
        asked[0] += 1
        return step(*args, **more)

    monkeypatch.setattr(Door, "step", counted)
    if owner is Door:
        original = counted
    for turn in (*turns, 10**9):
        state, left = State(tmp_path / "s"), [turn]

        def dying(*args, left=left, **more):
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return original(*args, **more)

        spent = [release.name for release in PLAN.releases if state.holds(release.name)]
        door = opened(SCHEMAS["mixed"], CryptoStream(), steps_spent=state.asked, spent=spent)
        model = built()
        with monkeypatch.context() as broken:
            broken.setattr(owner, name, dying)
            try:
                model.fit(door, state, quiet, CPU)
            except Killed:
                continue
        break
    assert asked[0] <= PLAN.training.steps
    assert State(tmp_path / "s").asked == PLAN.training.steps
    check(model.sample(20, {}, 7, quiet, CPU), codec(SCHEMAS["mixed"]), 20)


def test_what_is_resumed_is_what_was_saved(tmp_path, monkeypatch):
    with monkeypatch.context() as broken:
        step, left = Door.step, [3]

        def dying(*args, **more):
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            step(*args, **more)

        broken.setattr(Door, "step", dying)
        with pytest.raises(Killed):
            fitted(tmp_path)
    saved = read_tensors(tmp_path / "s" / "checkpoint.safetensors")
    state, found = State(tmp_path / "s"), []
    unpack = Duel.unpack

    def seen(self, held):
        unpack(self, held)
        found.append({name: value.clone() for name, value in self.packed().items()})

    monkeypatch.setattr(Duel, "unpack", seen)
    door = opened(SCHEMAS["mixed"], steps_spent=state.asked, spent=["tables", "moments", "label"])
    built().fit(door, state, quiet, CPU)
    for name, value in found[0].items():
        assert torch.equal(value, saved[name]), name


@pytest.mark.parametrize(
    ("name", "value"),
    [("width", 10), ("tables_share", 0.95), ("leash", -1.0), ("critic_steps", 0), ("decay", 1.0)],
)
def test_a_setting_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(InputError, match=name):
        Settings(**{name: value})


def test_the_plan_asks_for_the_warm_start_then_for_the_critic():
    # Everybody in every batch: the accounting of that is quick.
    budget = Budget(epsilon=0.5, delta=1e-3, population=400)
    plan = TableGan.plan(SCHEMAS["static only"], budget, 0.0, **SMALL | {"batch": 500})
    assert [release.name for release in plan.releases] == ["tables", "moments", "label"]
    assert (plan.training.steps, plan.training.sample_rate, plan.training.views) == (4, 1.0, 1)
