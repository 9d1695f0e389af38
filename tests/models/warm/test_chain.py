"""A chain whose law is known: samples follow it, with facts fixed or free."""

import itertools

import numpy as np
import pytest
from few_columns import ABC, SEX, check, schema
from scipy import stats

from dpsynth.data.codec import codec
from dpsynth.models.warm.chain import Chain, drawn
from dpsynth.models.warm.visit_label import VisitLabel
from dpsynth.privacy.moments import LabelMoments
from dpsynth.privacy.scores import Scores

ALARM = 1e-6
BOOK = codec(schema({"sex": SEX, "ward": SEX}, {"drug": ABC, "pain": SEX}, visits=2))
SCORES = Scores(
    static=(np.array([[-1.0], [1.0]]), np.array([[0.0], [1.0]]), np.arange(3.0)[:, None]),
    turn=np.array([[[0.0], [0.0]], [[-1.0], [0.0]], [[0.0], [1.0]]]),  # other where visits are few
    visit=(np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [1.0]])),
    blank=(-1, -1),
    counted=True,
    scale=np.ones(6),
)
THREE = float(np.log(3.0))


def follows(counts: np.ndarray, law: np.ndarray) -> None:
    """Chi-square at the false-alarm rate; what is impossible never comes."""
    assert not counts[law == 0].any()
    possible = law > 0
    assert law.sum() == pytest.approx(1.0)
    assert stats.chisquare(counts[possible], counts.sum() * law[possible]).pvalue > ALARM


