"""The sweeps' scripts run on made-up data, keep to their splits, take up, and draw."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from test_pneumoniamnist import made
from toys import script

from dpsynth.privacy.ledger import Ledger


@pytest.fixture(autouse=True)
def one_thread(monkeypatch, tmp_path):
    monkeypatch.setattr("torch.set_num_threads", lambda n: None)
    monkeypatch.setenv("DPSYNTH_LEDGER", str(tmp_path / "ledger"))


def test_a_sweep_of_stays_runs_takes_up_and_draws(stays, tmp_path, monkeypatch, capsys):
    run, out = script("sweep-icu-mortality/run.py"), tmp_path / "results.json"
    monkeypatch.setattr(run, "ICU", _smaller(run.ICU))
    words = ["--data", str(stays), "--out", str(out), "--work", str(tmp_path / "work")]
    words += ["--models", "markov", "--epsilons", "10,inf", "--train", "60"]
    run.main([*words, "--seeds", "1"])
    rows = json.loads(out.read_text())["rows"]
    assert {row["model"] for row in rows} == {"real", "markov"}
    assert {row["epsilon"] for row in rows if row["model"] == "markov"} == {10.0, None}
    metrics = {row["metric"] for row in rows if row["model"] == "markov"}
    asked = {"tstr_auc", "tv1", "tv2", "transition_tv", "membership_auc", "not_assessable"}
    assert asked <= metrics
    assert not any("," in row.get("group", "") for row in rows)
    assert all(row["delta"] == 1e-5 for row in rows if row["epsilon"])
    run.main([*words, "--seeds", "2"])
    more = json.loads(out.read_text())["rows"]
    assert more[: len(rows)] == rows and {r["seed"] for r in more} == {0, 1}
    ET.fromstring(out.with_suffix(".svg").read_text())
    assert "| markov | 10 |" in capsys.readouterr().out
    assert not Ledger().root.exists()  # nobody is charged


def _smaller(protocol):
    from dataclasses import replace

    return replace(protocol, train=60, test_from=80)


def test_whoever_is_trained_on_is_never_measured_on(stays, tmp_path, monkeypatch):
    run = script("sweep-icu-mortality/run.py")
    monkeypatch.setattr(run, "ICU", _smaller(run.ICU))
    schema, train, test = run.parts(stays, tmp_path, 50)
    assert schema.population == 50
    ids = [{file.name: set(_table(file)["RecordID"]) for file in files} for files in (train, test)]
    for name in ("patients.csv.gz", "measurements.parquet"):
        assert not ids[0][name] & ids[1][name]
    assert [len(part["patients.csv.gz"]) for part in ids] == [50, 40]


def _table(file):
    return pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)


def test_a_sweep_of_pictures_runs_and_draws(tmp_path):
    run, out = script("sweep-pneumoniamnist/run.py"), tmp_path / "results.json"
    folder = made(tmp_path).parent
    words = ["--data", str(folder), "--out", str(out), "--work", str(tmp_path / "work")]
    words += ["--models", "dct-gaussian", "--epsilons", "10,inf", "--seeds", "1"]
    run.main(words)
    rows = json.loads(out.read_text())["rows"]
    metrics = {row["metric"] for row in rows if row["model"] == "dct-gaussian"}
    # 80 test pictures: too few for a rate at 1 % false alarms, and said so.
    assert {"picture_tstr_auc", "kid", "membership_auc", "not_assessable"} <= metrics
    assert "tv1" not in metrics
    ET.fromstring(out.with_suffix(".svg").read_text())
    with np.load(folder / "pneumoniamnist.npz") as arrays:
        schema, train, test = run.parts(folder, _fresh(tmp_path), 30)
        assert schema.population == 30
        with np.load(train[0]) as first, np.load(test[0]) as second:
            # A reader takes the split "train" of a file, unless the schema names others.
            assert set(first) == set(second) == {"train_images", "train_labels"}
            np.testing.assert_array_equal(first["train_images"], arrays["train_images"][:30])
            np.testing.assert_array_equal(second["train_images"], arrays["test_images"])


def _fresh(root):
    place = root / "place"
    place.mkdir()
    return place
