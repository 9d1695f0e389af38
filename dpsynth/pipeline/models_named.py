"""A user's own models, by name: one of ours, an installed one, or module:object."""

from __future__ import annotations

import copy
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from dpsynth.errors import InputError
from dpsynth.evaluation.utility.families import FAMILIES
from dpsynth.evaluation.utility.families.estimator import fit_estimator
from dpsynth.evaluation.utility.families.family import Ask, Family
from dpsynth.evaluation.utility.task import Task

GROUP = "dpsynth.benchmark_models"  # of entry points in installed packages
SAMPLES = 20_000  # that a user's model is trained on, at most


def models_named(names: Sequence[str]) -> dict[str, Family]:
    """The models of those names.

    Args:
        names: "linear", "boosting", "mlp" or "gru"; an entry point of the group GROUP; or
            "module:object", found as Python finds modules, the current folder first. The object
            is a class or function that makes a model without arguments, or a model. A model has
            `fit(X, y)` and `predict_proba(X)`, as in scikit-learn.

    Raises:
        InputError: if there is no such model, or twice the same.
    """
    twice = {name for name in names if list(names).count(name) > 1}
    if twice:
        raise InputError(f"the model {twice.pop()!r} is given twice; give each once")
    return {name: FAMILIES[name] if name in FAMILIES else _users(name) for name in names}


def _users(name: str) -> Family:
    made = _imported(name) if ":" in name else _installed(name)
    if not callable(made) and not hasattr(made, "fit"):
        raise InputError(f"{name!r} must be a class, a function or a model with fit, got {made!r}")

    def fit(train: Task, seed: int) -> Ask:
        # A model is copied, so that no training sees another.
        model = copy.deepcopy(made) if _is_model(made) else made()
        if "random_state" in getattr(model, "get_params", dict)():
            model.set_params(random_state=seed)
        return fit_estimator(model, train)

    return Family(title=name, fit=fit, samples=SAMPLES)


def _is_model(made: Any) -> bool:
    return hasattr(made, "fit") and not isinstance(made, type)


def _installed(name: str) -> Any:
    found = {each.name: each for each in entry_points(group=GROUP)}
    if name not in found:
        known = ", ".join([*FAMILIES, *sorted(found)])
        raise InputError(f"there is no model {name!r}; take one of {known}, or module:object")
    try:
        return found[name].load()
    except Exception as error:  # an installed package's own, whatever it is
        raise InputError(f"the model {name!r} can't be loaded: {error}") from error


def _imported(name: str) -> Any:
    module, _, attribute = name.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found: Any = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:  # a user's own module may raise anything
        what = f"{type(error).__name__}: {error}"
        raise InputError(f"the model {name!r} can't be imported ({what})") from error
    finally:
        sys.path.remove(here)
    return found
