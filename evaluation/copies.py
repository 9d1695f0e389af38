"""One model's copy of a training part, as every protocol makes it."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dpsynth.data.codec import Codec, Tokens
from dpsynth.data.records import Records
from dpsynth.models import MODELS, Model
from dpsynth.models.base import quiet
from dpsynth.models.pretraining import Pretrains
from dpsynth.models.state import State
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.weights import GroupWeights
from dpsynth.schema import Schema

DELTA = 1e-5


def per_model(
    names: list[str], pairs: list[str], ask: argparse.ArgumentParser
) -> dict[str, dict[str, Any]]:
    """Each model's settings: those that the `Settings` of its module names."""
    known = {name: _known(name) for name in names}
    found: dict[str, dict[str, Any]] = {name: {} for name in names}
    for pair in pairs:
        setting, equals, value = pair.partition("=")
        takers = [name for name in names if setting in known[name]]
        if not (equals and takers):
            ask.error(f"no model of {', '.join(names)} has a setting {pair!r}; give name=value")
        for name in takers:
            found[name][setting] = _number(value)
    return found


def _known(name: str) -> set[str]:
    settings = getattr(sys.modules[MODELS[name].__module__], "Settings", None)
    return {each.name for each in fields(settings)} if settings else set()


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def synthetic(
    name: str,
    settings: Mapping[str, Any],
    epsilon: float,
    seed: int,
    train: Records,
    schema: Schema,
    books: Codec,
    device: str = "cpu",
    public: np.ndarray | None = None,
) -> tuple[Tokens, dict[str, float]]:
    """Train, and generate twice as many patients; the last step, no selection.

    Args:
        name: of the registry.
        settings: of the model.
        epsilon: of the whole run, with delta `DELTA`.
        seed: of noise, network and generation.
        train: the training part.
        schema: its `population` is the public size.
        books: public code books.
        device: where networks are trained and drawn from.
        public: pictures that a network which can learns from first.

    Returns:
        Tokens of the copy, and the seconds of `train_s` and `generate_s`; of a model with a
        gate, what the gate found as `gate_...`.
    """
    began = time.perf_counter()
    model = learnt(name, settings, epsilon, seed, train, schema, books, device, public)
    trained = time.perf_counter()
    assert isinstance(schema.population, int)
    tokens = model.sample(2 * schema.population, {}, seed, quiet, torch.device(device))
    done = time.perf_counter()
    found = {"train_s": trained - began, "generate_s": done - trained}
    gate = getattr(model, "gate", None)
    return tokens, found if gate is None else found | gate.told()


def learnt(
    name: str,
    settings: Mapping[str, Any],
    epsilon: float,
    seed: int,
    train: Records,
    schema: Schema,
    books: Codec,
    device: str = "cpu",
    public: np.ndarray | None = None,
    groups: GroupWeights | None = None,
) -> Model:
    """The trained model; arguments as of `synthetic`, and weights of groups."""
    torch.manual_seed(seed)
    size = schema.population
    assert isinstance(size, int)
    promise = Budget(epsilon=epsilon, delta=DELTA, population=size)
    plan = replace(MODELS[name].plan(schema, promise, 0.0, **settings), groups=groups)
    # Public data: the seed makes the row repeatable. A release would refuse it.
    door = Door(train, plan=plan, randomness=CryptoStream(insecure_seed=seed), device=device)
    door.use(books)
    model = MODELS[name](schema, books, plan, **settings)
    if public is not None and isinstance(model, Pretrains):
        model.learn_first(public)
    with tempfile.TemporaryDirectory() as folder:
        model.fit(door, State(Path(folder) / "state"), quiet, torch.device(device))
    return model
