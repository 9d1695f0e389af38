"""The network mixes no patients, sees no future, and remembers nothing."""

import pytest
import torch

from dpsynth.models.masked import MaskedObjective
from dpsynth.models.nets.visit_net import Block, CausalAttention, Codes, VisitNet
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.grad import clipped_sum

STATIC, VISIT, MOST = [2, 3, 5], [4, 2], 4  # the last static field is the number of visits


def net(**more) -> VisitNet:
    torch.manual_seed(0)
    made = VisitNet(STATIC, VISIT, MOST, width=16, depth=1, **more)
    torch.nn.init.normal_(made.head[-1].weight)  # zero at first, which would hide much
    return made


def rows(count: int = 6) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    static = torch.stack([torch.randint(s, (count,), generator=generator) for s in STATIC[:2]], 1)
    visits = torch.stack([torch.randint(s, (count, MOST), generator=generator) for s in VISIT], 2)
    length = torch.arange(count) % (MOST + 1)
    visits[torch.arange(MOST)[None] >= length[:, None]] = -1
    return static, visits, length


OBJECTIVE = MaskedObjective(STATIC, VISIT, facts=[0, 1], counted=True)


def test_no_patient_sees_another():
    model, prepared = net(), OBJECTIVE.prepare(rows(), RowDraws(torch.arange(6), 3))
    together = OBJECTIVE.loss(model, *prepared)
    for one in range(6):
        alone = OBJECTIVE.loss(model, *(part[one : one + 1] for part in prepared))
        torch.testing.assert_close(together[one : one + 1], alone)


def test_every_part_answers_each_row_alone():
    model, (static, visits, length) = net(), rows()
    static, visits = torch.cat([static, length[:, None]], 1), visits.clamp(min=0)
    context = model.context(static, visits)
    for whole, alone in (
        (context, model.context(static[:1], visits[:1])),
        (
            model.visit_logits(context[:, :-1], visits),
            model.visit_logits(context[:1, :-1], visits[:1]),
        ),
    ):
        torch.testing.assert_close(whole[:1], alone)


def test_a_visit_knows_what_went_before_and_nothing_after():
    model, (static, visits, length) = net(), rows()
    static, visits = torch.cat([static, length[:, None]], 1), visits.clamp(min=0)
    before = model.context(static, visits)
    changed = visits.clone()
    changed[:, 2] = 1 - changed[:, 2].clamp(max=1)
    after = model.context(static, changed)
    torch.testing.assert_close(before[:, :3], after[:, :3])  # up to the context of visit 2
    assert (before[:, 3:] - after[:, 3:]).abs().amax((1, 2)).min() > 1e-6
    # A shorter history gives the same beginning.
    torch.testing.assert_close(model.context(static, visits[:, :2]), before[:, :3])


def test_a_new_network_adds_nothing():
    model = VisitNet(STATIC, VISIT, MOST, width=16, depth=1)
    static, visits, length = rows()
    static, visits = torch.cat([static, length[:, None]], 1), visits.clamp(min=0)
    alone = VisitNet(STATIC, [], 0, width=16)
    assert (alone.static_logits(static) == 0).all()
    assert (model.visit_logits(model.context(static, visits)[:, :-1], visits) == 0).all()


def test_no_buffer_changes_in_a_private_step():
    model = net()
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    prepared = OBJECTIVE.prepare(rows(), RowDraws(torch.arange(6), 3))
    clipped_sum(model, OBJECTIVE.loss, prepared, clip_norm=1.0)
    model.train()
    OBJECTIVE.loss(model, *prepared)
    assert before
    for name, buffer in model.named_buffers():
        assert torch.equal(buffer, before[name])


def test_both_routes_agree_on_the_whole_network():
    # What keeps rows apart can't be checked by one route alone (see `clipped_sum`).
    model = net()
    prepared = OBJECTIVE.prepare(rows(), RowDraws(torch.arange(3), 3, views=2))
    fast, slow = (
        clipped_sum(model, OBJECTIVE.loss, prepared, clip_norm=0.05, views=2, route=route)
        for route in ("fast", "vmap")
    )
    assert fast.keys() == slow.keys() == dict(model.named_parameters()).keys()
    for name in fast:
        torch.testing.assert_close(fast[name], slow[name], rtol=1e-3, atol=1e-6)


def test_static_data_need_no_visits():
    model = VisitNet([2, 3], [], 0, width=8)
    torch.nn.init.normal_(model.static_head[-1].weight)
    static = torch.tensor([[0, 1], [1, 2], [2, 0], [1, 3]])
    found = model.static_logits(static)
    assert found.shape == (4, 5)
    torch.testing.assert_close(found[:1], model.static_logits(static[:1]))


def test_a_mask_is_a_code_of_its_own():
    codes = Codes([2, 3], 4)
    shown = codes(torch.tensor([[0, 0], [2, 0], [0, 3], [1, 2]]))
    assert shown.shape == (4, 4)
    assert len({tuple(row.tolist()) for row in shown}) == 4


def test_blocks_keep_their_shape():
    x = torch.randn(2, 3, 8)
    assert Block(8)(x).shape == CausalAttention(8, 4)(x).shape == x.shape
    with pytest.raises(ValueError, match="multiple of heads"):
        CausalAttention(6, 4)
