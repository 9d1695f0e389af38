"""Per-patient gradients, clipped and summed, at little more than the cost of a plain step."""

from dpsynth.privacy.grad.clipped import Route, clipped_sum
from dpsynth.privacy.grad.layers import Position

__all__ = ["Position", "Route", "clipped_sum"]
