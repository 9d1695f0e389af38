"""`dpsynth sweep`: who pays is said first, figures stay inside, bad usage is one line."""

from __future__ import annotations

import json

import pytest

from dpsynth.privacy.ledger import Ledger


@pytest.fixture
def words(clinic):
    """A whole command of two trainings."""
    fixed = ["sweep", "clinic.csv", "--schema=schema.yaml", "--out=sw", "--models=markov"]
    return [*fixed, "--epsilons=1,inf", "--seeds=1", "--population=clinic", "--device=cpu"]


def test_people_are_told_who_pays_first_and_what_was_found(clinic, dpsynth, words):
    done = dpsynth(*words)
    assert done.code == 0, done.err
    first, *_ = done.err.splitlines()
    assert first.startswith("Who pays: population clinic. Trainings charged to its ledger, of")
    assert "epsilon 1 and delta 0.01 in sum" in first and "without noise (1)" in first
    for word in ("INTERNAL", "no noise", "sw/sweep.html", "Population clinic: spent by 1 run"):
        assert word in done.out


def test_machines_get_one_object_without_a_figure(clinic, dpsynth, words):
    done = dpsynth(*words, "--json")
    assert done.code == 0, done.err
    told = {"command", "exit_code", "internal", "files", "who_pays", "recommended", "points"}
    assert set(done.json) == told | {"reused", "spent", "violated"}
    assert done.json["who_pays"]["mode"] == "charged"
    assert done.json["spent"]["epsilon"] == 1.0
    assert done.json["points"] == 2 and done.json["recommended"] is None
    again = dpsynth(*words, "--json")
    assert again.json["reused"] == 2 and again.json["spent"]["epsilon"] == 1.0


def test_thresholds_that_nothing_meets_end_with_1(clinic, dpsynth, words):
    done = dpsynth(*words, "--recommend", "--max-loss=0.03", "--max-group-loss=0.05")
    assert done.code == 1 and len(done.err.splitlines()) <= 2
    assert "Recommendation (undecided): The intervals do not allow a decision" in done.out
    assert "not assessable" in done.out
    facts = json.loads((clinic.root / "sw" / "sweep.json").read_text())
    assert facts["thresholds"] == {"loss": 0.03, "group_loss": 0.05}
    assert facts["recommendation"]["model"] is None


def test_a_training_whose_audit_contradicts_it_ends_with_1(clinic, dpsynth, words, monkeypatch):
    from dpsynth.pipeline.run_folder import RunFolder

    monkeypatch.setattr(RunFolder, "card", lambda _: {"audit": {"verdict": "violated"}})
    done = dpsynth(*words)
    assert done.code == 1
    assert "Audit: violated by runs/markov-1.0-0; do not release it." in done.out
    assert dpsynth(*words, "--json").json["violated"] == ["runs/markov-1.0-0"]


def test_whoever_stops_it_is_told_how_it_goes_on(clinic, dpsynth, words, monkeypatch):
    from dpsynth.pipeline import sweep_points

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sweep_points, "measured", stop)
        done = dpsynth(*words)
    assert done.code == 130
    assert done.err.splitlines()[-1] == "interrupted; the same command goes on where it stopped"
    again = dpsynth(*words, "--json")
    assert again.code == 0 and again.json["spent"]["epsilon"] == 1.0


def test_a_stand_in_is_said_to_be_one(clinic, dpsynth, words):
    given = [w for w in words if "population" not in w]
    done = dpsynth(*given, "--stand-in", "--json")
    assert done.code == 0, done.err
    assert done.json["internal"] is None and done.json["spent"] is None
    assert "declared a public stand-in" in done.err
    assert not Ledger().root.exists()


