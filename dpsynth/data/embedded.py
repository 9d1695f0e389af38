"""The data set that comes with a dependency, so that everyone can try dpsynth at once."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from dpsynth.data.schema_file import load_schema
from dpsynth.errors import DataError
from dpsynth.schema import Schema


def randhie_path() -> Path:
    """RAND Health Insurance Experiment, 20,190 person-years, as statsmodels carries it.

    Raises:
        DataError: if statsmodels is missing or does not carry the file any more.
    """
    path = Path(str(resources.files("statsmodels"))) / "datasets/randhie/src/randhie.csv"
    if not path.is_file():
        raise DataError("statsmodels lacks randhie.csv; pip install 'statsmodels>=0.15'")
    return path


def randhie_schema_path() -> Path:
    """The schema file that goes with it."""
    return Path(str(resources.files("dpsynth.data"))) / "randhie.yaml"


def randhie_schema() -> Schema:
    """Its public facts."""
    return load_schema(randhie_schema_path())
