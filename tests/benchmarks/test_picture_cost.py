"""What a run on pictures costs: the script at a tiny size."""

from __future__ import annotations

import json

from toys import script


def test_the_script_times_runs_and_steps_and_takes_up(tmp_path, monkeypatch):
    run = script("picture-cost/run.py")
    monkeypatch.setattr("torch.set_num_threads", lambda n: None)
    out = tmp_path / "r.json"
    words = ["--out", str(out), "--models", "image-gan", "--pictures", "100", "--rounds", "3"]
    words += ["--setting", "steps=5", "--setting", "critic_width=2", "--threads", "1"]
    run.main(words)
    rows = json.loads(out.read_text())["rows"]
    assert [r["metric"] for r in rows] == [
        "train_s", "train_cpu_s", "train_peak_gb",
        "generate_s", "generate_cpu_s", "generate_peak_gb", "step_ratio",
    ]  # fmt: skip
    assert all(row["value"] > 0 for row in rows)
    assert rows[-1]["low"] <= rows[-1]["value"] <= rows[-1]["high"]
    run.main(words)
    assert json.loads(out.read_text())["rows"] == rows
