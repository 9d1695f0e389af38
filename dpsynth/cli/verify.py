"""`dpsynth verify`: is a bundle what it says, and may it be out?"""

from __future__ import annotations

from pathlib import Path

import click

from dpsynth.cli import options
from dpsynth.cli.output import finish


@click.command("verify", short_help="Check a bundle, on any machine.")
@click.argument("bundle", type=options.PATH, metavar="ZIP")
@click.option(
    "--key", type=options.PATH, metavar="PEM", help="Ed25519 public key that must have signed it."
)
@options.json_option
def command(bundle: Path, key: Path | None, as_json: bool) -> None:
    """Check a bundle's files, privacy card and signature; needs no ledger.

    Without --key a signature is not checked: checksums alone show no more than that nothing was
    changed by accident. Ends with 1 if something is wrong.
    """
    from dpsynth.pipeline.verifying import verify

    found = verify(bundle, key=key)
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
        },
        [
            f"{bundle}: {found.files} files, each as it was released; {signed}.",
            f"Promise: epsilon {promise['epsilon']:g}, delta {promise['delta']:g} per "
            f"{promise['unit']}. Audit: {audit.get('verdict', audit['status'])}.",
            "This checks what the bundle says of itself, not that it was trained as it says.",
        ],
        as_json=as_json,
    )
