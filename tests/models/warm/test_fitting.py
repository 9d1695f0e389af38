"""Fitting by simulation: what was measured comes back, for every shape of record."""

import numpy as np
import pytest
from few_columns import (
    ABC,
    DIED,
    MANY,
    PAIN,
    SEX,
    Answering,
    check,
    fitted,
    grid,
    patients,
    plan,
    schema,
)

from dpsynth.data.codec import Tokens, codec
from dpsynth.models.base import quiet
from dpsynth.models.state import State
from dpsynth.models.warm import WarmStart, start
from dpsynth.models.warm import fitting as fitting_module
from dpsynth.models.warm.questions import transitions
from dpsynth.privacy.moments import VisitMoments
from dpsynth.privacy.query import Query, Slot

PATIENTS = 6000


def related(turn: int, now: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Drug stays in .8 of visits; each drug has a slope of its own along the ranks of pain."""
    size = len(now)
    stays = (rng.random(size) < 0.8) & (turn > 0)
    drug = np.where(stays, now[:, 0], rng.choice(3, p=[0.6, 0.3, 0.1], size=size))
    logits = np.array([-1.5, 0.5, 2.5])[drug, None] * np.linspace(-1, 1, 4)
    pain = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return np.stack([drug, pain], axis=1)


def distance(query: Query, one: Tokens, other: Tokens, book) -> float:
    """Total variation between two tables of the same kind."""
    a, b = (query.answer(tokens, book) for tokens in (one, other))
    return float(np.abs(a / a.sum() - b / b.sum()).sum() / 2)


PAIR = Query((Slot("now", 0), Slot("now", 1)))
STEPS = [Query((Slot("now", j), Slot("next", j))) for j in (0, 1)]
WORLD = schema({"sex": SEX}, {"drug": ABC, "pain": PAIN})
REGULAR = grid({"drug": ABC, "pain": PAIN}, {"sex": SEX})


@pytest.mark.parametrize("seen", [WORLD, REGULAR], ids=["irregular, 0 to 5 visits", "grid"])
def test_pairs_transitions_and_columns_come_back(seen, tmp_path, monkeypatch):
    book = codec(seen)
    truth = patients(book, PATIENTS, 0, related)
    made = fitted(seen, truth, tmp_path).sample(PATIENTS, np.random.default_rng(0))
    check(made, book, PATIENTS)
    monkeypatch.setattr(start, "ROUNDS", 0)
    loose = fitted(seen, truth, tmp_path / "loose").sample(PATIENTS, np.random.default_rng(0))
    for query in STEPS:
        assert distance(query, truth, made, book) < 0.05
    assert distance(PAIR, truth, made, book) < 0.05
    assert distance(PAIR, truth, loose, book) > 0.15  # the control: columns on their own
    for slots in ((Slot("static", 0),), (Slot("length"),), (Slot("now", 0),), (Slot("now", 1),)):
        assert distance(Query(slots), truth, made, book) < 0.03


@pytest.mark.parametrize("seen", [WORLD, REGULAR], ids=["irregular", "grid"])
def test_simulated_moments_approach_what_was_measured(seen, tmp_path):
    book = codec(seen)
    truth = patients(book, PATIENTS, 0, related)
    model = fitted(seen, truth, tmp_path)
    scores = model._chain.scores
    asked = VisitMoments(scores=scores, clip=sum(scores.widths) ** 0.5)
    cross = _between(scores, 0, 1)

    def slope(tokens: Tokens) -> float:
        wanted, found = (asked.answer(each, book)[cross] for each in (truth, tokens))
        return float((wanted * found).sum() / (wanted**2).sum())

    assert 0.85 < slope(model.sample(PATIENTS, np.random.default_rng(0))) < 1.1
    loose = start.started(book, model._tables, scores, None)  # the control: columns on their own
    assert abs(slope(loose.sample(PATIENTS, np.random.default_rng(0)))) < 0.1


def _between(scores, one: int, other: int):
    """Where the moments of two visit columns' scores stand."""
    ends = np.cumsum([sum(scores.widths[:2]), *(t.shape[1] for t in scores.visit)])
    return np.ix_(range(ends[one], ends[one + 1]), range(ends[other], ends[other + 1]))


def lagging(turn: int, now: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Died (column 1) follows the drug of the visit before, which is drawn afresh each time."""
    size = len(now)
    drug = rng.integers(0, 3, size)
    chance = np.where(now[:, 0] == 0, 0.1, 0.8) if turn else np.full(size, 0.5)
    return np.stack([drug, rng.random(size) < chance], axis=1).astype(np.int64)


def told(tokens: Tokens) -> float:
    """How much likelier an outcome is where the drug before was not the first one."""
    pairs = (np.arange(4)[None] + 1) < tokens.length[:, None]
    before, after = tokens.visits[:, :-1, 0][pairs], tokens.visits[:, 1:, 1][pairs]
    return float(after[before > 0].mean() - after[before == 0].mean())


def test_a_label_among_visits_follows_what_was_known_before(tmp_path):
    columns = {"drug": ABC, "died": DIED}
    seen, silent = schema({}, columns, "died"), schema({}, columns)
    truth = patients(codec(seen), PATIENTS, 0, lagging)
    assert told(truth) == pytest.approx(0.7, abs=0.03)
    made, without = (
        fitted(each, truth, tmp_path / name).sample(PATIENTS, np.random.default_rng(0))
        for each, name in ((seen, "with"), (silent, "without"))
    )
    assert told(made) > 0.5
    assert abs(told(without)) < 0.15  # nothing but the lag says so


SHAPES = {
    "static only": schema({"sex": SEX, "died": DIED, "ward": ABC}, {}, "died"),
    "one fact": schema({"sex": SEX}, {}),
    "one visit": schema({"sex": SEX, "died": DIED}, {"drug": ABC, "pain": PAIN}, "died", visits=1),
    "no facts": schema({}, {"drug": ABC, "pain": PAIN}),
    "no label": WORLD,
    "a label of three classes": schema({"ward": ABC, "sex": SEX}, {"pain": PAIN}, "ward"),
    "a label among visits": schema({"sex": SEX}, {"drug": ABC, "died": DIED}, "died"),
    "a label alone among visits": schema({}, {"died": DIED}, "died", visits=1),
    "many codes": schema({"area": MANY, "died": DIED}, {"code": MANY, "pain": PAIN}, "died"),
    "a grid": REGULAR,
    "a grid of one window": grid({"pain": PAIN}, span="6h"),
}


@pytest.mark.parametrize("noise", [1e-9, 1.0, 400.0], ids=["none", "some", "epsilon .01"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [0, 1, 300])
def test_every_shape_of_record_fits_whatever_the_noise(shape, noise, count, tmp_path, monkeypatch):
    monkeypatch.setattr(start, "ROUNDS", 5)
    monkeypatch.setattr(start, "SUMMARIES", 200)
    monkeypatch.setattr(fitting_module, "PATIENTS", 200)
    book = codec(SHAPES[shape])
    model = WarmStart(SHAPES[shape], book, plan(noise))
    model.fit(Answering(patients(book, count), book, noise), State(tmp_path), quiet)
    for name, value in model.arrays().items():
        assert np.isfinite(value).all(), name
    check(model.sample(100, np.random.default_rng(0)), book, 100)
    for place, field in enumerate(book.static):
        made = model.sample(20, np.random.default_rng(0), {place: field.size - 1})
        check(made, book, 20)
        assert (made.static[:, place] == field.size - 1).all()


@pytest.mark.parametrize("seed", range(6))
def test_noise_far_beyond_the_signal_is_not_taken_for_structure(seed, tmp_path, monkeypatch):
    # Epsilon .01 on 100 patients, some of whom seem to be none at all: however small the noisy
    # total that moments are divided by, what is left is a chain near its own tables.
    monkeypatch.setattr(fitting_module, "PATIENTS", 500)
    book = codec(WORLD)
    model = WarmStart(WORLD, book, plan(400.0))
    model.fit(Answering(patients(book, 100, 0, related), book, 400.0, seed), State(tmp_path), quiet)
    assert max(np.abs(w).max() for w in model._chain.weights) < 1.0
    check(model.sample(50, np.random.default_rng(0)), book, 50)


def test_a_column_that_is_always_missing_stays_missing(tmp_path):
    def visit(turn, now, rng):
        return np.stack([rng.integers(0, 3, len(now)), np.full(len(now), 4)], axis=1)

    book = codec(WORLD)
    model = fitted(WORLD, patients(book, 2000, 0, visit), tmp_path)
    made = model.sample(2000, np.random.default_rng(0))
    assert (made.visits[made.inside][:, 1] == 4).mean() > 0.995


def test_counting_chances_is_counting_draws_with_less_noise(tmp_path):
    book = codec(WORLD)
    chain = fitted(WORLD, patients(book, 2000, 0, related), tmp_path)._chain
    steps = transitions(book)

    def counts(seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        made = chain.sample(1500, np.random.default_rng(seed))
        exact = steps.split(steps.answer(made, book), book)
        return fitting_module.expected(book, steps, made, chain.chances(made))[0], exact

    chances, draws = zip(*(counts(seed) for seed in range(20)), strict=True)
    for j in range(2):
        one, other = (np.array([each[j] for each in found]) for found in (chances, draws))
        error = other.std(axis=0) / 20**0.5
        assert (np.abs(one.mean(axis=0) - other.mean(axis=0)) < 5 * error + 1).all()
        assert one.std(axis=0).mean() < 0.9 * other.std(axis=0).mean()


def test_what_follows_from_others_is_hardly_open():
    # Chances .5 for all: all of a code's variance is open. Each 0 or 1: none. Half of each: half.
    even = np.full((4, 2), 0.5)
    sure = np.array([[1.0, 0.0], [0.0, 1.0]] * 2)
    for rows, left in ((even, 1.0), (sure, 0.1), (np.concatenate([even, sure]), 0.5)):
        sums = rows.sum(axis=0)[None], (rows**2).sum(axis=0)[None]
        np.testing.assert_allclose(fitting_module.still_open(*sums), [[left, left]])
