"""Masked diffusion: maskings are uniform, the loss is the formula's, what is given stays."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats

from dpsynth.data.codec import Codec
from dpsynth.data.field import Field
from dpsynth.models.masked import MaskedObjective, fill_block, generate
from dpsynth.models.nets.visit_net import VisitNet
from dpsynth.models.warm.logits import OwnLogits
from dpsynth.privacy.draws import RowDraws
from dpsynth.schema import Column


class Told:
    """A network that gives every code a stated logit, whatever it is shown."""

    max_visits = 2

    def __init__(self, static, visit) -> None:
        self.static, self.visit = torch.tensor(static), torch.tensor(visit)

    def static_logits(self, static):
        return self.static.expand(len(static), -1)

    def context(self, static, visits):
        return torch.zeros(len(static), visits.shape[1] + 1, 1)

    def visit_logits(self, context, visits):
        return self.visit.expand(*visits.shape[:-1], -1)


def objective_of(static, visit) -> MaskedObjective:
    """All facts modelled, the number of visits public."""
    return MaskedObjective(static, visit, facts=list(range(len(static))), counted=False)


def logs(*chances: float) -> list[float]:
    return [math.log(chance) for chance in chances]


def test_the_loss_worked_by_hand():
    # Static fields of 2 and 4 codes, visits of two fields of 2 codes; one of two visits came.
    objective = objective_of([2, 4], [2, 2])
    model = Told(logs(0.25, 0.75, 0.1, 0.2, 0.3, 0.4), logs(0.5, 0.5, 0.1, 0.9))
    static, visits, length = (
        torch.tensor([[1, 3]]),
        torch.tensor([[[0, 1], [1, 0]]]),
        torch.tensor([1]),
    )
    static_mask = torch.tensor([[True, False]])
    visit_mask = torch.tensor([[[True, True], [True, True]]])
    base = torch.zeros(1, 2, 4)
    loss = objective.loss(model, static, visits, length, static_mask, visit_mask, base)
    # Visit 1: both masked, codes 0 at .5 and 1 at .9: mean of two, times two fields.
    # Visit 2 never came. Two tokens in all; facts are the chain's.
    by_hand = (-math.log(0.5) - math.log(0.9)) / 2
    assert loss.tolist() == pytest.approx([by_hand])
    # Without visits: one masked field of two, code 1 at .75: 2 x -ln .75, over two tokens.
    model.max_visits = 0
    loss = objective.loss(model, static, visits, length, static_mask, visit_mask, base)
    assert loss.tolist() == pytest.approx([-math.log(0.75)])


def test_the_network_adds_to_what_a_columns_own_past_says():
    # A visit field of 2 codes that stays with chance .9; first values .3 and .7.
    objective = objective_of([2], [2])
    chain = SimpleNamespace(
        static=[np.log([0.4, 0.6])],
        first=[np.log([0.3, 0.7])],
        step=[np.log([[0.9, 0.1], [0.1, 0.9]])],
    )
    objective.base = OwnLogits(chain, [0])
    static, visits = torch.tensor([[1]]), torch.tensor([[[1], [0]]])
    prepared = objective.prepare((static, visits, torch.tensor([2])), RowDraws(torch.arange(1), 0))
    loss = objective.loss(Told([0.0, 0.0], [0.0, 0.0]), *prepared)
    by_hand = -(math.log(0.7) + math.log(0.1)) / 2
    assert loss.tolist() == pytest.approx([by_hand])
    # A network that doubles the odds of code 1 in every visit.
    loss = objective.loss(Told([0.0, 0.0], logs(1 / 3, 2 / 3)), *prepared)
    # First 7 : 3 becomes 14 : 3, then 9 : 1 becomes 18 : 1.
    by_hand = -(math.log(14 / 17) + math.log(1 / 19)) / 2
    assert loss.tolist() == pytest.approx([by_hand])
    # Generation starts from the same place.
    told = torch.ones((20_000, 1), dtype=torch.long)
    draws = torch.Generator().manual_seed(0)
    facts, made = generate(Told([0.0, 0.0], [0.0, 0.0]), objective, told, draws)
    assert (facts == told).all()
    assert made[:, 0].double().mean() == pytest.approx(0.7, abs=0.02)
    assert (made[:, 0] == made[:, 1]).double().mean() == pytest.approx(0.9, abs=0.02)


def test_an_even_guess_costs_log_of_the_size_whatever_is_masked():
    # The estimate of a block's loss is unbiased for any number of masked fields.
    objective = objective_of([4, 4, 4], [4, 4])
    model = Told([0.0] * 12, [0.0] * 8)
    static, visits = torch.zeros(50, 3, dtype=torch.long), torch.zeros(50, 2, 2, dtype=torch.long)
    length = torch.arange(50) % 3
    prepared = objective.prepare((static, visits, length), RowDraws(torch.arange(50), 1))
    even = torch.where(length > 0, math.log(4), 0.0)  # who never came says nothing
    torch.testing.assert_close(objective.loss(model, *prepared), even)


def test_maskings_are_uniform_in_number_and_place():
    objective, rows = objective_of([2] * 5, [2] * 3), 30_000
    blank = (
        torch.zeros(rows, 5, dtype=torch.long),
        torch.zeros(rows, 2, 3, dtype=torch.long),
        torch.full((rows,), 2),
    )
    _, _, _, static_mask, visit_mask, _ = objective.prepare(blank, RowDraws(torch.arange(rows), 9))
    # A fixed seed: passes for ever or never.
    for mask in (static_mask, visit_mask[:, 0], visit_mask[:, 1]):
        fields = mask.shape[1]
        number = mask.sum(1)
        assert number.min() == 1
        assert stats.chisquare(torch.bincount(number, minlength=fields + 1)[1:]).pvalue > 1e-4
        # Each field is masked with chance (fields + 1) / (2 fields).
        expected = (fields + 1) / (2 * fields)
        for share in mask.double().mean(0).tolist():
            assert abs(share - expected) < 5 * (expected * (1 - expected) / rows) ** 0.5
    # Blocks are masked independently.
    both = (static_mask.sum(1) - 3.0) * (visit_mask[:, 0].sum(1) - 2.0)
    assert abs(both.mean()) < 5 * both.std() / rows**0.5


def test_padding_counts_nothing():
    objective = MaskedObjective([2, 4], [3], facts=[0], counted=True)
    torch.manual_seed(0)
    model = VisitNet([2, 4], [3], 3, width=8, depth=1)
    static, length = torch.zeros(2, 1, dtype=torch.long), torch.tensor([1, 1])
    visits = torch.tensor([[[2], [-1], [-1]]] * 2)
    prepared = list(objective.prepare((static, visits, length), RowDraws(torch.tensor([4, 4]), 1)))
    prepared[1] = prepared[1].clone()
    prepared[1][1, 1:] = 2  # what lies past the length is nobody's business
    one, other = objective.loss(model, *prepared).tolist()
    assert one == pytest.approx(other)
    assert prepared[0].tolist() == [[0, 1], [0, 1]]  # the number of visits is the last field


def test_what_is_given_is_kept_and_the_rest_is_drawn():
    sizes, generator = [3, 2, 4], torch.Generator().manual_seed(0)
    codes = torch.tensor([[3, 1, 4], [2, 2, 0], [0, 1, 3]]).repeat(200, 1)
    logits = torch.tensor(logs(0.2, 0.3, 0.5, 0.5, 0.5, 0.1, 0.2, 0.3, 0.4))
    for rounds in (None, 1, 2, 9):
        filled = fill_block(lambda c: logits.expand(len(c), -1), codes, sizes, generator, rounds)
        given = codes != torch.tensor(sizes)
        assert (filled[given] == codes[given]).all()
        assert (filled < torch.tensor(sizes)).all()
        assert (filled >= 0).all()


def test_fields_are_drawn_from_the_networks_law_given_what_is_known():
    # Field 1 copies field 0 where that is known; drawn one by one, they always agree or one led.
    def logits_of(codes):
        def follow(other):
            certain = torch.nn.functional.one_hot(other.clamp(max=1), 2) * 60.0
            return torch.where((other == 2)[:, None], torch.tensor([0.0, math.log(3.0)]), certain)

        return torch.cat([follow(codes[:, 1]), follow(codes[:, 0])], 1)

    blank = torch.full((20_000, 2), 2)
    filled = fill_block(logits_of, blank, [2, 2], torch.Generator().manual_seed(0))
    assert (filled[:, 0] == filled[:, 1]).all()
    assert stats.binomtest(int(filled[:, 0].sum()), 20_000, 0.75).pvalue > 1e-6
    together = fill_block(logits_of, blank, [2, 2], torch.Generator().manual_seed(0), rounds=1)
    apart = (together[:, 0] != together[:, 1]).double().mean()
    assert apart == pytest.approx(2 * 0.75 * 0.25, abs=0.02)


def test_generated_codes_are_codes():
    torch.manual_seed(0)
    model, objective = (
        VisitNet([2, 4], [3, 2], 3, width=8, depth=1),
        MaskedObjective([2, 4], [3, 2], facts=[0], counted=True),
    )
    told = torch.tensor([[1, 3]]).expand(300, -1)
    static, visits = generate(model, objective, told, torch.Generator().manual_seed(0))
    assert (static == told).all()
    assert visits.shape == (300, 3, 2)
    assert visits[..., 0].unique().tolist() == [0, 1, 2]
    assert visits[..., 1].unique().tolist() == [0, 1]


def field(name: str, size: int) -> Field:
    categories = tuple("abcdef"[:size])
    column = Column(type="category", categories=categories, missing=False)
    return Field(name=name, column=column, categories=categories)


@pytest.mark.parametrize(
    ("codec", "static", "visit", "counted"),
    [
        (Codec(static=(field("a", 2),), visit=(field("b", 3),), max_visits=4), [2, 5], [3], True),
        (Codec(static=(), visit=(field("b", 3),), max_visits=1), [2], [3], True),
        (Codec(static=(), visit=(field("b", 3),), max_visits=4, regular=True), [1], [3], False),
        (Codec(static=(field("a", 2),), visit=(), max_visits=0), [2], [], False),
    ],
)
def test_the_number_of_visits_is_a_field_unless_it_is_public(codec, static, visit, counted):
    found = MaskedObjective.of(codec, None)
    assert (found.static_sizes, found.visit_sizes, found.counted) == (static, visit, counted)
    rows = (
        torch.zeros(3, len(codec.static), dtype=torch.long),
        torch.zeros(3, codec.max_visits, len(visit), dtype=torch.long),
        torch.full((3,), codec.max_visits),
    )
    prepared = found.prepare(rows, RowDraws(torch.arange(3), 0))
    assert prepared[0].shape == (3, len(static))
    assert prepared[0][:, -1].tolist() == [codec.max_visits if counted else 0] * 3
    model = VisitNet(static, visit, codec.max_visits, width=8, depth=1)
    assert found.loss(model, *prepared).isfinite().all()


def test_a_label_that_is_drawn_last_is_no_fact():
    book = Codec(static=(field("a", 2), field("died", 3), field("c", 4)), visit=(), max_visits=0)
    found = MaskedObjective.of(book, 1)
    assert (found.static_sizes, found.facts) == ([2, 4], [0, 2])
    rows = (torch.tensor([[1, 2, 3]]), torch.zeros(1, 0, 0, dtype=torch.long), torch.tensor([0]))
    assert found.prepare(rows, RowDraws(torch.arange(1), 0))[0].tolist() == [[1, 3]]