def counted(codes: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(codes.astype(int), minlength=size)


def by_hand(late: int | None = None) -> Chain:
    """Women .2; wards even, odds 3 for men and 1/3 for women; 1 or 2 visits, the latter in .25."""
    chain = Chain.blank(BOOK, SCORES, late)
    chain.static = [
        np.log([0.2, 0.8]),
        np.zeros(2),
        np.array([-np.inf, np.log(0.75), np.log(0.25)]),
    ]
    chain.static_weights[1][0, 0] = THREE
    return chain


def test_a_blank_chain_is_uniform_and_its_visits_end():
    made = Chain.blank(BOOK, SCORES, None).sample(3000, np.random.default_rng(0))
    check(made, BOOK, 3000)
    follows(counted(made.length, 3), np.full(3, 1 / 3))
    follows(counted(made.static[:, 0], 2), np.full(2, 1 / 2))
    cells = counted(3 * made.visits[made.length > 0, 0, 1] + made.visits[made.length > 0, 0, 0], 6)
    follows(cells, np.full(6, 1 / 6))


def test_facts_follow_tables_and_weights():
    # p(sex) = .2, .8; p(ward 1 | sex) = 1/4, 3/4.
    static, length = by_hand().facts(20_000, np.random.default_rng(1), {})
    law = np.array([0.2 * 0.75, 0.2 * 0.25, 0.8 * 0.25, 0.8 * 0.75])
    follows(counted(2 * static[:, 0] + static[:, 1], 4), law)
    follows(counted(length, 3), np.array([0.0, 0.75, 0.25]))


def test_facts_asked_for_leave_the_law_of_the_others():
    # Bayes: men given ward 1: .8 * .75 / (.8 * .75 + .2 * .25) = 12 / 13; ward 0: 4 / 7.
    for ward, law in ((1, [1 / 13, 12 / 13]), (0, [3 / 7, 4 / 7])):
        made = by_hand().sample(4000, np.random.default_rng(2), {1: ward})
        check(made, BOOK, 4000)
        assert (made.static[:, 1] == ward).all()
        # Resampled from 4 candidates each, so more variable than independent draws.
        men = (made.static[:, 0] == 1).mean()
        assert men == pytest.approx(law[1], abs=0.05)
        assert (made.length == 2).mean() == pytest.approx(0.25, abs=0.05)
    # An earlier fact that is fixed needs no weighing: women have ward 1 in a quarter.
    made = by_hand().sample(4000, np.random.default_rng(3), {0: 0})
    assert made.static[:, 1].mean() == pytest.approx(0.25, abs=0.05)
    both = by_hand().sample(500, np.random.default_rng(3), {0: 0, 1: 1})
    assert both.static.tolist() == [[0, 1]] * 500


def test_without_weighing_the_law_would_be_another():
    # Power of the test above: taking facts as they come gives men .8 whatever the ward.
    chain = by_hand()
    chain.static_weights[1][0, 0] = 0.0
    made = chain.sample(4000, np.random.default_rng(2), {1: 1})
    assert abs((made.static[:, 0] == 1).mean() - 12 / 13) > 0.08


def probability(chain: Chain, static: tuple, visits: tuple) -> float:
    """p(visits | facts) of the law as the docstring of `Chain` states it, code by code."""
    facts = np.concatenate([SCORES.static[i][c] for i, c in enumerate((*static, len(visits)))])
    found, last = 1.0, (0, 0)
    for turn, codes in enumerate(visits):
        known = np.zeros(chain.weights[0].shape[1])
        known[:3], known[3] = facts, SCORES.turn[len(visits), turn, 0]
        for j in chain.order:
            own = chain.step[j][last[j]] if turn else chain.first[j]
            logits = own + chain.turn[j][turn] + SCORES.visit[j] @ chain.weights[j] @ known
            found *= np.exp(logits[codes[j]]) / np.exp(logits).sum()
            known[4 + j] = SCORES.visit[j][codes[j], 0]
        last = codes
    return float(found)


@pytest.mark.parametrize("late", [None, 0, 1])
def test_whole_records_follow_the_law(late):
    rng = np.random.default_rng(4)
    chain = Chain.blank(BOOK, SCORES, late)
    for name in ("first", "step", "turn", "weights"):
        setattr(chain, name, [rng.normal(size=a.shape) * 0.7 for a in getattr(chain, name)])
    made = chain.sample(60_000, np.random.default_rng(5), {0: 1, 1: 0})
    two = made.take(np.flatnonzero(made.length == 2))
    cells = list(itertools.product(range(3), range(2)))
    law = np.array([probability(chain, (1, 0), each) for each in itertools.product(cells, cells)])
    place = 2 * two.visits[..., 0].astype(int) + two.visits[..., 1]
    follows(counted(6 * place[:, 0] + place[:, 1], 36), law)
    alone = made.take(np.flatnonzero(made.length == 1))
    first = np.array([probability(chain, (1, 0), (each,)) for each in cells])
    follows(counted(2 * alone.visits[:, 0, 0].astype(int) + alone.visits[:, 0, 1], 6), first)


def test_chances_are_those_that_codes_were_drawn_with():
    rng = np.random.default_rng(4)
    chain = Chain.blank(BOOK, SCORES, None)
    for name in ("first", "step", "turn"):
        setattr(chain, name, [rng.normal(size=a.shape) * 0.7 for a in getattr(chain, name)])
    chain.weights[1][0] = rng.normal(size=6) * [1, 1, 1, 1, 1, 0]  # pain sees the drug, not itself
    made = chain.sample(60_000, np.random.default_rng(5))
    patient, turn = np.nonzero(made.inside)
    for j, chance in enumerate(chain.chances(made)):
        drawn_ = np.eye(chance.shape[1])[made.visits[patient, turn, j]]
        np.testing.assert_allclose(chance.sum(axis=1), 1.0)
        # In each group that one chance tells apart, codes come as often as it says.
        for group in (turn == 0, turn == 1, made.static[patient, 0] == 1):
            np.testing.assert_allclose(
                drawn_[group].mean(axis=0), chance[group].mean(axis=0), atol=0.012
            )


def labelled(weights: np.ndarray) -> Chain:
    """Pain is a label: what was known of it is drug now and before, and pain before."""
    chain = Chain.blank(BOOK, SCORES, late=1)
    # Facts 3, turn 1, drug now, first, pain before, drug before.
    asked = LabelMoments(
        scores=SCORES, field=1, centre=np.zeros(8), whiten=np.eye(8), clip=(9.0, 99.0)
    )
    chain.label = VisitLabel(asked=asked, weights=weights[None], bias=np.zeros(2))
    return chain


@pytest.mark.parametrize(("place", "column"), [(6, 1), (7, 0)])
def test_a_label_sees_what_was_known_before(place, column):
    # Logit 100 x (pain or drug before) - 50 at second visits, 50 at first ones.
    weights = np.zeros(8)
    weights[[5, place]] = 100.0
    chain = labelled(weights)
    chain.label.bias = np.array([50.0, 0.0])
    chain.static[2] = np.array([-np.inf, -np.inf, 0.0])
    chain.first[1] = np.array([0.0, -50.0])  # even at first visits
    made = chain.sample(3000, np.random.default_rng(6))
    assert 0.4 < made.visits[:, 0, 1].mean() < 0.6
    np.testing.assert_array_equal(made.visits[:, 1, 1] > 0, made.visits[:, 0, column] > 0)
    # Drawn again, the law is the same and the rest stays.
    before = made.visits.copy()
    chain.relabel(made, np.random.default_rng(7))
    np.testing.assert_array_equal(made.visits[..., 0], before[..., 0])
    assert (made.visits[:, 0, 1] != before[:, 0, 1]).mean() > 0.4
    np.testing.assert_array_equal(made.visits[:, 1, 1] > 0, made.visits[:, 0, column] > 0)


def test_saved_and_taken_up_a_chain_draws_the_same():
    rng = np.random.default_rng(7)
    chain = by_hand()
    chain.step = [rng.normal(size=a.shape) for a in chain.step]
    again = Chain.blank(BOOK, SCORES, None)
    again.take_up({name: value.copy() for name, value in chain.arrays().items()})
    one, other = (each.sample(200, np.random.default_rng(8)) for each in (chain, again))
    for part, codes in vars(one).items():
        np.testing.assert_array_equal(codes, vars(other)[part])


@pytest.mark.parametrize("where", [{}, {0: 1}, {0: 1, 1: 0}])
def test_nobody_can_be_drawn_too(where):
    check(by_hand().sample(0, np.random.default_rng(0), where), BOOK, 0)


def test_drawing_follows_the_logits():
    logits = np.tile(np.log([0.1, 0.0 + 1e-300, 0.9]), (20_000, 1))
    follows(counted(drawn(logits, np.random.default_rng(9)), 3), np.array([0.1, 0.0, 0.9]))
