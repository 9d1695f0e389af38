"""`dpsynth verify`: is a bundle what it says, and may it be out?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from dpsynth.cli import options
from dpsynth.cli.output import finish, one_line


@click.command("verify", short_help="Check a bundle, on any machine.")
@click.argument("bundle", type=options.PATH, metavar="ZIP")
@click.option(
    "--key", type=options.PATH, metavar="PEM", help="Ed25519 public key that must have signed it."
)
@click.option(
    "--policy",
    type=options.PATH,
    metavar="FILE",
    help="Policy that it must have been released under; without it, the one in the bundle is "
    "believed to be the committee's.",
)
@options.json_option
def command(bundle: Path, key: Path | None, policy: Path | None, as_json: bool) -> None:
    """Check a bundle's files, privacy card, tier and signature; needs no ledger.

    Without --key a signature is not checked: checksums alone show no more than that nothing was
    changed by accident. Ends with 1 if something is wrong.
    """
    from dpsynth.pipeline.verifying import verify

    found = verify(bundle, key=key, policy=policy)
    promise, audit = found.card["guarantee"], found.card["audit"]
    signed = f"signed by key {found.signer}"
    if not found.signer:
        signed = "signature not checked: give --key" if found.signed else "not signed"
    finish(
        {
            "command": "verify",
            "bundle": str(bundle),
            "files": found.files,
            "signed": found.signed,
            "signer": found.signer or None,
            "epsilon": promise["epsilon"],
            "delta": promise["delta"],
            "unit": promise["unit"],
            "audit": audit.get("verdict", audit["status"]),
            "tier": found.card["tier"],
            "policy_checked": policy is not None,
        },
        [
            f"{bundle}: {found.files} files, each as it was released; {signed}.",
            f"Promise: epsilon {promise['epsilon']:g}, delta {promise['delta']:g} per "
            f"{promise['unit']}. Audit: {audit.get('verdict', audit['status'])}.",
            tier_line(found.card, checked=policy is not None),
            "This checks what the bundle says of itself, not that it was trained as it says.",
        ],
        as_json=as_json,
    )


def tier_line(card: Mapping[str, Any], checked: bool = True) -> str:
    """Who may have a release, and by whose rules."""
    tier = card["tier"]
    if tier["status"] == "none":
        return one_line(f"Who may have it: not said; {tier['reason']}.")
    whose = f"policy of {tier['owner']}, SHA-256 {tier['policy_sha256']}"
    unsure = "" if checked else ", as the bundle says: give --policy to check it"
    said = f"Who may have it: {tier['audience']} (tier {tier['name']}; {whose}{unsure})."
    return one_line(said)  # a foe's bundle may say anything
