"""Coupled draws: nothing moves without a change, and changes give the law they should."""

import numpy as np
import torch

from dpsynth.models.coupled import drawn, scores

SIZES = (4, 2)
SHARES = torch.tensor([0.5, 0.3, 0.15, 0.05, 0.9, 0.1])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def codes(rows: int, visits: int = 1) -> torch.Tensor:
    rng = np.random.default_rng(1)
    first = rng.choice(4, (rows, visits), p=SHARES[:4].numpy().astype(float).round(6))
    second = rng.random((rows, visits)) < 0.1
    return torch.from_numpy(np.stack([first, second], -1).astype(np.int64))


def test_without_a_change_every_code_stays():
    for law in (codes(40_000), torch.zeros(40_000, 1, 2, dtype=torch.long)):
        same, rows = drawn(scores(law, SHARES, SIZES, generator()), SIZES, 1.0)
        assert torch.equal(same, law)
        torch.testing.assert_close(rows.sum(-1), torch.full((40_000, 1), 2.0))


def test_a_change_gives_the_tilted_law():
    # 200,000 draws: 6 standard deviations of a share are at most 0.0067.
    change = torch.tensor([0.0, 0.7, -0.5, 1.0, 0.0, 1.5])
    base = scores(codes(200_000), SHARES, SIZES, generator())
    after = drawn(base + change, SIZES, 1.0)[0][:, 0]
    for place, law in enumerate(torch.split(SHARES * change.exp(), SIZES)):
        seen = torch.bincount(after[:, place], minlength=len(law)) / len(after)
        torch.testing.assert_close(seen, law / law.sum(), atol=0.0067, rtol=0)


def test_a_small_change_moves_few_codes_and_the_same_ones_in_all_visits():
    start = codes(50_000).expand(-1, 3, -1)
    change = torch.tensor([0.0, 0.2, 0.0, 0.0, 0.0, 0.0])
    base = scores(start, SHARES, SIZES, generator(), shared=True)
    after = drawn(base + change, SIZES, 1.0)[0]
    moved = (after != start)[..., 0]
    assert 0.01 < moved.float().mean() < 0.08  # by the law: 0.3 to 0.344
    assert torch.equal(moved[:, 0], moved[:, 2])
    assert (after[moved][:, 0] == 1).all()


def test_the_gradient_of_a_draw_is_that_of_the_softmax():
    logits = torch.randn(5, 1, 6, generator=generator(), requires_grad=True)
    values = torch.arange(6.0)
    hard = drawn(logits, SIZES, 0.7)[1]
    (found,) = torch.autograd.grad((hard * values).sum(), logits)
    soft = torch.cat([(p / 0.7).softmax(-1) for p in torch.split(logits, SIZES, -1)], -1)
    (wanted,) = torch.autograd.grad((soft * values).sum(), logits)
    torch.testing.assert_close(found, wanted)
    assert set(hard.detach().round(decimals=5).unique().tolist()) == {0.0, 1.0}
