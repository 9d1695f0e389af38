"""The attacks of anonymeter, run in an environment of their own.

anonymeter 1.1 (Statice, Anonos; BSD 3-Clause Clear, which grants no patent rights; a patent is
pending, US-20230401336-A1) needs numpy below 1.27, so that it can't stand beside dpsynth. Whoever
wants it makes an environment for it and names its Python; nothing is installed from here.
"""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from dpsynth.data.codec import GAP, START, Codec
from dpsynth.data.records import Records
from dpsynth.errors import InputError
from dpsynth.evaluation.estimate import Estimate, not_assessable

WORKER = Path(__file__).with_name("anonymeter_worker.py")
ATTACKS = 500  # of each kind, on members and on outsiders, at most
SECONDS = 600.0  # for all of them together
INSTALL = "python -m venv ENV && ENV/bin/pip install 'anonymeter>=1.1,<2'"


@dataclass(frozen=True, kw_only=True)
class Flat:
    """One row for each patient.

    Attributes:
        frame: per-patient columns, then a summary of the visits. Missing categories are "".
        numbers: columns that are numbers; the others are categories.
        parts: per-patient columns, and those of the visits; halves where one would be empty.
    """

    frame: pd.DataFrame
    numbers: tuple[str, ...]
    parts: tuple[tuple[str, ...], tuple[str, ...]]


def check(python: Path) -> None:
    """See whether that Python has anonymeter.

    Raises:
        InputError: if it does not run, or lacks it.
    """
    try:
        seen = subprocess.run(
            [str(python), "-I", "-c", "import anonymeter.evaluators"],
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{python} can't be run: {error}") from error
    if seen.returncode:
        raise InputError(f"{python} has no anonymeter; {INSTALL}, then give ENV/bin/python")


def risks(
    python: Path,
    members: Flat,
    outsiders: Flat,
    copies: Mapping[str, Flat],
    secrets: tuple[str, ...],
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Singling out, linkability and inference risk of each copy.

    Flat records lie in a folder that only this user can read while the attacks run, and are
    gone afterwards.

    Args:
        python: of the environment that has anonymeter.
        members: patients who were trained on.
        outsiders: patients who were not, the control.
        copies: by name; synthetic patients, or real ones in their place.
        secrets: columns whose inference is tried.
        seed: of everything random that the library lets one set.

    Returns:
        By copy: "singling_out", "linkability" if there are two parts of columns, and
        "inference" by column; each as `risk` takes it.

    Raises:
        InputError: if it fails or takes longer than `SECONDS`.
    """
    job = {
        "seed": seed,
        "attacks": ATTACKS,
        "numbers": members.numbers,
        "parts": members.parts,
        "secrets": secrets,
        "copies": list(copies),
    }
    with tempfile.TemporaryDirectory(prefix="dpsynth-") as name:
        folder = Path(name)
        for each, flat in {"members": members, "outsiders": outsiders, **copies}.items():
            flat.frame.to_csv(folder / f"{each}.csv", index=False)
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        try:
            done = subprocess.run(
                [str(python), "-I", str(WORKER), str(folder)],
                capture_output=True,
                timeout=SECONDS,
                check=False,
                text=True,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InputError(f"anonymeter did not finish: {error}") from error
        if done.returncode:
            # Only the kind of the error: its words may hold a patient's value.
            last = (done.stderr.strip() or "no message").splitlines()[-1]
            raise InputError(f"anonymeter failed: {last.split(':')[0]}")
        made: dict[str, Any] = json.loads((folder / "risks.json").read_text(encoding="utf-8"))
    return made


def risk(found: Mapping[str, Any] | None) -> Estimate:
    """How much more often an attack of anonymeter succeeds on members than on outsiders.

    Scenario:
        Singling out: a query that the copy suggests fits exactly one patient. Linkability: two
        parts of a record are put together by the copy. Inference: a column is read off the
        most similar synthetic patients.

    Args:
        found: one attack of `risks`; none where it was not possible.

    Returns:
        0: no more often; 1: always, where on outsiders it never does. Cut to 0..1, with the
        library's interval: Wilson's for both rates, propagated.

    Reference: Giomi et al., A unified framework for quantifying privacy risk in synthetic data,
    PoPETs 2023.
    """
    if found is None:
        return not_assessable("the attack needs more columns")
    value, low, high = (float(found[name]) for name in ("value", "low", "high"))
    if not all(map(math.isfinite, (value, low, high))):
        return not_assessable("the attack always succeeds on outsiders", int(found["n"]))
    return Estimate(value, min(low, value), max(high, value), int(found["n"]))


def flattened(records: Records, codec: Codec) -> Flat:
    """Patients in one row each: static columns, number of visits, means and last categories."""
    static = {f.name: bool(f.categories) for f in codec.static if f.name != START}
    frame, numbers = pd.DataFrame(index=range(len(records))), []
    for name, category in static.items():
        column = records.static[name].reset_index(drop=True)
        frame[name] = column.fillna("") if category else column
        numbers += [] if category else [name]
    if codec.visit:
        by = records.visits.groupby("patient", sort=False)
        frame["(visits)"] = by.size().reindex(frame.index, fill_value=0).astype(float)
        numbers.append("(visits)")
    for field in codec.visit:
        if field.name == GAP:
            continue
        name = f"(visits) {field.name}"
        values = by[field.name].last() if field.categories else by[field.name].mean()
        values = values.reindex(frame.index)
        frame[name] = values.fillna("") if field.categories else values
        numbers += [] if field.categories else [name]
    names = tuple(map(str, frame))
    mine, rest = tuple(static), tuple(name for name in names if name not in static)
    if not (mine and rest):
        mine, rest = names[::2], names[1::2]
    return Flat(frame=frame, numbers=tuple(numbers), parts=(mine, rest))
