"""A report on a copy that may be shared: no real record is opened, and the ledger is not asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dpsynth.data.codec import Codec
from dpsynth.data.reader import read
from dpsynth.errors import InputError, PromiseError
from dpsynth.evaluation.shareable import shareable, write_shareable
from dpsynth.pipeline import copies
from dpsynth.pipeline.evaluating import code_books
from dpsynth.pipeline.folders import check_free, claimed
from dpsynth.pipeline.given_card import check_card
from dpsynth.pipeline.run_folder import RunFolder
from dpsynth.schema import Schema


def share(
    synthetic: Sequence[str | Path],
    schema: Schema,
    out: str | Path,
    *,
    privacy: Mapping[str, Any] | None = None,
    beside: Path | None = None,
    codec: Codec | None = None,
    seed: int = 0,
    figures: bool = False,
) -> list[Path]:
    """Describe any copy without looking at a real record.

    Guarantee:
        A function of the copy, the schema, the card and the seed alone; it takes no real records,
        so that they can't change a byte of it.

    Args:
        synthetic: the copy's files or folder.
        schema: public facts.
        out: an empty or new folder.
        privacy: the copy's privacy card.
        beside: the folder that the card lies in, where a run's copies are known.
        codec: code books of the run that made the copy; none for the schema's, where ranges and
            categories that it does not state are those of the copy.
        seed: of what is drawn.
        figures: whether to write figures as files too.

    Raises:
        PromiseError: if the card says that the copy must not be released, or is of other files.
        InputError: on bad input.
    """
    check_free(Path(out))
    _check(privacy or {})
    checked = check_card(privacy, synthetic, beside)
    copy, _ = read(synthetic, schema)
    found = shareable(copy, schema, codec or code_books(schema, copy), seed=seed)
    with claimed(Path(out)):
        return write_shareable(
            found,
            Path(out),
            title=f"Synthetic copy of {schema.name}",
            privacy=privacy,
            card_check=checked,
            figures=figures,
        )


def share_run(
    run_folder: str | Path,
    synthetic: Sequence[str | Path],
    out: str | Path,
    *,
    seed: int = 0,
    figures: bool = False,
) -> list[Path]:
    """The same for a copy of a run, whose card and code books are in its folder.

    Raises:
        PromiseError: as `share`, or if the run did not make these very files, or had a known seed.
        InputError: if the copy is not one folder.
    """
    folder = RunFolder(Path(run_folder))
    run = folder.load()
    if run.insecure_seed:
        raise PromiseError(
            f"{run_folder} had a known seed, so that the noise can be taken off; nothing of it may "
            "be shared: train again without a seed"
        )
    if len(synthetic) != 1:
        raise InputError("a shareable report on a run takes one folder that generate wrote")
    copies.found(folder.path, Path(synthetic[0]))
    return share(
        synthetic,
        run.schema,
        out,
        privacy=folder.card(),
        beside=folder.path,
        codec=run.codec,
        seed=seed,
        figures=figures,
    )


def _check(card: Mapping[str, Any]) -> None:
    """A card of ours that says itself that nothing may be released."""
    if _at(card, "implementation", "seed", "insecure") is True:
        raise PromiseError("the card says that the run had a known seed; the copy must stay inside")
    if _at(card, "audit", "verdict") == "violated":
        raise PromiseError("the card says that the audit was violated; the copy must stay inside")


def _at(facts: Any, *names: str) -> Any:
    for name in names:
        facts = facts.get(name) if isinstance(facts, Mapping) else None
    return facts
