"""A bundle on another machine: is it what it says, and may it be out?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpsynth.errors import CardError, PromiseError
from dpsynth.pipeline import signing
from dpsynth.pipeline.bundle import Bundle
from dpsynth.privacy.card import validate

CARD = "privacy.json"
NEEDED = (CARD, "privacy.html", "schema.yaml", "datasheet.html", "report/report.html")


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What `verify` found.

    Attributes:
        card: of the release.
        signer: the key that signed and was asked for, or empty.
        signed: whether there is a signature, checked or not.
        files: how many.
    """

    card: dict[str, Any]
    signer: str
    signed: bool
    files: int


def verify(path: str | Path, *, key: str | Path | None = None) -> Verified:
    """Check a bundle without a ledger.

    Checksums show that nothing was changed by accident; only a signature, with a key that came
    another way, shows that nobody changed it on purpose.

    Args:
        path: of the bundle.
        key: public key in PEM that must have signed it; none to leave the signature unchecked.

    Raises:
        PromiseError: naming what is wrong.
        InputError: if it can't be read as a bundle at all.
    """
    with Bundle(Path(path)) as found:
        signer = _signer(found, key)
        listed = found.listed()
        _check_files(found, listed)
        card = _card(found)
        data = {name: digest for name, digest in listed.items() if name.startswith("data/")}
        claimed = {each["name"]: each["sha256"] for each in card["identity"]["files"]}
        if claimed != data:
            raise PromiseError("the privacy card is of other files than the bundle's")
        return Verified(
            card=card,
            signer=signer,
            signed=found.signature is not None,
            files=len(listed),
        )


def _signer(found: Bundle, key: str | Path | None) -> str:
    if key is None:
        return ""
    public = signing.public_key(Path(key))
    if found.signature is None:
        raise PromiseError("the bundle is not signed")
    if not signing.signed_by(public, found.signature, found.manifest):
        raise PromiseError("the signature is not that key's, or the bundle was changed")
    return signing.name_of(public)


def _check_files(found: Bundle, listed: dict[str, str]) -> None:
    """Every file is listed, every listed file is there, and is what it was."""
    lost, more = sorted(set(listed) - set(found.names)), sorted(set(found.names) - set(listed))
    for names, what in ((lost, "is missing"), (more, "is not on the manifest")):
        if names:
            raise PromiseError(f"{names[0]} {what}")
    for name in NEEDED:
        if name not in listed:
            raise PromiseError(f"{name} is missing")
    for name, digest in listed.items():
        if found.digest(name) != digest:
            raise PromiseError(f"{name} was changed: its SHA-256 is another")


def _card(found: Bundle) -> dict[str, Any]:
    try:
        card: dict[str, Any] = json.loads(found.read(CARD))
    except ValueError as error:
        raise CardError(f"{CARD} is not JSON: {error}") from error
    if not isinstance(card, dict):
        raise CardError(f"{CARD} is no privacy card")
    validate(card, released=True)
    return card
