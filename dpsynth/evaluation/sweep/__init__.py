"""Worth, fairness and leakage against epsilon: what is measured, its curve, and a decision."""

from dpsynth.evaluation.sweep.curve import Cell, Measured, cells
from dpsynth.evaluation.sweep.decision import Decision, Thresholds, decide
from dpsynth.evaluation.sweep.judge import Judge, judge
from dpsynth.evaluation.sweep.measures import MEASURES, Measure, measured, of_real

__all__ = [
    "MEASURES",
    "Cell",
    "Decision",
    "Judge",
    "Measure",
    "Measured",
    "Thresholds",
    "cells",
    "decide",
    "judge",
    "measured",
    "of_real",
]
