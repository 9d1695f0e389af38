"""The protocol's script still runs, on a small set of made-up stays in the real one's form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from toys import script


def test_icu_mortality_runs_takes_up_and_makes_its_table(
    stays: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, tables = script("icu-mortality/run.py"), script("tables.py")
    monkeypatch.setattr("torch.set_num_threads", lambda n: None)
    (tmp_path / "icu").mkdir()
    out = tmp_path / "icu" / "results.json"
    words = ["--data", str(stays), "--out", str(out), "--epsilons", "10", "--seeds", "1"]
    words += ["--train", "60", "--test-from", "60", "--models", "markov,table-diffusion"]
    tiny = ["steps=2", "warm_steps=2", "width=16"]
    run.main(words + [w for pair in tiny for w in ("--setting", pair)])
    rows = json.loads(out.read_text())["rows"]
    assert {r["model"] for r in rows} == {"real", "shuffled", "markov", "table-diffusion"}
    assert all(r["low"] <= r["value"] <= r["high"] for r in rows if "low" in r)
    run.main(words)  # all rows are there: nothing is added
    assert json.loads(out.read_text())["rows"] == rows
    (tmp_path / "README.md").write_text(f"head\n{tables.MARK}\nold")
    tables.main(tmp_path)
    page = (tmp_path / "README.md").read_text()
    assert page.startswith("head") and "old" not in page
    assert "| table-diffusion | 10 |" in page
