"""What models/*/recipe.toml says is what a model does when nothing is set."""

import importlib
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from dpsynth.models import MODELS

RECIPES = sorted((Path(__file__).resolve().parents[2] / "models").glob("*/recipe.toml"))


def defaults(name: str) -> dict:
    """Settings of a model, from its own module."""
    module = importlib.import_module(MODELS[name].__module__)
    return {k: v for k, v in asdict(module.Settings()).items() if v is not None}


def test_recipes_are_found():
    assert {"table-diffusion", "table-gan", "log-linear"} <= {p.parent.name for p in RECIPES}


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.parent.name)
def test_a_recipe_is_the_default(path):
    recipe = tomllib.loads(path.read_text())
    assert recipe["model"] == path.parent.name
    assert recipe["settings"] == defaults(recipe["model"])
    assert (path.parent / "CARD.md").exists()
