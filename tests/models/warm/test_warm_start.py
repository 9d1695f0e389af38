"""Three releases and what follows from them: asked once, saved, and drawn from alike."""

import numpy as np
import pytest
from few_columns import (
    ABC,
    DIED,
    PAIN,
    SEX,
    Answering,
    check,
    fitted,
    patients,
    plan,
    quick,
    schema,
)

from dpsynth.data.codec import Tokens, codec
from dpsynth.errors import BudgetError
from dpsynth.models.base import quiet
from dpsynth.models.state import State
from dpsynth.models.warm import WarmStart, start
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.query import Query, Slot

FACTS, VISIT = {"sex": SEX, "ward": ABC, "died": DIED}, {"drug": ABC, "pain": PAIN}
STATIC = schema(FACTS, VISIT, "died")
LATE = schema({"sex": SEX}, {"drug": ABC, "died": DIED}, "died")
NONE = schema({"sex": SEX}, VISIT)
RARE = 2  # the class of `ward` that few have


def world(count: int, seed: int, rare: float = 0.1) -> Tokens:
    """Death follows the last pain; ward 2 is rare, and its patients are women in less pain."""
    rng = np.random.default_rng(seed)
    ward = rng.choice(3, p=[0.6, 0.4 - rare, rare], size=count)
    sex = (rng.random(count) < np.where(ward == RARE, 0.2, 0.6)).astype(np.int16)

    def visit(turn, now, rng):
        pain = np.clip(rng.integers(0, 4, count) - (ward == RARE), 0, 3)
        return np.stack([rng.integers(0, 3, count), pain], axis=1)

    made = patients(codec(STATIC), count, seed, visit)
    last = made.visits[np.arange(count), np.maximum(made.length - 1, 0), 1]
    died = rng.random(count) < 1 / (1 + np.exp(1.5 - last))
    return Tokens(
        static=np.stack([sex, ward, died], axis=1).astype(np.int16),
        visits=made.visits,
        length=made.length,
    )


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def test_shares_of_the_budget_add_up():
    for seen, names in ((STATIC, 3), (LATE, 3), (NONE, 2)):
        releases = WarmStart.releases(seen, 0.8)
        assert len(releases) == names
        assert sum(share for _, share in releases) == pytest.approx(0.8)
    assert dict(WarmStart.releases(NONE, 0.9))["tables"] == pytest.approx(0.6)


class Killed(BaseException):
    """As by a signal: nothing catches it."""


class Dying(State):
    """Dies once it has saved that many answers."""

    left = 10**9

    def once(self, name, ask):
        found = super().once(name, ask)
        self.left -= 1
        if not self.left:
            raise Killed
        return found


class Refusing(Answering):
    """Answers what has not been answered, and fails on the rest."""

    spent: tuple[str, ...] = ()

    def measure(self, name, questions):
        assert name not in self.spent
        return super().measure(name, questions)


KILLS = [
    (STATIC, 1),
    (STATIC, 2),
    (STATIC, 3),
    (LATE, 1),
    (LATE, 2),
    (LATE, 3),
    (NONE, 1),
    (NONE, 2),
]


@pytest.mark.parametrize(("seen", "answered"), KILLS)
def test_a_killed_fit_goes_on_from_what_was_answered(seen, answered, tmp_path, monkeypatch):
    quick(monkeypatch)
    names = [name for name, _ in WarmStart.releases(seen, 1.0)]
    book = codec(seen)
    tokens = patients(book, 200)
    whole = WarmStart(seen, book, plan(1.0))
    whole.fit(Answering(tokens, book, 1.0), State(tmp_path / "whole"), quiet)
    state = Dying(tmp_path / "killed")
    state.left = answered
    with pytest.raises(Killed):
        WarmStart(seen, book, plan(1.0)).fit(Answering(tokens, book, 1.0), state, quiet)
    saved = {path.name: path.read_bytes() for path in (tmp_path / "killed").iterdir()}
    assert sorted(saved) == sorted(f"{name}.safetensors" for name in names[:answered])
    door = Refusing(tokens, book, 1.0)
    door.spent = tuple(names[:answered])
    again = WarmStart(seen, book, plan(1.0))
    again.fit(door, State(tmp_path / "killed"), quiet)
    assert door.asked == names[answered:]
    same(whole.arrays(), again.arrays())
    for path in (tmp_path / "whole").iterdir():
        kept = (tmp_path / "killed" / path.name).read_bytes()
        assert kept == path.read_bytes() == saved.get(path.name, kept)


