"""One rule for each kind of layer: a forward that records per-patient gradients on a tape.

A rule's key is the layer's class; a subclass that overrides `forward` is another layer.
"""

from collections.abc import Callable

from torch import Tensor, nn

from dpsynth.privacy.grad.layers import Position
from dpsynth.privacy.grad.rules.embedding import embedding
from dpsynth.privacy.grad.rules.layer_norm import layer_norm
from dpsynth.privacy.grad.rules.linear import linear
from dpsynth.privacy.grad.rules.position import position
from dpsynth.privacy.grad.tape import Tape

RULES: dict[type[nn.Module], Callable[..., Tensor]] = {
    nn.Embedding: embedding,
    nn.LayerNorm: layer_norm,
    nn.Linear: linear,
    Position: position,
}

__all__ = ["RULES", "Tape"]
