"""Medical-looking images drawn by a program, whose truth is known; no patient is in them."""

from collections.abc import Callable

from dpsynth.data.phantoms.dermatoscopy import SKIN, skin
from dpsynth.data.phantoms.phantom_set import PhantomSet
from dpsynth.data.phantoms.truth import Risk, Truth
from dpsynth.data.phantoms.x_ray import CHEST, chest

KINDS: dict[str, Callable[..., PhantomSet]] = {"chest": chest, "skin": skin}

__all__ = ["CHEST", "KINDS", "SKIN", "PhantomSet", "Risk", "Truth", "chest", "skin"]
