"""One rule for each kind of layer: a forward that records per-patient gradients on a tape.

A rule's key is the layer's class; a subclass that overrides `forward` is another layer.
"""

from collections.abc import Callable

from torch import Tensor, nn

from dpsynth.privacy.grad.layers import Position
from dpsynth.privacy.grad.rules.conv2d import conv2d
from dpsynth.privacy.grad.rules.conv2d import limits as conv2d_limits
from dpsynth.privacy.grad.rules.embedding import embedding
from dpsynth.privacy.grad.rules.embedding import limits as embedding_limits
from dpsynth.privacy.grad.rules.group_norm import group_norm
from dpsynth.privacy.grad.rules.layer_norm import layer_norm
from dpsynth.privacy.grad.rules.linear import linear
from dpsynth.privacy.grad.rules.position import position

RULES: dict[type[nn.Module], Callable[..., Tensor]] = {
    nn.Conv2d: conv2d,
    nn.Embedding: embedding,
    nn.GroupNorm: group_norm,
    nn.LayerNorm: layer_norm,
    nn.Linear: linear,
    Position: position,
}
LIMITS: dict[type[nn.Module], Callable[..., str]] = {
    nn.Conv2d: conv2d_limits,
    nn.Embedding: embedding_limits,
}
"""Where a rule fits only some modules of its kind: why it does not fit this one, or nothing."""
