"""SDV, loaded when it is asked for, and its generators of chance kept in hand."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from dpsynth.errors import InputError


def sdv(module: str) -> Any:
    """A module of SDV, by its name there.

    Raises:
        InputError: if SDV is not installed.
    """
    try:
        return importlib.import_module(f"sdv.{module}")
    except ImportError:
        raise InputError(
            "the references par and ctgan need SDV; pip install 'dpsynth[sdv]'"
        ) from None


def metadata(columns: list[str], *, key: str | None = None) -> Any:
    """SDV's metadata of one table "rows" of categories; `key` tells sequences apart."""
    facts: dict[str, Any] = {"columns": {name: {"sdtype": "categorical"} for name in columns}}
    if key is not None:
        facts["columns"][key] = {"sdtype": "id"}
        facts["sequence_key"] = key
    return sdv("metadata").Metadata.load_from_dict({"tables": {"rows": facts}})


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """SDV draws from torch's and numpy's global generators: set here, and put back after.

    Its warnings are about its own use of pandas and of metadata files; none is ours to mend.
    """
    held = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(held)  # noqa: NPY002
