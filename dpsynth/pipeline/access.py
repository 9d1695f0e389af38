"""Which patients a command is about to read, and which of them it leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dpsynth.data.records import Records
from dpsynth.data.split import holdout
from dpsynth.errors import InputError
from dpsynth.privacy.ledger import Cost, Ledger


def population_of(ledger: Ledger, files: Sequence[Path], named: str | None) -> str:
    """The population that the files belong to; a named one is joined.

    Raises:
        LedgerError: if the ledger knows neither name nor files.
    """
    if named is not None:
        ledger.join(named, files)
        return named
    return ledger.population_of(files)


def afford(ledger: Ledger, files: Sequence[Path], named: str | None, *asked: Cost) -> str:
    """Refuse runs that a cap does not hold, before any record is read; writes nothing.

    Returns:
        The population, so that files without a name need not be known again: a fingerprint
        reads all of their bytes.

    Raises:
        BudgetError: if it does not.
        LedgerError: if the ledger does not know the files, and no name is given.
    """
    group = ledger.population_of(files) if named is None else named
    if group in ledger.populations():  # a new one has neither cap nor group
        ledger.check(group, *asked)
    return group


def plain_paths(given: Sequence[str | Path]) -> list[Path]:
    """The files behind `table=path` arguments."""
    found = []
    for each in given:
        text = str(each)
        path = Path(text)
        if not path.exists() and "=" in text:
            path = Path(text.split("=", 1)[1])
        found.append(path)
    return found


def absolute(given: Sequence[str | Path]) -> list[str]:
    """The same files wherever a worker stands, `table=path` too."""
    found = []
    for each in given:
        text = str(each)
        table = ""
        if not Path(text).exists() and "=" in text:
            table, _, text = text.partition("=")
            table += "="
        found.append(table + str(Path(text).resolve()))
    return found


def check_rate(rate: float) -> None:
    """Refuse a holdout rate that leaves nobody.

    Raises:
        InputError: unless 0 <= rate < 1.
    """
    if not 0 <= rate < 1:
        raise InputError(f"holdout rate must be in [0, 1), got {rate!r}")


def split(
    records: Records, rate: float, ledger: Ledger, population: str
) -> tuple[Records, Records]:
    """Training and holdout patients, by a keyed hash of each patient's key.

    The secret is the ledger's own for this population, so that every run on it holds the
    same patients out, and who is held out can't be told from a patient's key.
    """
    if rate == 0:
        return records, records.take(np.zeros(0, dtype=np.int64))
    out = holdout(records.keys, rate, ledger.derived_secret(population, "holdout"))
    return records.take(np.flatnonzero(~out)), records.take(np.flatnonzero(out))
