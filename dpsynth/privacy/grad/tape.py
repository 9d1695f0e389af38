"""The record of one backward: what every layer left of every parameter."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from dpsynth.errors import InputError
from dpsynth.privacy.grad.norms import Weights
from dpsynth.privacy.grad.pieces import Piece, Stored


@dataclass(eq=False)
class Tape:
    """Collects pieces for one step, and is dropped with it.

    Attributes:
        patients: patients in this step.
        views: rows of each patient.
        armed: whether the one backward has begun; a layer's backward at any other time means
            that the loss takes gradients itself.
    """

    patients: int
    views: int
    armed: bool = False
    pieces: dict[nn.Parameter, list[Piece]] = field(default_factory=dict)

    def check_rows(self, module: nn.Module, x: Tensor) -> None:
        """Raise unless the first size of a layer's input counts the rows."""
        rows = self.patients * self.views
        if x.ndim == 0 or len(x) != rows:
            raise InputError(
                f"a {type(module).__name__} got an input whose first size is not the number of "
                "rows: keep rows first, as in (rows, tokens, width), or use route='vmap'"
            )

    def check_armed(self) -> None:
        """Raise when a layer is differentiated before the one backward."""
        if not self.armed:
            raise InputError("the loss takes gradients through the model: use route='vmap'")

    def fold(self, x: Tensor) -> Tensor:
        """Return (rows, ..., width) as (patients, views and positions, width), not in half."""
        return whole(x.detach()).reshape(self.patients, -1, x.shape[-1])

    def add(self, parameter: nn.Parameter, piece: Piece) -> None:
        """Record what one call of a layer left of a parameter."""
        self.pieces.setdefault(parameter, []).append(piece)

    def squared(self) -> list[Tensor]:
        """Return each parameter's squared norms; calls that share a parameter are summed first."""
        for parameter, pieces in self.pieces.items():
            if len(pieces) > 1:
                total = pieces[0].each()
                for piece in pieces[1:]:
                    total = total + piece.each()
                self.pieces[parameter] = [Stored(total)]
        return [pieces[0].squared() for pieces in self.pieces.values()]

    def weighted(self, parameter: nn.Parameter, weights: Weights) -> Tensor:
        """Return the clipped sum of one parameter, and forget its pieces."""
        pieces = self.pieces.pop(parameter, None)
        if pieces is None:
            return torch.zeros_like(parameter)
        return pieces[0].weighted(weights)


def whole(x: Tensor) -> Tensor:
    """Return x in float32, unless it is in float64."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()
