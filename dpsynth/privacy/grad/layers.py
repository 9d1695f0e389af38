"""Small modules for what a network would else hold as a bare `nn.Parameter`."""

import torch
from torch import Tensor, nn


class Position(nn.Module):
    """Add one learned tensor to every row.

    For position embeddings, class tokens and free biases: the fast route knows this module,
    and does not know a bare parameter.

    Args:
        shape: shape of the learned tensor; it is broadcast against `x[0]`.
        std: standard deviation of its start values, 0 for zeros.

    Shape:
        x:      (rows, *shape), or any shape that `(rows, *shape)` broadcasts with without
                growing
        return: as x

    No row meets another.
    """

    def __init__(self, *shape: int, std: float = 0.02) -> None:
        super().__init__()
        if not std >= 0:
            raise ValueError(f"std must be at least 0, got {std!r}")
        self.weight = nn.Parameter(torch.randn(shape) * std if std else torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with the learned tensor added to each row."""
        return x + self.weight
