"""The lowest floor: columns of the right distributions, and nothing between them."""

import numpy as np
import pytest
import torch

from dpsynth.data.codec import PAD, Codec, Tokens, codec
from dpsynth.data.field import Field
from dpsynth.errors import BudgetError
from dpsynth.models.base import quiet
from dpsynth.models.independent import IndependentModel, independent_workload
from dpsynth.models.state import State
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import Plan, Release
from dpsynth.privacy.query import joint_sensitivity
from dpsynth.schema import Clock, Column, Schema, Table

CPU = torch.device("cpu")
SEX = Column(type="category", categories=("f", "m"), missing=False)
PAIN = Column(type="category", categories=("a", "b", "c"), missing=False)
SCHEMA = Schema(
    name="x",
    max_visits=3,
    tables={
        "p": Table(shape="static", key="id", columns={"sex": SEX, "smokes": SEX}),
        "v": Table(
            shape="visits",
            key="id",
            time=Clock(column="day", kind="order"),
            columns={"pain": PAIN, "sleep": PAIN},
        ),
    },
)
BOOK = codec(SCHEMA)


def planned(noise: float) -> Plan:
    release = Release(name="tables", noise_multiplier=noise)
    return Plan(epsilon=1.0, delta=1e-3, population=100, releases=(release,), training=None)


def patients(n: int) -> Tokens:
    """Half the men smoke and no woman does; pain stays what it was; men come twice as often."""
    rng = np.random.default_rng(0)
    sex = (rng.random(n) < 0.5).astype(np.int16)
    smokes = sex * (rng.random(n) < 0.5)
    length = np.where(sex == 1, 2, 1)
    pain = rng.choice(3, n, p=[0.2, 0.3, 0.5])
    visits = np.full((n, 3, 2), PAD)
    visits[:, 0] = np.stack([pain, pain], 1)
    visits[sex == 1, 1] = np.stack([pain, np.zeros(n, dtype=int)], 1)[sex == 1]
    return Tokens(
        static=np.stack([sex, smokes], 1).astype(np.int16),
        visits=visits.astype(np.int16),
        length=length.astype(np.int16),
    )


class Asked:
    """A door without noise that writes down what it was asked."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens, self.releases = tokens, []

    def measure(self, name, queries):
        self.releases.append(name)
        return [query.answer(self.tokens, BOOK) for query in queries]


def fitted(tokens: Tokens, folder, noise: float = 1e-6) -> IndependentModel:
    model = IndependentModel(SCHEMA, BOOK, planned(noise))
    model.fit(Asked(tokens), State(folder), quiet, CPU)
    return model


def test_it_asks_one_joint_release_and_nothing_else(tmp_path):
    model, door = IndependentModel(SCHEMA, BOOK, planned(1.0)), Asked(patients(50))
    model.fit(door, State(tmp_path / "s"), quiet, CPU)
    assert door.releases == ["tables"]
    model.sample(10, {}, 0, quiet, CPU)
    assert door.releases == ["tables"]
    # The real door pays for that release once and then has nothing left.
    records = BOOK.decode(patients(50), np.random.default_rng(0))
    real = Door(records, plan=planned(1.0), randomness=CryptoStream(insecure_seed=0))
    real.use(BOOK)
    again = IndependentModel(SCHEMA, BOOK, planned(1.0))
    again.fit(real, State(tmp_path / "t"), quiet, CPU)
    with pytest.raises(BudgetError, match="tables"):
        real.measure("tables", independent_workload(BOOK))


def test_one_patient_moves_the_tables_by_no_more_than_the_noise_is_scaled_for():
    # Five tables: sqrt(5). Whoever has visits reaches it; whoever has none moves three.
    queries = independent_workload(BOOK)
    assert joint_sensitivity(queries) == pytest.approx(5**0.5)
    everyone = patients(60)
    for length, moved in ((0, 3**0.5), (1, 5**0.5), (3, (3 + 2 / 3) ** 0.5)):
        visits = np.where(np.arange(3)[None, :, None] < length, 2, PAD).repeat(2, 2)
        added = Tokens(
            static=np.array([[1, 1]], dtype=np.int16),
            visits=visits.astype(np.int16),
            length=np.array([length], dtype=np.int16),
        )
        more = Tokens(
            **{k: np.concatenate([v, added.arrays[k]]) for k, v in everyone.arrays.items()}
        )
        steps = [q.answer(more, BOOK) - q.answer(everyone, BOOK) for q in queries]
        assert np.sqrt(sum((step**2).sum() for step in steps)) == pytest.approx(moved)


def test_the_workload_is_chosen_from_the_schema_alone():
    def named(book: Codec) -> list[str]:
        return [
            " ".join(f"{s.where}{s.column}" for s in q.slots) for q in independent_workload(book)
        ]

    assert named(BOOK) == ["length0", "static0", "static1", "turn0 now0", "turn0 now1"]
    grid = Codec(static=BOOK.static, visit=BOOK.visit[:1], max_visits=3, regular=True)
    assert named(grid) == ["static0", "static1", "turn0 now0"]
    lone = Field(name="sex", column=SEX, categories=("f", "m"))
    assert named(Codec(static=(lone,), visit=(), max_visits=0)) == ["static0"]


def test_columns_are_right_and_nothing_depends_on_anything(tmp_path):
    real = patients(20_000)
    made = fitted(real, tmp_path / "s").sample(40_000, {}, 1, quiet, CPU)
    sex, smokes = made.static.T
    assert (sex.mean(), smokes.mean()) == pytest.approx((0.5, 0.25), abs=0.015)
    # Among real people all who smoke are men.
    assert sex[smokes == 1].mean() == pytest.approx(0.5, abs=0.02)
    assert np.bincount(made.length, minlength=4) / 40_000 == pytest.approx(
        [0, 0.5, 0.5, 0], abs=0.015
    )
    assert made.length[sex == 1].mean() == pytest.approx(1.5, abs=0.02)
    first = made.visits[:, 0]
    assert np.bincount(first[:, 0]) / 40_000 == pytest.approx([0.2, 0.3, 0.5], abs=0.015)
    two = made.length == 2
    # Sleep at the second visit is always 0, as among real people; pain has forgotten the first.
    assert (made.visits[two, 1, 1] == 0).all()
    stayed = (made.visits[two, 0, 0] == made.visits[two, 1, 0]).mean()
    assert stayed == pytest.approx(0.2**2 + 0.3**2 + 0.5**2, abs=0.02)
    assert (made.visits[np.arange(3)[None] >= made.length[:, None]] == PAD).all()


def test_what_is_asked_for_is_fixed_and_moves_nothing_else(tmp_path):
    model = fitted(patients(20_000), tmp_path / "s")
    free, women = (model.sample(500, where, 1, quiet, CPU) for where in ({}, {0: 0, 1: 1}))
    assert women.static.tolist() == [[0, 1]] * 500
    np.testing.assert_array_equal(women.visits, free.visits)
    np.testing.assert_array_equal(women.length, free.length)


def test_a_visit_lost_in_the_noise_is_drawn_from_all_visits(tmp_path):
    # Nobody has a third visit. With noise of 4 patients in a cell the second is kept apart.
    model = fitted(patients(20_000), tmp_path / "s", noise=4 / 5**0.5)
    sleep = model._distributions()[-1]
    pooled = sleep[:2].T @ [0.75, 0.25]  # a second visit weighs half a patient of two visits
    assert sleep[2] == pytest.approx(pooled, abs=0.02)
    assert sleep[1, 0] > 0.97
    assert sleep[0] == pytest.approx([0.2, 0.3, 0.5], abs=0.02)
