"""The protocol of levers runs on made-up data; its differences and shares by hand."""

import json

import numpy as np
import pytest
from test_ham10000 import made
from toys import script

from dpsynth.evaluation.bias import support
from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.utility.predictions import Predicted
from dpsynth.models.warm import fitting, start

TINY = {"steps": 2, "generated": 16, "width": 8, "critic_width": 3, "save_every": 9}


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr("torch.set_num_threads", lambda n: None)
    monkeypatch.setattr(support, "EVENTS", 2)
    monkeypatch.setattr(support, "PATIENTS", 2)
    monkeypatch.setattr(start, "ROUNDS", 2)
    monkeypatch.setattr(start, "SUMMARIES", 300)
    monkeypatch.setattr(fitting, "PATIENTS", 200)
    found = script("fairness/run.py")
    inner = found.Shop._learnt.__globals__["learnt"]
    monkeypatch.setitem(
        found.Shop._learnt.__globals__,
        "learnt",
        lambda name, settings, *rest, **more: inner(
            name, TINY if name.endswith("gan") else settings, *rest, **more
        ),
    )
    return found


def by_lever(rows: list, metric: str) -> dict:
    return {row["route"]: row["value"] for row in rows if row["metric"] == metric}


def test_levers_run_on_stays_and_are_taken_up(run, stays, tmp_path, capsys):
    out = tmp_path / "results.json"
    words = ["--icu", str(stays), "--out", str(out), "--cases", "icu-mortality"]
    words += ["--train", "60", "--test-from", "60", "--epsilons", "10", "--seeds", "1"]
    run.main([*words, "--models", "log-linear"])
    rows = json.loads(out.read_text())["rows"]
    levers = {"none", "oversampled", "weighed measurements"}
    assert {row["route"] for row in rows} == levers
    assert set(by_lever(rows, "target_gained")) == levers - {"none"}
    assert by_lever(rows, "target_share")["oversampled"] == pytest.approx(0.5)
    before = by_lever(rows, "worst_group_loss")["none"]
    for lever, gained in by_lever(rows, "worst_gained").items():
        now = by_lever(rows, "worst_group_loss")[lever]
        assert gained == pytest.approx(before - now)
    run.main([*words, "--models", "log-linear"])
    assert json.loads(out.read_text())["rows"] == rows  # all there: nothing is added
    run.main([*words, "--models", "table-gan", "--levers", "weighed training"])
    more = json.loads(out.read_text())["rows"][len(rows) :]
    assert {row["route"] for row in more} == {"none", "weighed training"}
    run.main([*words, "--models", "table-gan"])
    all_ = {row["route"] for row in json.loads(out.read_text())["rows"][len(rows) :]}
    assert all_ == levers | {"weighed training", "weighed both"}
    assert "| weighed both |" in capsys.readouterr().out


def test_levers_run_on_lesions(run, tmp_path, monkeypatch):
    monkeypatch.setattr("picture_nets.STEPS", 5)
    out = tmp_path / "results.json"
    words = ["--ham", str(made(tmp_path)), "--out", str(out), "--cases", "ham10000"]
    run.main([*words, "--epsilons", "10", "--seeds", "1"])
    rows = json.loads(out.read_text())["rows"]
    seen = {(row["model"], row["route"]) for row in rows}
    assert seen == {
        *((m, lever) for m in ("dct-gaussian", "image-gan") for lever in ("none", "oversampled")),
        ("image-gan", "weighed training"),
    }
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows if "low" in row)


def test_a_gain_is_what_the_target_loses_less(run):
    y = np.array([True, True, False, False] * 2)
    inside = np.arange(8) < 4

    def scores(*each) -> Predicted:
        return Predicted(
            y=y, score=np.array(each, dtype=float), patient=np.arange(8), patients=8, threshold=0.5
        )

    case = run.Case(
        name="x", shop=None, aimed="a", groups={"a": inside, "b": ~inside}, predicted=None,
        real=None, models=(),
    )  # fmt: skip
    real = scores(4, 3, 2, 1, 4, 3, 2, 1)
    plain = scores(1, 2, 3, 4, 4, 3, 2, 1)  # the target's order is turned round: AUC 0
    lever = scores(4, 2, 3, 1, 4, 3, 2, 1)  # 3 of 4 pairs are in order: AUC 3/4
    rows = run.measured(case, real, lever, plain)
    found = {row["metric"]: row["value"] for row in rows if "group" not in row}
    assert found["target_loss"] == pytest.approx(0.25)
    assert found["target_gained"] == pytest.approx(0.75)
    assert found["worst_gained"] == pytest.approx(1.0 - 0.25)
    assert run.worst({"a": Estimate(0.1, 0, 1, 4), "b": Estimate(0.2, 0, 1, 4)}) == 0.2


def test_a_targets_weights_and_balance_name_all_others(run):
    target = run.Target(column="unit", inside="4", rest=("1", "2"))
    assert target.weights == {"unit": {"1": 0.4, "2": 0.4}}
    assert target.balance == "unit:4,1|2"


def test_each_model_has_the_levers_that_it_can_pull(run):
    levers = run.levers_of
    assert levers("dct-gaussian") == ["none", "oversampled"]
    assert levers("log-linear") == ["none", "oversampled", "weighed measurements"]
    assert levers("image-gan") == ["none", "oversampled", "weighed training"]
    assert levers("table-gan")[2:] == ["weighed measurements", "weighed training", "weighed both"]
