"""Drawings of the report as inline SVG, each with its text alternative."""

from dpsynth.evaluation.svg.bars import histogram
from dpsynth.evaluation.svg.curves import curves
from dpsynth.evaluation.svg.doses import doses
from dpsynth.evaluation.svg.maps import correlation, heat
from dpsynth.evaluation.svg.parts import percent
from dpsynth.evaluation.svg.paths import trajectories
from dpsynth.evaluation.svg.pictures import shelf
from dpsynth.evaluation.svg.rows import Gap, forest, interval

__all__ = [
    "Gap",
    "correlation",
    "curves",
    "doses",
    "forest",
    "heat",
    "histogram",
    "interval",
    "percent",
    "shelf",
    "trajectories",
]
