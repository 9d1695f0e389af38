"""What only people know of a data set: who answers for it, where it comes from, what it is for."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from dpsynth.errors import InputError
from dpsynth.privacy.card import Identity

MOST_BYTES = 1_000_000
_USES = Identity.model_fields


class About(BaseModel):
    """The steward's own words; what is left out is said to be not stated.

    Attributes:
        curator: who answers for the data, and how to reach them.
        sector, region: of the institution.
        intended_use, forbidden_use: of the copy.
        collection: who was recorded, where, when and how; who is missing.
        categories: who decided on sensitive attributes and their categories, and how
            (self-reported, from records, assigned).
        limits: what a user must know besides.
        maintenance: whether there will be newer copies, and how errors are told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    curator: str = "not stated"
    sector: str = "health"
    region: str = "not stated"
    intended_use: tuple[str, ...] = _USES["intended_use"].default
    forbidden_use: tuple[str, ...] = _USES["forbidden_use"].default
    collection: str = "not stated"
    categories: str = "not stated"
    limits: str = "not stated"
    maintenance: str = "not stated"


def load_about(path: Path) -> About:
    """The words in a YAML or TOML file.

    Raises:
        InputError: one line that names the field.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path} has over {MOST_BYTES:,} bytes")
        text = path.read_text(encoding="utf-8")
        facts: Any = tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
        return About.model_validate(facts or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        known = ", ".join(About.model_fields)
        raise InputError(f"{path}: {where}: {first['msg']}; fields are {known}") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path} can't be read: {error}") from error
