"""The gate: patients choose between what training made and the warm start, by one answer."""

import numpy as np
import pytest
from test_fits import CPU, SCHEMAS, built, opened

from dpsynth.data.codec import PAD, Codec, Tokens, codec
from dpsynth.models import gate
from dpsynth.models.base import quiet
from dpsynth.models.gate import Gate, ask, learnt
from dpsynth.models.layout import Layout
from dpsynth.models.state import State
from dpsynth.models.table_diffusion import TableDiffusion
from dpsynth.privacy.budget import budget

SCHEMA = SCHEMAS["mixed"]
BOOK: Codec = codec(SCHEMA)


def law(stay: float, seed: int):
    """Draws records whose visits repeat the drug of the visit before with that chance."""
    rng = np.random.default_rng(seed)

    def draw(rows: int) -> Tokens:
        static = np.stack([rng.integers(0, f.size, rows) for f in BOOK.static], axis=1)
        length = rng.integers(1, BOOK.max_visits + 1, rows)
        visits = np.full((rows, BOOK.max_visits, len(BOOK.visit)), PAD)
        for turn in range(BOOK.max_visits):
            fresh = np.stack([rng.integers(0, f.size, rows) for f in BOOK.visit], axis=1)
            if turn:
                kept = rng.random(rows) < stay
                fresh[kept] = visits[kept, turn - 1]
            visits[:, turn] = fresh
        visits[np.arange(BOOK.max_visits)[None, :] >= length[:, None]] = PAD
        parts = {"static": static, "visits": visits, "length": length}
        return Tokens(**{name: part.astype(np.int16) for name, part in parts.items()})

    return draw


class Answering:
    """A door on `tokens` whose noise is given."""

    def __init__(self, tokens: Tokens, noise: float = 0.0) -> None:
        self.tokens, self.noise, self.asked = tokens, noise, []

    def measure(self, name, questions):
        self.asked.append(name)
        return [each.answer(self.tokens, BOOK) + self.noise for each in questions]


def chosen(tmp_path, *, patients: float, trained: float, warm: float, noise: float = 0.0) -> Gate:
    door = Answering(law(patients, 1)(2000), noise)
    laws = {"trained": law(trained, 2), "warm": law(warm, 3)}
    return ask(door, State(tmp_path), BOOK, total=2000.0, **laws)


def test_nearer_by_hand():
    assert Gate(patients=0.2, trained=0.3, warm=0.0).open
    assert not Gate(patients=0.1, trained=0.3, warm=0.0).open
    assert not Gate(patients=0.15, trained=0.3, warm=0.0).open  # a draw: the simpler one
    assert not Gate(patients=float("nan"), trained=0.3, warm=0.0).open


# Single columns are the same in all three laws: only transitions tell them apart. Scores of
# 2,000 have standard errors below .02 and stand .1 and more from the middle: 5 of them.
def test_a_network_that_learnt_is_kept(tmp_path):
    assert chosen(tmp_path, patients=0.8, trained=0.7, warm=0.2).open


def test_a_network_that_training_spoilt_is_not(tmp_path):
    assert not chosen(tmp_path, patients=0.8, trained=0.2, warm=0.7).open


def test_the_answer_decides_and_nothing_else(tmp_path):
    # The same patients; noise of their whole number turns the choice over.
    right = {"patients": 0.8, "trained": 0.7, "warm": 0.2}
    assert not chosen(tmp_path, **right, noise=-2000.0).open


def test_it_is_asked_once_however_often_it_is_taken_up(tmp_path):
    doors = [Answering(law(0.8, 1)(500)) for _ in range(2)]
    laws = {"trained": law(0.7, 2), "warm": law(0.2, 3)}
    found = [ask(d, State(tmp_path), BOOK, total=500.0, **laws) for d in doors]
    assert found[0] == found[1]
    assert [door.asked for door in doors] == [[gate.NAME], []]


def test_a_score_is_of_its_own_record(tmp_path):
    score = learnt(Layout.of(BOOK), law(0.8, 2)(500), law(0.2, 3)(500))
    many = law(0.5, 4)(1500)  # more than are scored at once
    whole = score(many)
    for rows in ([0], [7, 3], list(range(1400, 1500))):
        np.testing.assert_allclose(score(many.take(np.array(rows))), whole[rows], atol=1e-5)
    assert np.abs(whole).max() <= 1.0


@pytest.mark.parametrize("open_", [True, False])
def test_the_model_generates_what_the_gate_chose(open_, tmp_path):
    model = built("table-diffusion", SCHEMA)
    model.fit(opened(SCHEMA), State(tmp_path / "s"), quiet, CPU)
    model.gate = Gate(patients=float(open_), trained=1.0, warm=0.0)
    again = built("table-diffusion", SCHEMA)
    again.load(model.tensors())  # the choice is saved with the weights
    made = again.sample(200, {}, 7, quiet, CPU)
    chain = model._start.sample(200, np.random.default_rng(7))
    same = all((vars(made)[part] == vars(chain)[part]).all() for part in ("static", "visits"))
    assert same != open_


def test_it_is_in_the_plan_and_paid_for():
    promise = budget(1.0, 1e-5, 1000)
    plan = TableDiffusion.plan(SCHEMA, promise)
    share = {each.name: each.noise_multiplier**-2 for each in plan.releases}
    # A release's share of the budget goes with the inverse square of its noise.
    assert share[gate.NAME] / sum(share.values()) == pytest.approx(0.01 / 0.89)
    assert plan.training is not None


def test_the_card_says_what_was_chosen():
    kept, fell = (Gate(patients=p, trained=0.3, warm=0.0).words for p in (0.25, 0.05))
    assert kept.startswith("the network") and "0.250" in kept
    assert fell.startswith("the warm start") and "0.050" in fell
