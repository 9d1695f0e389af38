"""What models/*/recipe.toml says is what a model does when nothing is set."""

import importlib
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from dpsynth.data.codec import codec
from dpsynth.models import MODELS
from dpsynth.privacy.budget import Budget
from dpsynth.schema import Clock, Picture, Schema, Table

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


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize(
    ("name", "net", "least"), [("image-diffusion", "net", 1e6), ("image-gan", "generator", 2e5)]
)
def test_a_recipe_for_larger_pictures_can_be_planned_and_built(name, net, least, size):
    path = RECIPES[0].parents[1] / name / f"recipe-{size}.toml"
    recipe = tomllib.loads(path.read_text())
    assert recipe["model"] == name
    picture = Picture(file="scan", size=size)
    scans = Table(
        shape="visits",
        key="patient",
        time=Clock(column="scan", kind="order"),
        picture=picture,
        columns={},
    )
    schema = Schema(name="x", max_visits=1, tables={"scans": scans})
    budget = Budget(epsilon=3.0, delta=1e-5, population=20_000)
    model = MODELS[name]
    plan = model.plan(schema, budget, 0.0, **recipe["settings"])
    assert plan.training is not None and plan.training.steps == recipe["settings"]["steps"]
    built = model(schema, codec(schema), plan, **recipe["settings"])
    assert least < sum(p.numel() for p in getattr(built, net).parameters()) < 2e7
