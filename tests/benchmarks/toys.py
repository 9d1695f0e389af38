"""Made-up files in the form of the real ones, for scripts that measure."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.controls import schema_guess

EVALUATION = Path(__file__).resolve().parents[2] / "evaluation"


def script(path: str) -> ModuleType:
    """A script of `evaluation/` as a module."""
    name = path.removesuffix(".py").replace("/", "_").replace("-", "_")
    spec = importlib.util.spec_from_file_location(f"{name}_script", EVALUATION / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def patients(books: Codec, many: int) -> Tokens:
    """Patients with at least one visit, every code equally likely."""
    return schema_guess(books, many, books.regular, np.random.default_rng(0))
