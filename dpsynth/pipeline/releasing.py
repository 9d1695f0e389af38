"""From a finished run, its copy and its internal report to one bundle that may leave the house."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpsynth.data.reader import read
from dpsynth.data.schema_file import schema_text
from dpsynth.errors import InputError, PromiseError
from dpsynth.pipeline import bundle, copies, digests, signing
from dpsynth.pipeline.about import About
from dpsynth.pipeline.bundle import DATA, POLICY, REPORT
from dpsynth.pipeline.card import composition
from dpsynth.pipeline.choices import told, tuning
from dpsynth.pipeline.datasheet import datasheet
from dpsynth.pipeline.run_folder import Run, RunFolder
from dpsynth.pipeline.sharing import share
from dpsynth.pipeline.tiers import Chosen, chosen_tier
from dpsynth.privacy.card import NoTier, render_html, validate
from dpsynth.privacy.card.keeping import faults, tiered
from dpsynth.privacy.card.registry import registry_text
from dpsynth.privacy.ledger import Ledger


@dataclass(frozen=True, kw_only=True)
class Released:
    """What `release` wrote.

    Attributes:
        path: the bundle.
        sha256: of its bytes.
        run: whose copy it holds.
        card: as it is in the bundle.
        files: names in the bundle.
    """

    path: Path
    sha256: str
    run: Run
    card: dict[str, Any]
    files: tuple[str, ...]


def release(
    run_folder: str | Path,
    synthetic: str | Path,
    out: str | Path,
    *,
    report: str | Path | None = None,
    reason: str = "",
    about: About | None = None,
    key: str | Path | None = None,
    tier: str | None = None,
    policy: str | Path | None = None,
    ledger: Ledger | None = None,
) -> Released:
    """Write a bundle: the copy, its schema, card, datasheet and shareable report, with checksums.

    Guarantee:
        Everything in the bundle is the copy, or follows from the run's released answers, from
        public facts and from the ledger's sums: no figure about real patients is in it. The same
        run, copy, report and ledger give the same bytes.

    Args:
        run_folder: a finished run.
        synthetic: the folder that `generate` wrote, as it wrote it.
        out: the bundle; an existing file is refused.
        report: the folder of the internal report on this very copy.
        reason: why there is no report, or none on subgroups.
        about: the steward's words.
        key: Ed25519 private key in PEM, to sign with.
        tier: of the policy, which the release must keep to; the bundle says who may have it.
        policy: file of the committee's policy; none for dpsynth's own.
        ledger: none for the user's own; it must know the run.

    Raises:
        PromiseError: if the copy must not be released: a known seed, a violated audit, files that
            the run did not make, an access that the ledger does not hold, no report and no reason,
            or anything that does not keep to the tier.
        LedgerError: if the ledger's chain is broken, or does not know the run.
        InputError: on bad input.
    """
    book, folder, target = ledger or Ledger(), RunFolder(Path(run_folder)), Path(out)
    if target.exists():
        raise InputError(f"{target} exists; choose another name")
    run = folder.load()
    if run.status != "finished":
        raise InputError(f"{run_folder} is not finished; continue it with train --resume")
    if not math.isfinite(run.plan.epsilon):
        raise PromiseError(f"{run_folder} was trained without noise: it protects nobody")
    kept = chosen_tier(tier, policy)
    signer = None if key is None else signing.private_key(Path(key))
    _check_ledger(book, run)
    copy, hashes = copies.found(folder.path, Path(synthetic))
    words = about or About()
    card = _card(folder, book, run, hashes, words)
    card |= _reports(book, run, digests.together(hashes), report, reason)
    if card["evaluation"]["status"] == "internal":
        _say_that_somebody_looked(card)
    if signer is not None:
        card["signature"] = card["signature"] | {"signer": signing.words_of(signer.public_key())}
    card["tier"] = _tier(kept)
    validate(card, released=True)
    _check_tier(kept, card, signed=signer is not None)
    records, _ = read([synthetic], run.schema)
    asked = ", ".join([*copy.where, *([f"balanced by {copy.balance}"] if copy.balance else [])])
    sheet = datasheet(run.schema, run.codec, records, card, words, asked=asked)
    members: dict[str, bytes | Path] = {
        f"{DATA}/{name}": Path(synthetic) / name for name in hashes
    } | {
        "schema.yaml": schema_text(run.schema).encode(),
        "privacy.json": (json.dumps(card, indent=1) + "\n").encode(),
        "privacy.html": render_html(card).encode(),
        "datasheet.html": sheet.encode(),
        "registry.yaml": registry_text(card).encode(),
    }
    if kept is not None:
        members[POLICY] = kept.policy.canonical()
    if kept is None or kept.tier.report == "shareable":
        members |= _shared(Path(synthetic), run, card)
    sha256 = bundle.write(target, members, signer.sign if signer else None)
    return Released(path=target, sha256=sha256, run=run, card=card, files=tuple(sorted(members)))


def _tier(kept: Chosen | None) -> dict[str, Any]:
    """The card's section on who may have the release."""
    if kept is None:
        return NoTier(reason="it was released under no tier of a policy").model_dump(mode="json")
    return tiered(kept.policy, kept.tier).model_dump(mode="json")


