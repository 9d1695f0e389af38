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

    The items are those that the STANDING Together recommendations ask of a data set's
    documentation and that no program can find out.

    Attributes:
        summary: what it is, in plain language.
        curator: who answers for the data, and how to reach them.
        licence: terms of use, and how access is asked for.
        purpose: why the copy was made.
        funding: who paid for the data and for the copy.
        sector, region: of the institution.
        intended_use, forbidden_use: of the copy.
        collection: who was recorded, where, when and how; who is missing.
        categories: who decided on sensitive attributes and their categories, and how
            (self-reported, from records, assigned).
        changes: of care, coding or devices while the data were collected.
        ethics: approvals, and what patients agreed to.
        involvement: of patients and the public.
        assumptions: of those who made the data set, and biases that they know of.
        limits: what a user must know besides.
        maintenance: whether there will be newer copies, and how errors are told.

    Reference: Alderman et al., Tackling algorithmic bias and promoting transparency in health
    datasets: the STANDING Together consensus recommendations, Lancet Digital Health 7, 2025;
    https://www.datadiversity.org (documentation recommendations).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    summary: str = "not stated"
    curator: str = "not stated"
    licence: str = "not stated"
    purpose: str = "not stated"
    funding: str = "not stated"
    sector: str = "health"
    region: str = "not stated"
    intended_use: tuple[str, ...] = _USES["intended_use"].default
    forbidden_use: tuple[str, ...] = _USES["forbidden_use"].default
    collection: str = "not stated"
    categories: str = "not stated"
    changes: str = "not stated"
    ethics: str = "not stated"
    involvement: str = "not stated"
    assumptions: str = "not stated"
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