def test_the_real_door_is_asked_for_each_release_once(tmp_path, monkeypatch):
    quick(monkeypatch)
    book = codec(STATIC)
    records = book.decode(world(100, 0), np.random.default_rng(0))
    door = Door(records, plan=plan(1.0), randomness=CryptoStream())
    door.use(book)
    WarmStart(STATIC, book, plan(1.0)).fit(door, State(tmp_path / "a"), quiet)
    with pytest.raises(BudgetError):
        WarmStart(STATIC, book, plan(1.0)).fit(door, State(tmp_path / "b"), quiet)


@pytest.mark.parametrize("seen", [STATIC, LATE, NONE], ids=["static label", "late label", "none"])
def test_saved_and_taken_up_it_draws_the_same(seen, tmp_path, monkeypatch):
    quick(monkeypatch)
    book = codec(seen)
    one = fitted(seen, patients(book, 300), tmp_path, noise=1.0)
    other = WarmStart(seen, book, plan(1.0))
    other.take_up({name: value.copy() for name, value in one.arrays().items()})
    same(one.arrays(), other.arrays())
    for where in ({}, {0: 1}, {len(book.static) - 1: 1}):
        pair = [each.sample(100, np.random.default_rng(3), where) for each in (one, other)]
        same(*(vars(each) for each in pair))
        check(pair[0], book, 100)


def law(tokens: Tokens, book) -> list[np.ndarray]:
    """Distributions of facts and visits."""
    slots = [(Slot("static", 0),), (Slot("length"),), (Slot("now", 1),), (Slot("last", 1),)]
    found = [Query(each).answer(tokens, book) for each in slots]
    return [each / each.sum() for each in found]


@pytest.mark.parametrize("rare", [0.2, 0.01])
def test_a_label_asked_for_leaves_the_law_of_the_rest(rare, tmp_path, monkeypatch):
    # The label is the ward. What is drawn given it is what free samples with it are like, and
    # the rare ward takes few rounds: at the rate at which it comes by itself, a hundred.
    monkeypatch.setattr(start, "TRIES", 12)
    seen = schema(FACTS, VISIT, "ward")
    book = codec(seen)
    model = fitted(seen, world(8000, 0, rare), tmp_path)
    free = model.sample(60_000, np.random.default_rng(1))
    with_it = free.take(np.flatnonzero(free.static[:, 1] == RARE))
    assert len(with_it) / len(free) == pytest.approx(rare, rel=0.35)
    asked = model.sample(2000, np.random.default_rng(2), {1: RARE})
    assert (asked.static[:, 1] == RARE).all()
    far = []
    for one, other, all_ in zip(*(law(each, book) for each in (asked, with_it, free)), strict=True):
        assert np.abs(one - other).sum() / 2 < 0.03 + 1.5 / len(with_it) ** 0.5
        far.append(np.abs(all_ - other).sum() / 2)
    assert max(far) > 0.2  # the control: the rest does depend on the ward
    women = model.sample(300, np.random.default_rng(2), {0: 0, 1: RARE})
    assert (women.static[:, :2] == [0, RARE]).all()


@pytest.mark.parametrize("tries", [0, 2])
def test_a_label_that_nobody_has_is_still_given(tries, tmp_path, monkeypatch):
    quick(monkeypatch)
    monkeypatch.setattr(start, "TRIES", tries)
    seen = schema(FACTS, VISIT, "ward")
    model = fitted(seen, world(3000, 0, 0.0), tmp_path)
    made = model.sample(1500, np.random.default_rng(0), {1: RARE})
    check(made, codec(seen), 1500)
    assert (made.static[:, 1] == RARE).all()
    check(model.sample(0, np.random.default_rng(0), {1: RARE}), codec(seen), 0)


def test_the_label_follows_the_record(tmp_path):
    truth = world(8000, 0)
    made = fitted(STATIC, truth, tmp_path).sample(8000, np.random.default_rng(0))

    def gap(tokens: Tokens) -> float:
        here = tokens.length > 0
        last = tokens.visits[here, tokens.length[here] - 1, 1]
        died = tokens.static[here, 2]
        return float(died[last == 3].mean() - died[last == 0].mean())

    assert gap(truth) > 0.5
    assert gap(made) == pytest.approx(gap(truth), abs=0.12)
    assert made.static[:, 2].mean() == pytest.approx(truth.static[:, 2].mean(), abs=0.03)
