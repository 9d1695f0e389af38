"""What is done one after another, cheap parts first. Adding a part: one file, one line here."""

from __future__ import annotations

from types import ModuleType

from dpsynth.evaluation.steps import (
    anonymeter,
    black_box,
    change,
    groups,
    leaks,
    likeness,
    models,
    near,
    neighbours,
    pictures,
    prediction,
    propagation,
    survival,
    within_groups,
)

PARTS: tuple[ModuleType, ...] = (
    likeness,
    neighbours,
    change,
    survival,
    prediction,
    models,
    groups,
    propagation,
    leaks,
    black_box,
    within_groups,
    near,
    pictures,
    anonymeter,
)
