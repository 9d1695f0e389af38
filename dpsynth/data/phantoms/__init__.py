"""Medical-looking images drawn by a program, whose truth is known; no patient is in them."""

from dpsynth.data.phantoms.dermatoscopy import SKIN, skin
from dpsynth.data.phantoms.phantom_set import PhantomSet
from dpsynth.data.phantoms.truth import Risk, Truth
from dpsynth.data.phantoms.x_ray import CHEST, chest

__all__ = ["CHEST", "SKIN", "PhantomSet", "Risk", "Truth", "chest", "skin"]
