"""Each command does its job, says what it cost, and for machines prints one object alone."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pandas as pd
import pytest

from dpsynth import __version__, pipeline
from dpsynth.cli import main
from dpsynth.cli.output import SHOUT
from dpsynth.data import demonstration
from dpsynth.data.schema_file import load_schema
from dpsynth.models import MODELS
from dpsynth.privacy.card import validate
from dpsynth.privacy.ledger import Ledger

HEAVY = {"torch", "pandas", "numpy", "pyarrow", "scipy", "sklearn", "plotly", "opacus", "rich"}
NEEDLESS = {"opacus", "plotly", "sklearn", "statsmodels", "torchmetrics", "rich", "matplotlib"}


def test_train_says_what_it_promises_and_what_was_spent(clinic, dpsynth):
    done = dpsynth(*clinic.train())
    assert done.code == 0
    assert "Privacy: (epsilon 1, delta 0.01) per patient, add-or-remove" in done.out
    assert "Not covered: " in done.out
    assert "Population clinic: spent by 1 run: epsilon 1, delta 0.01" in done.out
    assert str(clinic.root / "run" / "privacy.html") in done.out
    again = dpsynth(*clinic.train("--json", out="more"))
    assert again.json["privacy"]["spent"]["epsilon"] == 2.0
    assert again.json["privacy"]["epsilon"] == 1.0


def test_the_card_of_a_run_is_valid_and_stands_beside_its_page(trained):
    card = json.loads((trained.root / "run" / "privacy.json").read_text())
    validate(card)
    page = (trained.root / "run" / "privacy.html").read_text()
    assert page.lower().startswith("<!doctype html>") and "clinic" in page


def test_generate_writes_what_was_asked_and_the_schema_reads_it(trained, dpsynth):
    words = ["generate", "run", "--n=50", "--format=parquet", "--where=sex=f", "--out=copy"]
    done = dpsynth(*words, "--json")
    assert done.code == 0
    frame = pd.read_parquet(trained.root / "copy" / "clinic.parquet")
    assert frame["pid"].nunique() == done.json["patients"] == 50
    assert set(frame["sex"]) == {"f"}
    assert frame["sys"].dropna().between(80, 200).all()


def test_generate_with_a_seed_is_repeatable_and_without_one_is_not(trained, dpsynth):
    copies = []
    for name, more in (("a", ["--seed=3"]), ("b", ["--seed=3"]), ("c", []), ("d", [])):
        assert dpsynth("generate", "run", f"--out={name}", "--n=30", *more).code == 0
        copies.append((trained.root / name / "clinic.csv").read_bytes())
    assert copies[0] == copies[1]
    assert len(set(copies)) == 3


def test_generate_makes_as_many_as_the_public_size_by_default(trained, dpsynth):
    done = dpsynth("generate", "run", "--out=copy", "--json")
    assert done.json["patients"] == 24  # 0.6 of the schema's 40
    assert done.json["privacy"]["spent"]["runs"] == 1


def test_generate_writes_nobody_when_asked_for_nobody(trained, dpsynth):
    assert dpsynth("generate", "run", "--out=copy", "--n=0").code == 0
    assert (trained.root / "copy" / "clinic.csv").read_text().count("\n") == 1


def test_evaluate_finds_the_patients_that_a_run_left_out(trained, dpsynth):
    assert dpsynth("generate", "run", "--out=copy").code == 0
    words = ["evaluate", "--run=run", "--data=clinic.csv", "--synthetic=copy"]
    done = dpsynth(*words, "--out=report")
    assert done.code == 0, done.err
    for word in ("INTERNAL", "Use: ", "Likeness: ", "Worst group", "Attack: ", "report.html"):
        assert word in done.out
    found = json.loads((trained.root / "report" / "report.json").read_text())
    keys = {line.split(",")[0] for line in trained.data.read_text().splitlines()[1:]}
    assert found["train"] + found["holdout"] == len(keys)
    assert [e.type for e in Ledger().entries("clinic")][-1] == "unprotected"


def test_evaluate_compares_any_copy_and_tells_machines_no_figure(trained, dpsynth):
    rows = trained.data.read_text().splitlines(keepends=True)
    (trained.root / "a.csv").write_text("".join(rows[:40]))
    (trained.root / "b.csv").write_text(rows[0] + "".join(rows[40:]))
    words = ["evaluate", "--schema=schema.yaml", "--train=a.csv", "--holdout=b.csv"]
    more = ["--synthetic=clinic.csv", "--out=report", "--population=clinic"]
    done = dpsynth(*words, *more, "--card=run/privacy.json", "--json")
    assert done.code == 0, done.err
    assert set(done.json) == {"command", "internal", "files", "population", "spent"}
    assert done.json["spent"]["unprotected"] == 1


def test_evaluate_logs_a_copy_without_noise(trained, dpsynth):
    assert dpsynth("generate", "run", "--out=copy").code == 0
    words = ["evaluate", "--run=run", "--data=clinic.csv", "--synthetic=copy", "--out=report"]
    done = dpsynth(*words, "--unprotected=clinic.csv")
    assert done.code == 0, done.err
    assert [e.type for e in Ledger().entries("clinic")][-2:] == ["unprotected"] * 2
    assert "without noise" in Ledger().entries("clinic")[-1].body["purpose"]


def test_evaluate_makes_a_copy_without_noise_and_keeps_nothing_of_it(trained, dpsynth, monkeypatch):
    before = set(trained.tree())
    assert dpsynth("generate", "run", "--out=copy").code == 0
    seen = []
    monkeypatch.setattr("tempfile.tempdir", str(trained.root / "scratch"))
    (trained.root / "scratch").mkdir()
    fit = MODELS["table-diffusion"].fit

    def watched(self, door, state, *rest):
        # By now the ledger has said so; what training keeps is in memory.
        last, there = Ledger().entries("clinic")[-1], trained.tree()
        seen.append((last.body["purpose"], self.plan_.epsilon))
        fit(self, door, state, *rest)
        assert trained.tree() == there

    monkeypatch.setattr(MODELS["table-diffusion"], "fit", watched)
    words = ["evaluate", "--run=run", "--data=clinic.csv", "--synthetic=copy", "--out=report"]
    done = dpsynth(*words, "--without-noise")
    assert done.code == 0, done.err
    [(purpose, epsilon)] = seen
    assert "without noise" in purpose and epsilon == math.inf
    assert not list((trained.root / "scratch").iterdir())
    made = {name for name in trained.tree() if name not in before}
    assert all(name.startswith(("copy", "report", "scratch", "run/copies")) for name in made)
    found = json.loads((trained.root / "report" / "report.json").read_text())
    assert any(row["metric"] == "gap_by_privacy" for row in found["rows"])
    for more in ("--unprotected=copy", "--shareable"):
        done = dpsynth(*[w.replace("report", "other") for w in words], "--without-noise", more)
        assert done.code == 2 and len(done.err.splitlines()) == 1


def test_inspect_drafts_without_reading_a_value(clinic, dpsynth):
    done = dpsynth("inspect", clinic.data, "--out=draft.yaml", "--json")
    assert done.code == 0
    assert done.json["blanks"] > 0 and done.json["values_read"] is False
    draft = (clinic.root / "draft.yaml").read_bytes()
    clinic.data.write_text(clinic.data.read_text().replace(",100", ",101"))
    assert dpsynth("inspect", clinic.data, "--out=again.yaml").code == 0
    assert (clinic.root / "again.yaml").read_bytes() == draft
    done = dpsynth("train", clinic.data, "--schema=draft.yaml", "--epsilon=1", "--out=run")
    assert done.code == 2 and "still to fill in" in done.err


def test_inspect_writes_down_what_it_was_told_to_read(trained, dpsynth):
    words = ["inspect", "clinic.csv", "--out=draft.yaml", "--assume-public"]
    done = dpsynth(*words, "--population=clinic")
    assert done.code == 0
    assert "NO GUARANTEE" in done.out
    assert [e.type for e in Ledger().entries("clinic")][-1] == "unprotected"
    assert "tables.clinic.columns.sex.categories" in (trained.root / "draft.yaml").read_text()


def test_inspect_speaks_the_metadata_of_sdv_both_ways(clinic, dpsynth):
    done = dpsynth("inspect", "--export-sdv=schema.yaml", "--out=metadata.json", "--json")
    assert done.code == 0
    assert json.loads((clinic.root / "metadata.json").read_text())["METADATA_SPEC_VERSION"] == "V2"
    words = ["inspect", "--sdv=metadata.json", "--out=back.yaml"]
    assert dpsynth(*words, "--assume-public").code == 0
    assert "categories: [f, m]" in (clinic.root / "back.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["inspect", "--out=a.yaml"], "needs data files or SDV metadata"),
        (["inspect", "clinic.csv", "--out=a.txt"], ".yaml"),
        (["inspect", "clinic.csv", "--out=no/where/a.yaml"], "no folder"),
        (["inspect", "clinic.csv", "--export-sdv=schema.yaml", "--out=a.json"], "--export-sdv"),
        (["inspect", "--sdv=schema.yaml", "--out=a.yaml"], "JSON"),
    ],
)
def test_inspect_refuses_what_it_can_not_do(clinic, dpsynth, words, told):
    before = clinic.tree()
    done = dpsynth(*words)
    assert done.code == 2 and told in done.err
    assert clinic.tree() == before


def test_ledger_joins_caps_and_shows(clinic, dpsynth):
    assert "is empty" in dpsynth("ledger", "show").out
    assert dpsynth("ledger", "join", "clinic", clinic.data).code == 0
    assert dpsynth("ledger", "cap", "clinic", "--epsilon=2", "--delta=0.1").code == 0
    shown = dpsynth("ledger", "show", "clinic")
    assert "clinic.csv" in shown.out and "cap: epsilon 2, delta 0.1" in shown.out
    facts = dpsynth("ledger", "show", "--json").json["populations"]["clinic"]
    assert [entry["type"] for entry in facts["entries"]] == ["join", "cap"]


def test_an_insecure_seed_is_shouted_in_every_output(clinic, dpsynth):
    first = dpsynth(*clinic.train("--insecure-seed=7"))
    copy = dpsynth("generate", "run", "--out=copy")
    words = ["evaluate", "--run=run", "--data=clinic.csv", "--synthetic=copy", "--out=report"]
    for done in (first, copy, dpsynth(*words)):
        assert done.code == 0
        assert done.out.splitlines()[0] == done.out.splitlines()[-1] == SHOUT
        assert SHOUT in done.err
    found = dpsynth("generate", "run", "--out=more", "--json").json
    assert found["insecure_seed"] is True and found["warning"] == SHOUT
    assert "known seed" in (clinic.root / "run" / "privacy.html").read_text()


def test_an_insecure_seed_repeats_a_run(clinic, dpsynth):
    models = []
    for name in ("a", "b"):
        words = ["--insecure-seed=7", "--model=markov", "--json"]
        plain = [w for w in clinic.train(*words, out=name) if not w.startswith("--setting")]
        assert dpsynth(*plain).code == 0
        models.append((clinic.root / name / "model.safetensors").read_bytes())
    assert models[0] == models[1]


def test_demo_does_the_whole_job_and_sums_it_up(clinic, dpsynth, monkeypatch):
    monkeypatch.setattr(demonstration, "randhie_path", lambda: clinic.data)
    monkeypatch.setattr(demonstration, "randhie_schema", lambda: load_schema(clinic.schema))
    monkeypatch.setitem(pipeline.demo.__globals__, "HOLDOUT", 0.4)
    done = dpsynth("demo", "--epsilon=1", *clinic.tiny)
    assert done.code == 0, done.err
    for part in ("synthetic/clinic.csv", "report/report.html", "run/privacy.html"):
        assert f"demo/{part}" in done.out
        assert (clinic.root / "demo" / part).is_file()
    for word in ("Use: ", "Likeness: ", "Worst group", "Attack: ", "Privacy: (epsilon 1,"):
        assert word in done.out
    again = dpsynth("demo", "--epsilon=1", *clinic.tiny, "--json").json
    assert again["run"] == "demo-2/run"
    assert again["privacy"]["spent"]["runs"] == 2


def test_help_names_every_command_and_loads_no_library(clinic):
    script = (
        "import sys; from dpsynth.cli.main import COMMANDS, run\n"
        "codes = [run([*words, '--help']) for words in [[], *([c] for c in COMMANDS)]]\n"
        "import json; loaded = {m.split('.')[0] for m in sys.modules}\n"
        "import dpsynth.pipeline.training\n"
        "later = {m.split('.')[0] for m in sys.modules}\n"
        "print(json.dumps([codes, sorted(loaded), sorted(later)]))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    codes, loaded, later = json.loads(found.stdout.splitlines()[-1])
    assert codes == [0] * (1 + len(main.COMMANDS))
    assert all(f"\n  {name} " in found.stdout for name in main.COMMANDS)
    assert not HEAVY & set(loaded)
    assert not NEEDLESS & set(later)


def test_without_a_command_help_is_shown_as_bad_usage(dpsynth):
    done = dpsynth()
    assert done.code == 2 and "Usage: dpsynth" in done.out


def test_version(dpsynth):
    assert dpsynth("--version").out.strip() == f"dpsynth, version {__version__}"
