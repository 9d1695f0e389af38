"""Faults planted in copies: the script runs on a tiny size, takes up, and leaves no metric out."""

import json

import pytest
from toys import EVALUATION, script


@pytest.fixture(scope="module")
def run():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.set_num_threads", lambda n: None)
        yield script("planted-faults/run.py")


def test_every_metric_of_every_family_has_a_plant_that_it_is_meant_to_find(run):
    meant = {metric for plant in run.PLANTS.values() for metric in plant.seen_by}
    assert meant == set(script("metrics_table.py").metrics())


def test_every_plant_was_run_and_found_and_every_table_of_a_family_is_in_the_table():
    rows = json.loads((EVALUATION / "planted-faults/results.json").read_text())["rows"]
    table = script("metrics_table.py")
    found = {row["model"]: row["value"] for row in rows if row["metric"] == "detected"}
    assert set(table.metrics()) <= set(found)
    assert all(found.values())


def test_no_table_of_a_family_is_forgotten():
    from dpsynth.evaluation import bias, fidelity, leakage, utility
    from dpsynth.evaluation.metric import Metric

    table = script("metrics_table.py")
    for family in (bias, fidelity, leakage, utility):
        name = family.__name__.rsplit(".", 1)[1]
        known = {key for each in table.TABLES[name] for key in each}
        for held in vars(family).values():
            if isinstance(held, dict) and held and isinstance(next(iter(held.values())), Metric):
                assert set(held) <= known


def test_a_plant_is_found_where_it_is_and_not_where_it_is_not(run, tmp_path):
    out = tmp_path / "results.json"
    words = ["--out", str(out), "--trials", "1", "--resamples", "0"]
    words += ["--plants", "a column shifted;a rule broken;identical data, for anonymeter"]
    run.main(words)
    rows = json.loads(out.read_text())["rows"]
    assert {row["model"] for row in rows} == {"tv1", "rules_broken"}
    assert {r["value"] for r in rows if r["metric"] == "detected"} == {1}
    assert {r["value"] for r in rows if r["metric"] == "flagged_unplanted"} == {0}
    run.main(words)
    assert json.loads(out.read_text())["rows"] == rows


def test_false_alarms_are_counted_of_every_quick_metric_and_taken_up(run, tmp_path, monkeypatch):
    alarms = run.false_alarms
    monkeypatch.setattr(alarms, "PICTURED", 60)
    monkeypatch.setattr("dpsynth.evaluation.fidelity.picture_features.STEPS", 5)
    monkeypatch.setattr("dpsynth.evaluation.fidelity.picture_features.PATIENTS", 60)
    out, seen = tmp_path / "results.json", tmp_path / "seen.jsonl"
    words = ["--out", str(out), "--seen", str(seen), "--trials", "0", "--resamples", "1"]
    run.main([*words, "--resampled", "120"])
    rows = json.loads(out.read_text())["rows"]
    wanted = {"tv1", "c2st_p", "bias_amplification", "kid", *alarms.WARNINGS}
    assert wanted <= {row["model"] for row in rows}
    assert all(row["metric"] == "false_alarm_rate" and row["n"] == 1 for row in rows)
    said = seen.read_text()
    run.main([*words, "--resampled", "120"])
    assert seen.read_text() == said
    assert json.loads(out.read_text())["rows"] == rows


def test_the_table_says_who_computes_a_metric_and_which_plants_it_found():
    plant = {"model": "kid", "group": "fog", "metric": "detected", "value": 1}
    rate = {"model": "kid", "metric": "false_alarm_rate", "value": 0.0, "low": 0.0, "high": 0.02}
    text = script("metrics_table.py").text([plant, rate])
    (line,) = [each for each in text.splitlines() if each.startswith("| `kid`")]
    assert "torchmetrics" in line and "fog: yes" in line and "0.000 [0.000, 0.020]" in line
