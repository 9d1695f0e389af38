"""The critic mixes no patients and ignores what did not happen; its gradients are the oracle's."""

import pytest
import torch

from dpsynth.models.adversary import RealHalf, add_generated_half, generator_loss
from dpsynth.models.layout import Layout, Record
from dpsynth.models.nets.critic import Critic
from dpsynth.models.nets.refiner import NOISE, Refiner
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.grad import clipped_sum

LAYOUTS = {
    "visits": Layout(static=(2, 3, 5), visit=(4, 2), max_visits=4, facts=2),
    "static only": Layout(static=(2, 3), visit=(), max_visits=0, facts=2),
    "visits only": Layout(static=(4,), visit=(3,), max_visits=3, facts=0),
}


def critic(layout: Layout) -> Critic:
    torch.manual_seed(0)
    return Critic(layout.static, layout.visit, layout.max_visits, 6)


def tokens(layout: Layout, rows: int = 6) -> tuple[torch.Tensor, ...]:
    draws = torch.Generator().manual_seed(1)
    facts = [torch.randint(s, (rows, 1), generator=draws) for s in layout.static[: layout.facts]]
    length = torch.arange(rows) % (layout.max_visits + 1)
    visits = torch.zeros(rows, layout.max_visits, len(layout.visit), dtype=torch.long)
    for place, size in enumerate(layout.visit):
        visits[..., place] = torch.randint(size, visits.shape[:2], generator=draws)
    visits[torch.arange(layout.max_visits)[None] >= length[:, None]] = -1
    static = torch.cat(facts, 1) if facts else torch.zeros(rows, 0, dtype=torch.long)
    return static, visits, length


def record(layout: Layout, rows: int = 6) -> Record:
    return layout.record(layout.codes(*tokens(layout, rows)))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_no_patient_sees_another(layout):
    model, rows = critic(layout), record(layout)
    together = model(*rows)
    for one in range(6):
        alone = model(*(part[one : one + 1] for part in rows))
        torch.testing.assert_close(together[one : one + 1], alone)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_its_clipped_sum_is_that_of_one_patient_after_another(layout):
    model, half = critic(layout), RealHalf(layout)
    rows = half.prepare(tokens(layout), RowDraws(torch.arange(6), 3))
    fast = clipped_sum(model, half.loss, rows, clip_norm=0.7)
    slow = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for one in range(6):
        loss = half.loss(model, *(part[one : one + 1] for part in rows)).sum()
        each = torch.autograd.grad(loss, list(model.parameters()))
        norm = torch.cat([part.flatten() for part in each]).norm()
        for total, part in zip(slow.values(), each, strict=True):
            total += part * min(1.0, 0.7 / float(norm))
    assert fast.keys() == slow.keys()
    for name in fast:
        torch.testing.assert_close(fast[name], slow[name], atol=1e-5, rtol=1e-3)


def test_a_record_is_one_hot_and_empty_after_its_last_visit():
    layout = LAYOUTS["visits"]
    rows = record(layout)
    torch.testing.assert_close(rows.static.sum(1), torch.full((6,), 3.0))
    torch.testing.assert_close(rows.visits.sum(2), 2 * rows.inside)
    assert rows.inside.sum(1).tolist() == [0, 1, 2, 3, 4, 0]
    assert rows.static[:, 5:].argmax(1).tolist() == [0, 1, 2, 3, 4, 0]  # the number of visits


def test_equal_halves_cancel():
    # The same records on both sides: nothing to learn, also where clipping binds.
    layout = LAYOUTS["visits"]
    model, half = critic(layout), RealHalf(layout)
    rows = half.prepare(tokens(layout), RowDraws(torch.arange(6), 3))
    for name, total in clipped_sum(model, half.loss, rows, clip_norm=0.05).items():
        model.get_parameter(name).grad = total / 6
    add_generated_half(model, record(layout), 0.05)
    for parameter in model.parameters():
        torch.testing.assert_close(parameter.grad, torch.zeros_like(parameter), atol=1e-7, rtol=0)


def test_a_step_down_the_gradient_raises_real_scores_over_generated_ones():
    # The sign: some published DP-GANs have it wrong.
    layout = LAYOUTS["visits"]
    model, half = critic(layout), RealHalf(layout)
    real = half.prepare(tokens(layout), RowDraws(torch.arange(6), 3))
    generated = Record(*(part.flip(0) * 1.0 for part in record(layout, 5)))

    def lead() -> torch.Tensor:
        return model(*real).mean() - model(*generated).mean()

    before = lead()
    for name, total in clipped_sum(model, half.loss, real, clip_norm=1.0).items():
        model.get_parameter(name).grad = total / 6
    add_generated_half(model, generated, 1.0)
    torch.optim.SGD(model.parameters(), lr=0.01).step()
    assert lead() > before
    torch.testing.assert_close(generator_loss(model, generated), -model(*generated).mean())


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_generators_network_is_silent_at_first_and_keeps_records_apart(layout):
    torch.manual_seed(0)
    net = Refiner(layout.static, layout.visit, layout.max_visits, width=8, depth=2, heads=4)
    rows, noise = record(layout), torch.randn(6, NOISE)
    assert all(not part.any() for part in net(*rows, noise))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    together = net(*rows, noise)
    alone = net(*(part[3:4] for part in rows), noise[3:4])
    for whole, one in zip(together, alone, strict=True):
        torch.testing.assert_close(whole[3:4], one, atol=1e-5, rtol=1e-4)
