"""Tiers of a policy: who may have a release, and what its guarantee must keep to for that.

A policy belongs to whoever decides on releases (a governance committee), not to whoever trains.
It is a TOML file; `policy.toml` beside this file is ours. Its hash is over what it says and not
over its comments, and stands on the card, so that a release tells by whose rules it went out.
A tier bounds a guarantee and gives none: what is promised is the run's own epsilon and delta.
"""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, NoReturn

from dpsynth.errors import InputError
from dpsynth.privacy.budget import default_delta, reported

DEFAULT = Path(__file__).with_name("policy.toml")
MOST_BYTES = 1_000_000
MOST_EPSILON = 1e6


@dataclass(frozen=True, kw_only=True)
class Tier:
    """What a release must keep to, to go to whom.

    Attributes:
        name: a word.
        epsilon: most that it may cost a patient, > 0.
        delta_exponent: delta is below P^-delta_exponent, P the public or noised size; at least 1,
            since nobody may be given away for certain.
        of: what is held against both: this run, or all runs on the same patients together.
        audience: who may have it, in words.
        report: what of reports goes with the copy.
        audit: whether the run's own audit must be consistent with its claim.
        subgroups: whether somebody must have looked at subgroups.
        signature: whether it must be signed.
        assumed_public: whether facts may have been read from values without protection.
    """

    name: str
    epsilon: float
    delta_exponent: float
    of: Literal["run", "population"]
    audience: str
    report: Literal["shareable", "none"]
    audit: bool
    subgroups: bool
    signature: bool
    assumed_public: bool

    def __post_init__(self) -> None:
        """Check each field, and its type: they come out of a file.

        Raises:
            InputError: names the field, its value, its range.
        """
        if not self.name.strip():
            raise InputError(f"a tier needs a name that is a word, got {self.name!r}")
        if not (_is_number(self.epsilon) and 0 < self.epsilon <= MOST_EPSILON):
            self._refuse("epsilon", f"a number above 0, at most {MOST_EPSILON:g}")
        if reported(self.epsilon) != self.epsilon:
            self._refuse("epsilon", "of two decimals, as cards show it")
        if not (_is_number(self.delta_exponent) and 1 <= self.delta_exponent <= 10):
            self._refuse("delta_exponent", "a number from 1 to 10")
        for name, words in (("of", ("run", "population")), ("report", ("shareable", "none"))):
            if getattr(self, name) not in words:
                self._refuse(name, " or ".join(map(repr, words)))
        if not (isinstance(self.audience, str) and self.audience.strip()):
            self._refuse("audience", "words that say who may have it")
        for name in ("audit", "subgroups", "signature", "assumed_public"):
            if not isinstance(getattr(self, name), bool):
                self._refuse(name, "true or false")

    def _refuse(self, name: str, wanted: str) -> NoReturn:
        raise InputError(
            f"tier {self.name!r}: {name} must be {wanted}, got {getattr(self, name)!r}"
        )

    def delta_below(self, population: int) -> float:
        """P^-delta_exponent; 0 where that is less than any number, since a card may say any P."""
        try:
            return float(population) ** -self.delta_exponent
        except OverflowError:
            return 0.0

    def holds_delta(self, delta: float, population: int) -> bool:
        """Whether delta is below P^-delta_exponent."""
        return 0 < delta < self.delta_below(population)

    def delta(self, population: int) -> float:
        """The largest power of ten below P^-1.1 and the tier's bound.

        Raises:
            InputError: if no number is so small.
        """
        delta = default_delta(population)
        while delta and not self.holds_delta(delta, population):
            delta = float(f"1e{round(math.log10(delta)) - 1}")
        if not delta:
            self._refuse("delta_exponent", f"so small that a number is below {population}^-it")
        return delta


@dataclass(frozen=True, kw_only=True)
class Policy:
    """All tiers that a committee knows.

    Attributes:
        owner: who decides on it, in words.
        tiers: at least one, each with a name of its own.
    """

    owner: str
    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        """Refuse a policy of nobody, or of nothing."""
        if not (isinstance(self.owner, str) and self.owner.strip()):
            raise InputError(f"owner must be words that say who decides, got {self.owner!r}")
        if not self.tiers:
            raise InputError("a policy needs at least one tier, such as [tiers.public]")
        names = [tier.name for tier in self.tiers]
        if len(set(names)) < len(names):
            raise InputError(f"each tier needs a name of its own, got {names!r}")

    def tier(self, name: str) -> Tier:
        """The tier of that name.

        Raises:
            InputError: if there is none.
        """
        found = {tier.name: tier for tier in self.tiers}
        if name not in found:
            raise InputError(f"tier must be one of {', '.join(found)}, got {name!r}")
        return found[name]

    def canonical(self) -> bytes:
        """What it says as JSON, always in the same bytes: comments and order are not in them."""
        tiers = {tier.name: asdict(tier) for tier in self.tiers}
        for each in tiers.values():
            del each["name"]
            each |= {name: float(each[name]) for name in ("epsilon", "delta_exponent")}
        facts = {"owner": self.owner, "tiers": tiers}
        return (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode()

    @property
    def sha256(self) -> str:
        """Hash of the canonical bytes, by which a policy is known."""
        return hashlib.sha256(self.canonical()).hexdigest()


def load_policy(path: Path | None = None) -> Policy:
    """A policy out of a TOML file, or out of the canonical JSON that lies in a bundle.

    Args:
        path: of the file; none for dpsynth's own tiers.

    Raises:
        InputError: one line that names file, tier and field.
    """
    file = DEFAULT if path is None else path
    try:
        if file.stat().st_size > MOST_BYTES:
            raise InputError(f"{file} has over {MOST_BYTES:,} bytes; a policy is a few lines")
        text = file.read_text(encoding="utf-8")
        facts = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file} can't be read as a policy: {error}") from error
    try:
        return policy_of(facts)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error


def policy_of(facts: Any) -> Policy:
    """A policy from what a file says.

    Raises:
        InputError: as `load_policy`, for unknown and missing fields too.
    """
    _check_names(facts, ("owner", "tiers"), "the policy")
    _check_names(facts["tiers"], None, "tiers")
    known = tuple(each.name for each in fields(Tier) if each.name != "name")
    for name, each in facts["tiers"].items():
        _check_names(each, known, f"tier {name!r}")
    tiers = (Tier(name=name, **each) for name, each in facts["tiers"].items())
    return Policy(owner=facts["owner"], tiers=tuple(tiers))


def _check_names(facts: Any, known: tuple[str, ...] | None, what: str) -> None:
    """Every field is said, and no other: a field that is misspelt must not be left out quietly."""
    if not isinstance(facts, Mapping):
        raise InputError(f"{what} must be a table, got {facts!r}")
    if known is None:
        return
    for name in known:
        if name not in facts:
            raise InputError(f"{what} lacks {name}; it needs {', '.join(known)}")
    if more := sorted(set(facts) - set(known)):
        raise InputError(f"{what} has no field {more[0]!r}; it has {', '.join(known)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
