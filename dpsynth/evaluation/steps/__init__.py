"""What is done one after another, cheap parts first. Adding a part: one file, one line here."""

from __future__ import annotations

from types import ModuleType

from dpsynth.evaluation.steps import (
    anonymeter,
    change,
    groups,
    leaks,
    likeness,
    near,
    pictures,
    prediction,
    survival,
)

PARTS: tuple[ModuleType, ...] = (
    likeness,
    change,
    survival,
    prediction,
    groups,
    leaks,
    near,
    pictures,
    anonymeter,
)
