"""Models end to end on a few patients: every shape of schema, and kills at every point."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dpsynth.data.codec import PAD, Codec, Tokens, codec
from dpsynth.data.records import Records
from dpsynth.errors import BudgetError, InputError
from dpsynth.models import MODELS, RECORD_MODELS
from dpsynth.models.base import quiet
from dpsynth.models.gate import Gate
from dpsynth.models.state import State, read_tensors, write_tensors
from dpsynth.privacy.budget import budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.ledger import durable
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import DPSGD, Plan, Release
from dpsynth.schema import Clock, Column, Label, Schema, Table

CPU = torch.device("cpu")
SMALL = {"steps": 4, "warm_steps": 2, "width": 8, "depth": 1, "save_every": 2, "batch": 8}
GAN = {
    "steps": 4, "critic_steps": 2, "generated": 16, "width": 8, "critic_width": 3, "batch": 8,
}  # fmt: skip
SETTINGS = {"table-diffusion": SMALL, "table-gan": GAN}
SETTINGS |= {"log-linear": {}, "markov": {}, "independent": {}}
SEX = Column(type="category", categories=("f", "m"), missing=False)
AGE = Column(type="number", bounds=(0, 100), bins=3)
DIED = Column(type="boolean")
PAIN = Column(type="count", bounds=(0, 4), bins=4)
DRUG = Column(type="category", categories=("a", "b", "c"), other=True)


def static(**columns: Column) -> Table:
    return Table(shape="static", key="id", columns=columns)


def visits(kind: str = "number", **columns: Column) -> Table:
    gap = None if kind == "order" else Column(type="number", bounds=(0, 30), bins=3)
    return Table(
        shape="visits", key="id", time=Clock(column="day", kind=kind, gap=gap), columns=columns
    )


def grid(**columns: Column) -> Table:
    return Table(
        shape="events",
        key="id",
        time=Clock(column="hour", unit="hours"),
        code="code",
        number="value",
        every="6h",
        span="18h",
        empty="keep",
        columns=columns,
    )


DIED_LABEL = Label(column="died", positive="true")
SCHEMAS = {
    "mixed": Schema(
        name="x",
        max_visits=3,
        label=DIED_LABEL,
        tables={"p": static(sex=SEX, age=AGE, died=DIED), "v": visits(pain=PAIN, drug=DRUG)},
    ),
    "no label": Schema(
        name="x", max_visits=3, tables={"p": static(sex=SEX), "v": visits(pain=PAIN, drug=DRUG)}
    ),
    "static only": Schema(
        name="x", label=DIED_LABEL, tables={"p": static(sex=SEX, age=AGE, died=DIED)}
    ),
    "visits only": Schema(name="x", max_visits=3, tables={"v": visits("order", drug=DRUG)}),
    "regular grid": Schema(
        name="x", label=DIED_LABEL, tables={"p": static(died=DIED), "e": grid(pain=PAIN)}
    ),
    "grid only": Schema(name="x", tables={"e": grid(pain=PAIN)}),
    "one column": Schema(name="x", tables={"p": static(sex=SEX)}),
    "one label": Schema(name="x", label=DIED_LABEL, tables={"p": static(died=DIED)}),
    "one visit": Schema(
        name="x",
        max_visits=1,
        label=DIED_LABEL,
        tables={"p": static(died=DIED), "v": visits(pain=PAIN)},
    ),
}
PLAN = Plan(
    epsilon=5.0,
    delta=1e-3,
    population=40,
    releases=tuple(
        Release(name=name, noise_multiplier=2.0) for name in ("tables", "moments", "label", "gate")
    ),
    training=DPSGD(
        noise_multiplier=1.0, clip_norm=1.0, sample_rate=0.2, expected_batch=8.0, steps=4, views=2
    ),
)


def patients(book: Codec, n: int = 40) -> Records:
    """Records of random codes."""
    rng = np.random.default_rng(3)
    length = rng.integers(0, book.max_visits + 1, n)
    if book.regular:
        length[:] = book.max_visits
    facts = [rng.integers(0, f.size, n) for f in book.static]
    seen = np.full((n, book.max_visits, len(book.visit)), PAD)
    for place, each in enumerate(book.visit):
        codes = rng.integers(0, each.size, (n, book.max_visits))
        seen[..., place] = np.where(np.arange(book.max_visits)[None] < length[:, None], codes, PAD)
    tokens = Tokens(
        static=np.array(facts, dtype=np.int16).reshape(len(book.static), n).T,
        visits=seen.astype(np.int16),
        length=length.astype(np.int16),
    )
    return book.decode(tokens, rng)


def opened(schema: Schema, randomness=None, **spent) -> Door:
    book = codec(schema)
    door = Door(patients(book), plan=PLAN, randomness=randomness or CryptoStream(), **spent)
    door.use(book)
    return door


def built(name: str, schema: Schema):
    return MODELS[name](schema, codec(schema), PLAN, **SETTINGS[name])


def check(tokens: Tokens, book: Codec, n: int) -> None:
    assert len(tokens) == n
    assert tokens.static.shape == (n, len(book.static))
    assert tokens.visits.shape == (n, book.max_visits, len(book.visit))
    inside = np.arange(book.max_visits)[None] < tokens.length[:, None]
    assert (tokens.visits[~inside] == PAD).all()
    for place, each in enumerate(book.static):
        assert set(tokens.static[:, place]) <= set(range(each.size))
    for place, each in enumerate(book.visit):
        assert set(tokens.visits[inside][:, place]) <= set(range(each.size))
    if book.regular:
        assert (tokens.length == book.max_visits).all()
    book.decode(tokens, np.random.default_rng(0))


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@pytest.mark.parametrize("name", RECORD_MODELS)
def test_a_model_fits_samples_and_comes_back(name, schema, tmp_path):
    model, book = built(name, schema), codec(schema)
    told = []
    model.fit(opened(schema), State(tmp_path / "s"), lambda *step: told.append(step), CPU)
    assert told[-1][1] == told[-1][2]
    made = model.sample(30, {}, 7, quiet, CPU)
    check(made, book, 30)
    check(model.sample(0, {}, 7, quiet, CPU), book, 0)
    write_tensors(tmp_path / "model.safetensors", model.tensors())
    again = built(name, schema)
    again.load(read_tensors(tmp_path / "model.safetensors"))
    same, different = (vars(again.sample(30, {}, seed, quiet, CPU)) for seed in (7, 8))
    for part, codes in vars(made).items():
        np.testing.assert_array_equal(codes, same[part])
    assert any((codes != different[part]).any() for part, codes in vars(made).items())


@pytest.mark.parametrize("name", RECORD_MODELS)
def test_what_is_asked_for_is_in_every_synthetic_patient(name, tmp_path):
    schema = SCHEMAS["mixed"]
    model = built(name, schema)
    model.fit(opened(schema), State(tmp_path / "s"), quiet, CPU)
    for where in ({0: 1}, {2: 1}, {0: 0, 1: 3, 2: 0}):
        made = model.sample(60, where, 7, quiet, CPU)
        check(made, codec(schema), 60)
        for place, code in where.items():
            assert (made.static[:, place] == code).all()


def test_large_copies_are_made_in_chunks(tmp_path):
    schema = SCHEMAS["static only"]
    model = built("table-diffusion", schema)
    model.fit(opened(schema), State(tmp_path / "s"), quiet, CPU)
    model.gate = Gate(patients=1.0, trained=1.0, warm=0.0)  # the network's, not the chain's
    told = []
    made = model.sample(25, {}, 7, lambda *step: told.append(step), CPU, chunk=10)
    check(made, codec(schema), 25)
    assert told == [("generating", 10, 25), ("generating", 20, 25), ("generating", 25, 25)]


class Killed(BaseException):
    """As by a signal: nothing catches it."""


class Counting(CryptoStream):
    """Counts steps that the door has begun to answer."""

    steps = 0

    def join(self, patients: int, rate: float) -> np.ndarray:
        Counting.steps += 1
        return super().join(patients, rate)


def killed_at(point: str, turn: int, monkeypatch) -> None:
    """Die at the turn-th pass of a point of training."""
    where, name = {
        "before it is written": (State, "asking"),
        "before it is asked": (Door, "step"),
        "before it is learnt": (torch.optim.Adam, "step"),
        "before it is saved": (State, "checkpoint"),
        "while it is saved": (durable, "replace"),
    }[point]
    original, left = getattr(where, name), [turn]

    def dying(*args, **more):
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return original(*args, **more)

    monkeypatch.setattr(where, name, dying)


POINTS = [
    "before it is written",
    "before it is asked",
    "before it is learnt",
    "before it is saved",
    "while it is saved",
]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("turns", [(1, 1), (2, 3), (3, 1, 1)])
def test_a_killed_run_never_asks_more_than_its_plan(point, turns, tmp_path, monkeypatch):
    schema = SCHEMAS["mixed"]
    Counting.steps = 0
    for turn in (*turns, 10**9):
        state = State(tmp_path / "s")
        spent = ["tables"] if state.holds("tables") else []
        door = opened(schema, Counting(), steps_spent=state.asked, spent=spent)
        model = built("table-diffusion", schema)
        with monkeypatch.context() as broken:
            killed_at(point, turn, broken)
            try:
                model.fit(door, state, quiet, CPU)
            except Killed:
                # Whatever was answered is on the disk as asked.
                assert State(tmp_path / "s").asked >= Counting.steps
                continue
        break
    assert Counting.steps <= PLAN.training.steps
    assert State(tmp_path / "s").asked == PLAN.training.steps
    assert State(tmp_path / "s").lost <= PLAN.training.steps
    check(model.sample(20, {}, 7, quiet, CPU), codec(schema), 20)


def test_lost_steps_are_dropped_and_counted(tmp_path, monkeypatch):
    schema = SCHEMAS["mixed"]
    with monkeypatch.context() as broken:
        killed_at("before it is learnt", 4, broken)  # the third of training: two are saved
        with pytest.raises(Killed):
            built("table-diffusion", schema).fit(opened(schema), State(tmp_path / "s"), quiet, CPU)
    state = State(tmp_path / "s")
    saved = state.restore()[1]
    assert state.asked > saved
    assert state.lost == state.asked - saved
    door = opened(schema, steps_spent=state.asked, spent=["tables", "moments", "label"])
    assert door.steps_left == PLAN.training.steps - state.asked
    built("table-diffusion", schema).fit(door, state, quiet, CPU)
    assert door.steps_left == 0
    with pytest.raises(BudgetError):
        built("table-diffusion", schema).fit(door, State(tmp_path / "again"), quiet, CPU)


def test_no_state_of_a_generator_is_written(tmp_path):
    # Every file is a function of released answers: names say what is in them.
    schema = SCHEMAS["mixed"]
    state, model = State(tmp_path / "s"), built("table-diffusion", schema)
    model.fit(opened(schema), state, quiet, CPU)
    files = sorted(path.name for path in Path(tmp_path / "s").iterdir())
    answers = [f"{name}.safetensors" for name in ("gate", "label", "moments", "tables")]
    assert files == ["asked.jsonl", "checkpoint.safetensors", *answers]
    held = read_tensors(tmp_path / "s" / "checkpoint.safetensors")
    kinds = {name.split(".")[0] for name in held}
    assert kinds == {"net", "kept", "adam", "checkpoint"}
    weights = {f"{kind}.{name}" for kind in ("net", "kept") for name in model.net.state_dict()}
    assert {n for n in held if n.startswith(("net.", "kept."))} == weights
    moments = {name.split(".")[2] for name in held if name.startswith("adam.")}
    assert moments == {"step", "exp_avg", "exp_avg_sq"}
    assert set((tmp_path / "s" / "asked.jsonl").read_text()) <= set('{"step": 0123}\n')


@pytest.mark.parametrize("name", RECORD_MODELS)
def test_the_plan_follows_from_public_facts_alone(name):
    schema = SCHEMAS["static only"]
    plan = MODELS[name].plan(schema, budget(0.3, None, 400), 0.1, **SETTINGS[name])
    assert (plan.epsilon, plan.count_epsilon, plan.population) == (0.3, 0.1, 400)
    assert plan.releases[0].name == "tables"
    if plan.training is not None:
        assert plan.training.sample_rate == 8 / 400
        assert plan.training.expected_batch == 8.0


def test_a_batch_larger_than_the_population_takes_everybody():
    schema = SCHEMAS["one column"]
    plan = MODELS["table-diffusion"].plan(
        schema, budget(0.5, None, 5), 0.0, **(SMALL | {"steps": 2, "batch": 64})
    )
    assert (plan.training.sample_rate, plan.training.expected_batch) == (1.0, 5.0)


def test_private_columns_are_planned_for():
    private = {
        "age": Column(type="number", private=True),
        "ward": Column(type="category", private=True),
    }
    schema = Schema(name="x", tables={"p": static(sex=SEX, **private)})
    plan = MODELS["markov"].plan(schema, budget(0.5, 1e-5, 400), 0.0)
    assert [r.name for r in plan.releases] == ["bounds", "categories", "tables"]
    assert [r.threshold_delta for r in plan.releases] == pytest.approx([0, 1e-6, 0])


@pytest.mark.parametrize("name", RECORD_MODELS)
def test_an_unknown_setting_is_refused_by_name(name):
    schema = SCHEMAS["one column"]
    with pytest.raises(InputError, match="colour"):
        MODELS[name](schema, codec(schema), PLAN, colour=3)
