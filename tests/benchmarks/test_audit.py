"""The script that audits the audit runs on a tiny size, and takes up."""

import json

from toys import script


def test_audit_runs_and_takes_up(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.set_num_threads", lambda n: None)
    run = script("audit/run.py")
    out, plants = tmp_path / "results.json", tmp_path / "plants.json"
    words = ["--out", str(out), "--plants", str(plants), "--models", ""]
    words += ["--honest", "2", "--planted", "1"]
    run.main(words)
    [row] = json.loads(out.read_text())["rows"]
    assert (row["metric"], row["value"], row["n"]) == ("false_alarm_rate", 0.0, 2)
    rows = json.loads(plants.read_text())["rows"]
    assert {r["group"] for r in rows} == {*run.toy.FAULTS, run.LAYER, run.PEEKING}
    assert all(r["value"] == 1 for r in rows)
    run.main(words)
    assert json.loads(plants.read_text())["rows"] == rows
