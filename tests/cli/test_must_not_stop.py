"""What one patient's rows may hold never stops a run, nor shows in anything public."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

HEAD = "pid,visit,sex,sick,sys\n"
STATIC_SCHEMA = """\
version: 1
name: clinic
population: 40
tables:
  clinic:
    shape: static
    key: pid
    columns:
      sex: {type: category, categories: [f, m]}
      sys: {type: number, bounds: [80, 200], bins: 4}
"""
MORE_ROWS = {
    "one more patient": "100,0,f,1,120\n",
    "a value outside the bounds": "0,0,f,1,900\n",
    "a null key": ",0,f,1,120\n",
    "an unseen category": "100,0,unicorn,1,120\n",
    "1e20": "100,0,f,1,1e20\n",
    "infinity": "100,0,f,1,inf\n100,1,f,1,-inf\n100,2,f,1,nan\n",
    "text for a number": "100,0,f,1,high\n",
    "a patient without visits": "100,,f,1,\n",
    "more visits than the schema allows": "".join(f"100,{v},f,1,120\n" for v in range(9)),
    "duplicates of a visit": "0,0,f,1,120\n" * 3,
    "a row with a cell too many": "100,0,f,1,120,7\n",
    "a quote that is never closed": '100,0,"f,1,120\n',
    "a byte that is no text": "100,0,\udcff,1,120\n",
    "a negative time": "100,-5,f,1,120\n",
}
WHOLE = {
    "no patients at all": HEAD,
    "one patient": HEAD + "1,0,f,1,120\n",
}


def public(root: Path) -> dict[str, Any]:
    """Everything outside the door but clock times, ids, and what noisy answers made."""
    run = json.loads((root / "run.json").read_text())
    card = json.loads((root / "privacy.json").read_text())
    log = [json.loads(line) for line in (root / "log.jsonl").read_text().splitlines()]
    del run["id"], card["accounting"]["ledger_head"], card["identity"]["date"]
    del run["audit"], card["audit"]  # of canaries' coins and noise: see tests/privacy/audit
    assert "mean score of patients, with noise" in card["mechanism"].pop("drawn_from")
    for line in log:
        del line["time"], line["run"]
    return {"run": run, "card": card, "log": log, "files": sorted(p.name for p in root.iterdir())}


def shape(root: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    # How many categories have a score of their own follows from noisy answers.
    held = load_file(root / "model.safetensors")
    return {k: (None if k.startswith("start.") else v.shape, v.dtype) for k, v in held.items()}


@pytest.fixture
def expected(trained_once: Path) -> dict[str, Any]:
    return public(trained_once / "run") | {"shapes": shape(trained_once / "run")}


@pytest.mark.parametrize("kind", [*MORE_ROWS, *WHOLE])
def test_what_rows_hold_shows_in_nothing_public(clinic, dpsynth, expected, kind):
    rows = clinic.data.read_text() + MORE_ROWS.get(kind, "")
    clinic.data.write_text(WHOLE.get(kind, rows), errors="surrogateescape")
    done = dpsynth(*clinic.train("--json"))
    assert done.code == 0, done.err
    found = public(clinic.root / "run") | {"shapes": shape(clinic.root / "run")}
    assert found == expected
    assert all(line.startswith("internal: ") for line in done.err.splitlines())


def test_n_and_n_plus_1_patients_give_the_same_bytes(clinic, dpsynth, trained_once):
    clinic.data.write_text(clinic.data.read_text() + "100,0,f,1,120\n")
    assert dpsynth(*clinic.train("--json")).code == 0
    for name in ("run.json", "log.jsonl"):
        here, there = (
            re.sub(r'("(?:id|run|time|audit)": )"[^"]*"', r"\1", (root / "run" / name).read_text())
            for root in (clinic.root, trained_once)
        )
        assert here == there


def test_duplicate_static_rows_do_not_stop_a_run(clinic, dpsynth):
    clinic.schema.write_text(STATIC_SCHEMA)
    rows = "".join(f"{patient},{'fm'[patient % 2]},{90 + patient}\n" for patient in range(40))
    runs = []
    for name, more in (("once", ""), ("twice", "0,f,90\n0,m,95\n0,m,95\n")):
        clinic.data.write_text("pid,sex,sys\n" + rows + more)
        done = dpsynth(*clinic.train("--json", out=name))
        assert done.code == 0, done.err
        facts = public(clinic.root / name)
        del facts["card"]["scope"]["composition"]  # the second run knows of the first
        runs.append(facts)
    assert runs[0] == runs[1]
    assert "internal: " in done.err and "more rows of a patient" in done.err


def test_counts_of_rows_reach_the_terminal_and_nothing_else(clinic, dpsynth):
    clinic.data.write_text(clinic.data.read_text() + "100,0,f,1,777\n" * 13)
    done = dpsynth(*clinic.train("--json"))
    assert "internal: tables.clinic: 12 identical rows" in done.err
    assert "12 identical" not in done.out
    for path in (clinic.root / "run").iterdir():
        assert b"identical" not in path.read_bytes()
    assert set(done.json) == {"command", "run", "tier", "privacy"}
