"""The cost of a private step on large pictures: the script at a tiny size, without a GPU."""

from __future__ import annotations

import json

from toys import script


def test_the_script_times_both_steps(tmp_path, monkeypatch):
    run = script("gpu-step/run.py")
    monkeypatch.setattr(run, "PATIENTS", 40)
    monkeypatch.setattr(run, "ROUNDS", 1)
    monkeypatch.setattr(run, "CASES", {"tiny": run.Case(run.phantoms, 16, "recipe-64.toml")})
    small = ["width=8", "depth=1", "batch=8", "views=2", "micro_batch=4", "steps=4"]
    words = [f"--setting={pair}" for pair in small]
    run.main([*words, "--device", "cpu", "--out", str(tmp_path / "r.json")])
    rows = json.loads((tmp_path / "r.json").read_text())["rows"]
    assert [row["metric"] for row in rows] == ["plain_step_s", "private_step_s", "step_ratio"]
    assert all(row["value"] > 0 and row["n"] == 8 and row["k"] == 2 for row in rows)
