"""The warm start: noisy tables and moments, and a log-linear chain fitted to them."""

from dpsynth.models.warm.start import WarmStart, joined

__all__ = ["WarmStart", "joined"]
