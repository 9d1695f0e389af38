"""`dpsynth release`: copy, privacy card and datasheet in one bundle that may leave the house."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dpsynth.cli import options
from dpsynth.cli.output import finish
from dpsynth.cli.verify import tier_line


@click.command("release", short_help="One bundle that may leave the house.")
@click.argument("run", type=options.PATH, metavar="RUN")
@click.option(
    "--synthetic", type=options.PATH, required=True, metavar="FOLDER", help="As generate wrote it."
)
@click.option("--out", type=options.PATH, required=True, metavar="ZIP", help="New file.")
@click.option(
    "--report",
    type=options.PATH,
    metavar="FOLDER",
    help="Internal report on this copy; its date alone goes onto the card.",
)
@click.option("--reason", default="", metavar="WORDS", help="Why there is none, or no subgroups.")
@click.option(
    "--about",
    type=options.PATH,
    metavar="FILE",
    help="YAML or TOML: curator, region, collection, intended_use, forbidden_use, limits, ...",
)
@click.option("--key", type=options.PATH, metavar="PEM", help="Ed25519 private key to sign with.")
@options.tier_option("Refuse what does not keep to this tier, and say who may have the bundle.")
@options.policy_option
@options.json_option
def command(run: Path, as_json: bool, **given: Any) -> None:
    """Write a bundle: copy, schema, privacy card, datasheet, shareable report, with checksums.

    Refused for a run with a known seed or a violated audit, files that the run did not make, a
    broken ledger, a report whose access the ledger does not hold, or what does not keep to the
    --tier of a policy. Nothing in a bundle compares with real patients.
    """
    from dpsynth.cli import statement
    from dpsynth.pipeline.about import load_about
    from dpsynth.pipeline.releasing import release
    from dpsynth.privacy.ledger import Ledger

    ledger, about = Ledger(), given.pop("about")
    done = release(run, ledger=ledger, about=None if about is None else load_about(about), **given)
    told = (done.run, done.card, run, ledger)
    finish(
        {
            "command": "release",
            "bundle": str(done.path),
            "sha256": done.sha256,
            "files": list(done.files),
            "signer": done.card["signature"]["signer"],
            "tier": done.card["tier"],
            "privacy": statement.facts(*told),
        },
        [
            f"Wrote {done.path} with {len(done.files)} files, SHA-256 {done.sha256}.",
            f"Signature: {done.card['signature']['signer']}.",
            tier_line(done.card),
            "Whoever receives it can check it: dpsynth verify " + str(done.path),
            *statement.lines(*told),
        ],
        as_json=as_json,
    )
