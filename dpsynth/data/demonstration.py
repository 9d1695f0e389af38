"""Data to try dpsynth on: real and public, or drawn by a program."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from dpsynth.data.embedded import randhie_path, randhie_schema
from dpsynth.data.phantoms import KINDS
from dpsynth.data.pictures import write_images
from dpsynth.data.schema_file import load_schema, save_schema
from dpsynth.errors import InputError
from dpsynth.schema import Schema

PHANTOMS = 4000  # patients drawn
SEED = 1
PNEUMONIA = "pneumoniamnist"
DATASETS = ("randhie", PNEUMONIA)


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """A data set that may be shown to anyone.

    Attributes:
        data: its files.
        schema: what is public about it.
        population: its name in the ledger.
        says: what a reader must know of it, one line; empty for real data.
    """

    data: tuple[Path, ...]
    schema: Schema
    population: str
    says: str = ""


def randhie() -> Demonstration:
    """The RAND Health Insurance Experiment.

    Raises:
        DataError: if statsmodels does not carry it.
    """
    return Demonstration(data=(randhie_path(),), schema=randhie_schema(), population="randhie-demo")


def phantoms(kind: str, folder: Path, patients: int = PHANTOMS, seed: int = SEED) -> Demonstration:
    """Pictures drawn by a program, written into a folder as a hospital would have them.

    Label, sex and age show in the pictures, and the label less in some patients than in others:
    the truth is known (`dpsynth.data.phantoms`). Equal seeds give equal files.

    Args:
        kind: "chest" or "skin".
        folder: for a table, a folder of PNG files, and the schema.
        patients, seed: of the drawing.

    Raises:
        InputError: if the kind is none of these.
    """
    if kind not in KINDS:
        raise InputError(f"images must be one of {', '.join(KINDS)}, got {kind!r}")
    made = KINDS[kind](patients, seed)
    # How many were drawn is known to all.
    schema = schema_of(f"{kind}-phantoms").model_copy(update={"population": patients})
    table = next(iter(schema.tables))
    write_images(made.images, folder / "scans", made.table["image"].tolist())
    made.facts().to_csv(folder / f"{table}.csv", index=False)
    save_schema(schema, folder / "schema.yaml")
    says = (
        f"Phantoms: a program drew the {kind} pictures (seed {seed}); they are NOT real data and "
        "show nobody. How models do on them tells little of how they do on real pictures."
    )
    return Demonstration(
        data=(folder / f"{table}.csv",), schema=schema, population=f"{kind}-phantoms", says=says
    )


def pneumoniamnist(file: Path | None = None) -> Demonstration:
    """PneumoniaMNIST (MedMNIST v2, CC BY 4.0): 4,708 chest X-rays of children, 28 x 28.

    Args:
        file: pneumoniamnist.npz; none to have the package `medmnist` fetch it.

    Raises:
        InputError: if the file is missing and can't be fetched.
    """
    if file is not None and not file.is_file():
        raise InputError(f"there is no such file: {file}; give the path of {PNEUMONIA}.npz")
    if file is not None and file.suffix != ".npz":
        raise InputError(f"{file}: must be {PNEUMONIA}.npz, in the layout of MedMNIST")
    return Demonstration(
        data=(file if file is not None else fetched(),),
        schema=schema_of(PNEUMONIA),
        population=f"{PNEUMONIA}-demo",
    )


def fetched() -> Path:
    """PneumoniaMNIST's file, as the package `medmnist` keeps it, downloaded if need be.

    Raises:
        InputError: if the package is not installed or can't download it.
    """
    by_hand = f"or give its file: --file {PNEUMONIA}.npz (from https://medmnist.com)"
    try:
        medmnist = importlib.import_module("medmnist")
    except ImportError:
        raise InputError(
            f"{PNEUMONIA} comes with the package medmnist, which is not installed: "
            f"pip install 'dpsynth[medmnist]'; {by_hand}"
        ) from None
    try:
        held = medmnist.PneumoniaMNIST(split="train", download=True)
        path = Path(held.root) / f"{PNEUMONIA}.npz"
    except Exception as error:  # of whatever it downloads with
        raise InputError(
            f"medmnist can't fetch {PNEUMONIA} ({type(error).__name__}); check the network, "
            f"{by_hand}"
        ) from None
    if not path.is_file():
        raise InputError(f"medmnist left no file {path}; {by_hand}")
    return path


def schema_of(name: str) -> Schema:
    """What is public about data that dpsynth knows by name: "chest-phantoms", `PNEUMONIA`."""
    return load_schema(Path(str(resources.files("dpsynth.data"))) / f"{name}.yaml")
