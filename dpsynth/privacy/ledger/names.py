"""What a population or a group may be called, and that a name stands for one thing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dpsynth.errors import LedgerError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_name(name: str) -> None:
    """Refuse what is no plain word.

    Raises:
        LedgerError: saying what is.
    """
    if not NAME.fullmatch(name):
        raise LedgerError(
            "a population's name is 1 to 64 letters, digits, dots, dashes and underscores, "
            f"got {name!r}"
        )


def check_free(name: str, what: str, alike: Sequence[str], others: Sequence[str]) -> None:
    """Refuse a name that stands for something else, also where capitals are all the same.

    Args:
        name: of a new or known one.
        what: "population" or "group".
        alike: names of all of that kind.
        others: names of all of the other kind.

    Raises:
        LedgerError: naming what it stands for.
    """
    folded = name.casefold()
    if folded in {each.casefold() for each in others}:
        other = "group" if what == "population" else "population"
        raise LedgerError(f"{name!r} is the name of a {other}; choose another for the {what}")
    taken = {each.casefold(): each for each in alike}.get(folded, name)
    if taken != name:
        raise LedgerError(f"{what} {name!r} differs from {taken!r} only by capitals; use that name")