def test_settings_are_named_with_their_model(clinic, dpsynth, words):
    given = [w.replace("markov", "table-gan") for w in words]
    tiny = [f"--setting=table-gan.{pair}" for pair in ("steps=2", "width=8", "batch=8")]
    assert dpsynth(*given, *tiny).code == 0
    run = json.loads((clinic.root / "sw" / "runs" / "table-gan-1.0-0" / "run.json").read_text())
    assert run["settings"] == {"steps": 2, "width": 8, "batch": 8}
    assert run["plan"]["training"]["steps"] == 2


def test_a_cap_ends_with_1_before_anything_is_trained(clinic, dpsynth, words):
    dpsynth("ledger", "join", "clinic", clinic.data)
    dpsynth("ledger", "cap", "clinic", "--epsilon=1.5", "--delta=0.5")
    before = clinic.tree()
    done = dpsynth(*words, "--seeds=2")
    assert done.code == 1 and len(done.err.splitlines()) == 1
    assert "2 runs together ask epsilon 2" in done.err
    assert clinic.tree() == before


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--epsilons=1,0"], "must be positive"),
        (["--epsilons=1,nan"], "must be positive"),
        (["--epsilons=1,x"], "are numbers, or inf"),
        (["--epsilons=1,,2"], "commas between"),
        (["--epsilons=1,1.0"], "none of them twice"),
        (["--models=markov,markov"], "none of them twice"),
        (["--models=oracle"], "model must be one of table-diffusion"),
        (["--models=dct-gaussian"], "of records"),
        (["--models=markov,"], "commas between"),
        (["--seeds=0"], "--seeds"),
        (["--holdout=0"], "holdout rate above 0"),
        (["--holdout=1"], "--holdout"),
        (["--delta=0.5"], "delta must be in"),
        (["--n=0"], "--n"),
        (["--jobs=0"], "--jobs"),
        (["--backend=spark"], "--backend"),
        (["--stand-in", "--internal"], "exclude each other"),
        (["--stand-in"], "a stand-in has no population"),
        (["--recommend"], "needs --max-loss or --max-group-loss"),
        (["--max-loss=0.03"], "goes with --recommend"),
        (["--recommend", "--max-loss=0"], "max-loss must be in (0, 1)"),
        (["--setting=steps=3"], "MODEL.NAME=VALUE"),
        (["--setting=table-gan.steps=3"], "which is not among markov"),
        (["--setting=markov.steps=3"], "steps"),
        (["--holdout=0.3", "--holdout-data=clinic.csv"], "exclude each other"),
        (["--device=abacus"], "device must be"),
        (["--schema=none.yaml"], "none.yaml"),
        (["--out=clinic.csv"], "clinic.csv"),
        (["--out=ledger"], "clinic.csv"),
    ],
)
def test_bad_usage_is_one_line_before_anything_is_read(clinic, dpsynth, words, more, told):
    if more == ["--out=ledger"]:
        (clinic.root / "ledger").mkdir()
        (clinic.root / "ledger" / "file").write_text("")
        told = "is not empty"
    clinic.data.write_text("nothing of use\n")  # nobody reads it
    before = clinic.tree()
    done = dpsynth(*words, *more)
    assert done.code == 2 and told in done.err, done
    assert len(done.err.splitlines()) == 1
    assert clinic.tree() == before


def test_a_sweep_never_lies_in_a_run(trained, dpsynth, words):
    done = dpsynth(*[w.replace("--out=sw", "--out=run/sw") for w in words])
    assert done.code == 2 and "inside the run folder" in done.err


def test_a_label_is_needed_to_recommend_and_not_to_sweep(clinic, dpsynth, words):
    text = clinic.schema.read_text()
    clinic.schema.write_text(text.replace('label: {column: sick, positive: "true"}\n', ""))
    done = dpsynth(*words, "--recommend", "--max-loss=0.03")
    assert done.code == 2 and "names no label" in done.err
    assert dpsynth(*words).code == 0
    metrics = {r["metric"] for r in json.loads((clinic.root / "sw/sweep.json").read_text())["rows"]}
    assert "tv1" in metrics and "tstr_auc" not in metrics
