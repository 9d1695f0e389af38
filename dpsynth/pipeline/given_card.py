"""Is a privacy card that somebody gives with a copy a card of these very files?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dpsynth.errors import PromiseError
from dpsynth.evaluation.report import NOT_CHECKED
from dpsynth.pipeline import copies, digests
from dpsynth.pipeline.access import plain_paths

NAMED = "Each file of the copy stands on the card by its SHA-256."
MADE = "The run in whose folder the card lies made these very files."


def check_card(
    card: Mapping[str, Any] | None, synthetic: Sequence[str | Path], beside: Path | None = None
) -> str:
    """Hold a card against the copy's files as far as it can be, and say how far that was.

    A card of a release names its files by their hashes. A run's own card names none, but the
    run's folder holds the hash of every copy that the run has made.

    Args:
        card: as JSON, ours or anyone's.
        synthetic: the copy's files or folder.
        beside: the folder that the card lies in.

    Returns:
        What a report says of it.

    Raises:
        PromiseError: if the card is of other files.
    """
    if not card or not synthetic:
        return NOT_CHECKED
    if listed := _hashes(card):
        for path, digest in _given(synthetic).items():
            if digest not in listed:
                raise PromiseError(
                    f"the card is not of this copy: it does not name {path} as it is now; give the "
                    "card that came with these files, or none"
                )
        return NAMED
    made = () if beside is None else tuple(each.digest for each in copies.noted(beside))
    folder = Path(synthetic[0])
    if not made or len(synthetic) > 1 or not folder.is_dir():
        return NOT_CHECKED
    if digests.together(digests.of_folder(folder)) not in made:
        raise PromiseError(
            f"the card is not of this copy: the run in {beside} did not make the files in {folder} "
            "as they are now; give the card of the run that did, or none"
        )
    return MADE


def _hashes(card: Mapping[str, Any]) -> set[str]:
    """SHA-256 of the files that a card names, in whatever form it comes."""
    identity = card.get("identity")
    files = identity.get("files") if isinstance(identity, Mapping) else None
    found = files if isinstance(files, list | tuple) else ()
    return {str(each["sha256"]) for each in found if isinstance(each, Mapping) and "sha256" in each}


def _given(synthetic: Sequence[str | Path]) -> dict[str, str]:
    """Hash of every file that was given, by its path."""
    found: dict[str, str] = {}
    for path in plain_paths(synthetic):
        if path.is_dir():
            found |= {str(path / name): h for name, h in digests.of_folder(path).items()}
        elif path.is_file():
            found[str(path)] = digests.of_file(path)
    return found
