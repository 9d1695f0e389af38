"""The script that measures what a report costs runs on a tiny size, and takes up."""

import json

import numpy as np
import pytest
from toys import patients, script


def test_a_report_has_a_cost():
    measure = script("evaluating/measure.py")
    protocol = measure.protocol
    stated = protocol.stated("icu-mortality")
    schema = protocol.load_schema(stated.folder / "schema.yaml").model_copy(
        update={"population": 120}
    )
    books = protocol.codec(schema)
    records = books.decode(patients(books, 120), np.random.default_rng(1))
    loaded = protocol.Loaded(
        schema=schema, books=books, train=records, test=records, groups={"all": np.ones(120, bool)}
    )
    copy = measure.copy_of(loaded, "markov")
    assert len(copy) == 120
    found = measure.cost(loaded, copy)
    assert found["evaluate_cpu_s"] > found["slowest_step_cpu_s"] > 0
    assert 0.1 < found["peak_gb"] < 30


def test_rows_are_made_of_what_the_process_says_and_taken_up(tmp_path, monkeypatch):
    run = script("evaluating/run.py")
    said, asked = {"evaluate_s": 1.5, "patients": 7, "held_out": 3}, []

    def answered(words, **settings):
        if words[0] != "git":  # asked for the commit
            asked.append(words)
        return type("Done", (), {"stdout": "noise\n" + json.dumps(said) + "\n"})

    monkeypatch.setattr(run.subprocess, "run", answered)
    out = tmp_path / "results.json"
    words = ["--out", str(out), "--train", "7"]
    run.main(words)
    rows = json.loads(out.read_text())["rows"]
    assert {row["model"] for row in rows} == {f"markov copy of {name}" for name in run.SIZES}
    assert [row["value"] for row in rows if row["metric"] == "evaluate_s"] == [1.5, 1.5]
    assert len(asked) == 4 and "--keep" in asked[0] and "--copy" in asked[1]
    run.main(words)
    assert json.loads(out.read_text())["rows"] == rows
    with pytest.raises(SystemExit):
        run.main(["--trains", "7"])
