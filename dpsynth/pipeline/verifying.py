"""A bundle on another machine: is it what it says, and may it be out?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpsynth.errors import CardError, InputError, PromiseError
from dpsynth.pipeline import signing
from dpsynth.pipeline.bundle import POLICY, REPORT, Bundle
from dpsynth.privacy.card import validate
from dpsynth.privacy.card.keeping import faults, tiered
from dpsynth.privacy.card.sections import NOT_SIGNED
from dpsynth.privacy.policy import Policy, load_policy, policy_of

CARD = "privacy.json"
NEEDED = (CARD, "privacy.html", "schema.yaml", "datasheet.html")
REPORT_PAGE = f"{REPORT}/report.html"


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


def verify(
    path: str | Path, *, key: str | Path | None = None, policy: str | Path | None = None
) -> Verified:
    """Check a bundle without a ledger.

    Checksums show that nothing was changed by accident; only a signature, with a key that came
    another way, shows that nobody changed it on purpose. What is in the bundle is held against
    the tier that it says, by the policy that lies in it; that this is the committee's policy, only
    its file, which came another way, shows.

    Args:
        path: of the bundle.
        key: public key in PEM that must have signed it; none to leave the signature unchecked.
        policy: file of the policy that it must have been released under; none for any.

    Raises:
        PromiseError: naming what is wrong.
        InputError: if it can't be read as a bundle at all.
    """
    with Bundle(Path(path)) as found:
        signer = _signer(found, key)
        listed = found.listed()
        _check_files(found, listed)
        card = _card(found)
        _check_signer(found, card, key)
        _check_tier(found, card, listed)
        if policy is not None:
            _check_policy(card, load_policy(Path(policy)))
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


def _check_signer(found: Bundle, card: dict[str, Any], key: str | Path | None) -> None:
    """The card says a signer if and only if there is a signature, and the key that was given."""
    said = card["signature"]["signer"]
    signed = found.signature is not None
    if signed is (said == NOT_SIGNED):
        raise PromiseError(
            f"the bundle is {'signed' if signed else 'not signed'}, and its card says {said!r}"
        )
    if key is not None and said != signing.words_of(signing.public_key(Path(key))):
        raise PromiseError(f"the card says another signer: {said}")


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


def _check_tier(found: Bundle, card: dict[str, Any], listed: Mapping[str, str]) -> None:
    """What is in the bundle keeps to the tier that its card says, by the policy beside it."""
    said = card["tier"]
    reports = [name for name in listed if name.startswith(f"{REPORT}/")]
    if said["status"] == "none" or said["report"] == "shareable":
        if REPORT_PAGE not in listed:
            raise PromiseError(f"{REPORT_PAGE} is missing")
    elif reports:
        raise PromiseError(f"{reports[0]} is in the bundle, and tier {said['name']} allows none")
    if said["status"] == "none":
        if POLICY in listed:
            raise PromiseError(f"{POLICY} is in the bundle, and the card names no tier of it")
        return
    if POLICY not in listed:
        raise PromiseError(f"{POLICY} is missing, and the card says tier {said['name']}")
    held = _policy(found.read(POLICY))
    try:
        tier = held.tier(said["name"])
    except InputError as error:
        raise PromiseError(f"the bundle's policy has no such tier as its card: {error}") from error
    if tiered(held, tier).model_dump(mode="json") != said:
        raise PromiseError("the card's tier is not as the policy in the bundle says it")
    if wrong := faults(card, tier, signed=found.signature is not None):
        raise PromiseError(f"this is no release of tier {tier.name}: {'; '.join(wrong)}")


def _policy(text: bytes) -> Policy:
    """The policy in a bundle, whose bytes are the canonical ones."""
    try:
        held = policy_of(json.loads(text))
    except (InputError, ValueError, RecursionError) as error:
        raise PromiseError(f"{POLICY} is no policy: {error}") from error
    if held.canonical() != text:
        raise PromiseError(f"{POLICY} is not as dpsynth writes it")
    return held


def _check_policy(card: dict[str, Any], wanted: Policy) -> None:
    """The release went out under this very policy."""
    said = card["tier"]
    if said["status"] == "none":
        raise PromiseError(f"the bundle was released under no policy: {said['reason']}")
    if said["policy_sha256"] != wanted.sha256:
        raise PromiseError(
            f"the bundle was released under another policy: its SHA-256 is "
            f"{said['policy_sha256']}, the given file's {wanted.sha256}"
        )


def _card(found: Bundle) -> dict[str, Any]:
    try:
        card: dict[str, Any] = json.loads(found.read(CARD))
    except ValueError as error:
        raise CardError(f"{CARD} is not JSON: {error}") from error
    if not isinstance(card, dict):
        raise CardError(f"{CARD} is no privacy card")
    validate(card, released=True)
    return card