def _check_tier(kept: Chosen | None, card: Mapping[str, Any], *, signed: bool) -> None:
    """Refuse what does not keep to the tier, with every reason at once."""
    found = [] if kept is None else faults(card, kept.tier, signed=signed)
    if kept is not None and found:
        raise PromiseError(f"this is no release of tier {kept.tier.name}: {'; '.join(found)}")


def _shared(synthetic: Path, run: Run, card: Mapping[str, Any]) -> dict[str, bytes]:
    """The report on the copy alone."""
    with tempfile.TemporaryDirectory() as place:
        files = share([synthetic], run.schema, place, privacy=card, codec=run.codec)
        return {f"{REPORT}/{each.name}": each.read_bytes() for each in files}


def _check_ledger(book: Ledger, run: Run) -> None:
    """The run was paid for and closed in an unbroken chain."""
    entries = book.entries(run.population)  # raises on a broken chain
    ended = [e for e in entries if e.type == "finish" and e.body.get("run") == run.id]
    if not ended:
        raise PromiseError(
            f"the ledger {book.root} holds no finished run {run.id} of population "
            f"{run.population!r}; release where the run was made"
        )


def _card(
    folder: RunFolder, book: Ledger, run: Run, hashes: Mapping[str, str], about: About
) -> dict[str, Any]:
    """The run's card with what is known only now."""
    card = folder.card()
    files = [{"name": f"{DATA}/{name}", "sha256": digest} for name, digest in hashes.items()]
    card["identity"] |= {
        "curator": about.curator,
        "sector": about.sector,
        "region": about.region,
        "intended_use": list(about.intended_use),
        "forbidden_use": list(about.forbidden_use),
        "files": files,
    }
    together = composition(book, run.population).model_dump(mode="json")
    card["scope"] |= {"copies": len(copies.noted(folder.path)), "composition": together}
    chosen = tuning(book, run)
    card["scope"]["accesses"]["tuning"] = chosen.model_dump(mode="json")
    card["scope"]["unprotected"] = list(told(card["scope"]["unprotected"], chosen))
    return card


def _say_that_somebody_looked(card: dict[str, Any]) -> None:
    """An internal report is an access that the promise does not cover."""
    date = card["evaluation"]["date"]
    card["scope"]["accesses"]["evaluation"] = {
        "status": "not covered",
        "how": f"an internal report of {date} compared this copy with real records",
    }
    card["scope"]["unprotected"] = [
        *card["scope"]["unprotected"],
        f"that this copy was released after its internal report of {date} was seen",
    ]


def _reports(
    book: Ledger, run: Run, copy: str, report: str | Path | None, reason: str
) -> dict[str, Any]:
    """Sections on evaluation and subgroups: that somebody looked, and when; or why nobody did."""
    if report is None:
        if not reason.strip():
            raise PromiseError(
                "nobody has looked at this copy: give --report with its evaluation (it stays "
                "internal), or --reason in words, which will stand on the card"
            )
        nobody = {"status": "not assessed", "reason": reason}
        return {"evaluation": nobody, "subgroups": nobody}
    facts = _facts(Path(report))
    logged = [
        e.body
        for e in book.entries(run.population)
        if e.type == "unprotected" and e.body.get("report") == facts["id"]
    ]
    if not logged:
        raise PromiseError(
            f"the ledger does not hold the access that made {report}: real records of population "
            f"{run.population!r} were read without an entry, or it is about other patients"
        )
    if facts["copy"] != copy:
        raise PromiseError(f"{report} is about another copy; evaluate this one")
    rows = facts["rows"]
    # Names of metrics and of groups stay inside: which rows there are, where ranges of a number
    # end and which groups anybody is in follows from real patients. Families and attributes are
    # the schema's.
    families = {row["family"] for row in rows}
    found = {"status": "internal", "date": facts["date"], "looked_at": sorted(families)}
    if "bias" not in families and not reason.strip():
        raise PromiseError(
            f"{report} compares no subgroups, since the schema names no sensitive attribute: mark "
            "them, or give --reason in words, which will stand on the card"
        )
    subgroups = {"status": "not assessed", "reason": reason}
    if "bias" in families:
        columns = run.schema.columns("patient").items()
        subgroups = found | {"looked_at": [name for name, each in columns if each.sensitive]}
    return {"evaluation": found, "subgroups": subgroups}


def _facts(report: Path) -> dict[str, Any]:
    """What the JSON of an internal report says of itself.

    Raises:
        InputError: if it is none of ours.
    """
    path = report / "report.json" if report.is_dir() else report
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {name: facts[name] for name in ("id", "copy", "date", "rows")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is no report of evaluate (of this version): {error}; evaluate the copy"
        ) from error
