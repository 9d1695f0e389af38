"""Bad input: exit 2, one line that tells the cure, no traceback, and nothing written."""

from __future__ import annotations

import json
import pickle
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dpsynth.pipeline import run_folder


def refused(clinic: Any, dpsynth: Any, *words: Any, names: tuple[str, ...]) -> None:
    """The command stops with 2 and one line that holds all `names`; no file changes."""
    before = clinic.tree()
    done = dpsynth(*words)
    assert done.code == 2, done
    assert done.out == ""
    lines = done.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), done.err
    for name in names:
        assert name in lines[0]
    assert clinic.tree() == before


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("option", "names"),
    [
        ("--epsilon=0", ("epsilon", "0", "x>0")),
        ("--epsilon=-1", ("epsilon", "-1", "x>0")),
        ("--epsilon=nan", ("epsilon", "nan", "positive")),
        ("--epsilon=inf", ("epsilon", "inf", "positive")),
        ("--epsilon=much", ("epsilon", "much", "float")),
        ("--delta=0.025", ("delta", "0.025", "1/40", "leave it out for 0.01")),
        ("--delta=0", ("delta", "0", "0<x<1")),
        ("--delta=nan", ("delta", "nan", "1/40")),
        ("--holdout=1", ("holdout", "1", "0<=x<1")),
        ("--holdout=nan", ("holdout", "nan", "[0, 1)")),
        ("--model=oracle", ("model", "oracle", "table-diffusion")),
        ("--setting=colour=3", ("setting", "colour", "steps")),
        ("--setting=steps=many", ("setting", "steps", "many", "whole number")),
        ("--setting=steps=0", ("setting", "steps", "0", "[1, inf)")),
        ("--setting=width=17", ("setting", "width", "17", "multiple of 4")),
        ("--setting=steps", ("setting", "steps", "name=value")),
        ("--device=cuda:99", ("device", "cuda:99", "cpu")),
        ("--device=abacus", ("device", "abacus", "cpu")),
        ("--insecure-seed=-1", ("insecure-seed", "-1", "x>=0")),
        ("--population=a/b", ("population", "a/b", "letters")),
        ("--frobnicate", ("--frobnicate", "dpsynth train --help")),
    ],
)
def test_a_bad_option_is_refused_before_anything_is_written(clinic, dpsynth, option, names):
    refused(clinic, dpsynth, *clinic.train(option), names=names)


def test_cuda_is_refused_where_there_is_none(clinic, dpsynth, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    refused(clinic, dpsynth, *clinic.train("--device=cuda"), names=("cuda", "cpu"))


def test_a_missing_file_is_named(clinic, dpsynth):
    clinic.data.unlink()
    refused(clinic, dpsynth, *clinic.train(), names=("no such file", "clinic.csv"))


def test_an_unreadable_parquet_file_is_named(clinic, dpsynth):
    bad = clinic.root / "clinic.parquet"
    bad.write_bytes(b"PAR1 not really")
    words = [bad if word == str(clinic.data) else word for word in clinic.train()]
    refused(clinic, dpsynth, *words, names=("clinic.parquet", "not a readable Parquet", "again"))


def test_a_column_that_the_schema_lacks_is_named(clinic, dpsynth):
    edited(clinic.schema, "      sick: {type: boolean, per: patient}\n", "")
    edited(clinic.schema, 'label: {column: sick, positive: "true"}\n', "")
    refused(clinic, dpsynth, *clinic.train(), names=("clinic.csv", "sick", "ignore"))


def test_a_column_that_the_data_lack_is_named(clinic, dpsynth):
    edited(clinic.data, "pid,visit,sex", "pid,visit,gender")
    refused(clinic, dpsynth, *clinic.train(), names=("clinic.csv", "sex", "source"))


def test_a_schema_without_a_population_is_refused(clinic, dpsynth):
    edited(clinic.schema, "population: 40\n", "")
    refused(clinic, dpsynth, *clinic.train(), names=("population", "private"))


def test_schemas_that_include_each_other_are_refused(clinic, dpsynth):
    (clinic.root / "other.yaml").write_text("include: schema.yaml\n")
    edited(clinic.schema, "version: 1\n", "version: 1\ninclude: other.yaml\n")
    refused(clinic, dpsynth, *clinic.train(), names=("circle", "other.yaml", "schema.yaml"))


def test_data_of_no_population_are_refused(clinic, dpsynth):
    words = [word for word in clinic.train() if not word.startswith("--population")]
    refused(clinic, dpsynth, *words, names=("clinic.csv", "--population NAME"))


def test_an_unknown_population_is_named(trained, dpsynth):
    for words in (["show", "elsewhere"], ["cap", "elsewhere", "--epsilon=1", "--delta=0"]):
        refused(trained, dpsynth, "ledger", *words, names=("elsewhere", "it has: clinic"))


def test_a_second_population_for_the_same_file_is_refused(trained, dpsynth):
    words = trained.train("--population=again", out="more")
    refused(trained, dpsynth, *words, names=("clinic.csv", "--population clinic"))


def test_a_run_without_a_budget_left_ends_with_1_and_leaves_no_folder(trained, dpsynth):
    assert dpsynth("ledger", "cap", "clinic", "--epsilon=1.2", "--delta=0.01").code == 0
    before = trained.tree()
    done = dpsynth(*trained.train(out="more"))
    assert done.code == 1
    assert "cap epsilon 1.2" in done.err and len(done.err.splitlines()) == 1
    assert trained.tree() == before


@pytest.mark.parametrize("command", ["train", "generate", "evaluate", "inspect"])
def test_an_output_that_holds_something_is_never_touched(trained, dpsynth, command):
    (trained.root / "taken").mkdir()
    (trained.root / "taken" / "mine.txt").write_text("mine")
    (trained.root / "taken.yaml").write_text("mine")
    words = {
        "train": trained.train(out="taken"),
        "generate": ["generate", "run", "--out=taken"],
        "evaluate": [
            "evaluate",
            "--run=run",
            "--data=clinic.csv",
            "--synthetic=run",
            "--out=taken",
        ],
        "inspect": ["inspect", "clinic.csv", "--out=taken.yaml"],
    }[command]
    refused(trained, dpsynth, *words, names=("taken", "choose another"))


def test_an_edited_ledger_is_refused_by_name(trained, dpsynth):
    entries = trained.root / "ledger" / "clinic" / "entries.jsonl"
    edited(entries, '"epsilon":1.0', '"epsilon":0.1')
    names = ("entries.jsonl", "changed at line 2", "restore it")
    refused(trained, dpsynth, *trained.train(out="more"), names=names)
    refused(trained, dpsynth, "ledger", "show", names=names)


def test_a_run_folder_of_another_version_is_refused(trained, dpsynth):
    edited(trained.root / "run" / "run.json", '"format": 1', '"format": 7')
    words = ["generate", "run", "--out=copy"]
    refused(trained, dpsynth, *words, names=("run.json", "7", str(run_folder.FORMAT), "again"))


@pytest.mark.parametrize("broken", ["", "[]", "{", '{"format": 1}', "\x00"])
def test_a_broken_run_folder_is_refused(trained, dpsynth, broken):
    (trained.root / "run" / "run.json").write_text(broken)
    refused(trained, dpsynth, "generate", "run", "--out=copy", names=("run.json",))


def test_a_pickle_in_place_of_the_model_is_refused_and_never_run(trained, dpsynth):
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (Path("sprung"),))

    (trained.root / "run" / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    names = ("model.safetensors", "not a safetensors file")
    refused(trained, dpsynth, "generate", "run", "--out=copy", names=names)


def test_no_run_folder_is_named(clinic, dpsynth):
    refused(clinic, dpsynth, "generate", "nowhere", "--out=copy", names=("nowhere",))
    words = ["train", "clinic.csv", "--resume", "--out=nowhere"]
    refused(clinic, dpsynth, *words, names=("nowhere", "no run.json"))


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("sex", ("sex", "column=value")),
        ("sys=100", ("sys", "per-patient", "sex, sick")),
        ("sex=x", ("sex", "f, m", "x")),
    ],
)
def test_a_bad_condition_is_refused(trained, dpsynth, where, names):
    words = ["generate", "run", "--out=copy", f"--where={where}"]
    refused(trained, dpsynth, *words, names=names)


def test_a_number_of_patients_below_0_is_refused(trained, dpsynth):
    words = ["generate", "run", "--out=copy", "--n=-1"]
    refused(trained, dpsynth, *words, names=("--n", "-1", "x>=0"))


def test_a_finished_run_has_nothing_to_resume(trained, dpsynth):
    words = ["train", "clinic.csv", "--resume", "--out=run"]
    refused(trained, dpsynth, *words, names=("run", "finished"))


def test_what_a_run_has_fixed_can_not_be_given_on_resume(trained, dpsynth):
    words = ["train", "clinic.csv", "--resume", "--out=run", "--epsilon=9"]
    refused(trained, dpsynth, *words, names=("--epsilon", "fixed by the run"))


def test_a_report_never_goes_into_a_run_folder(trained, dpsynth):
    words = ["evaluate", "--run=run", "--data=clinic.csv", "--synthetic=clinic.csv"]
    refused(trained, dpsynth, *words, "--out=run/report", names=("run/report", "internal"))


def test_the_two_forms_of_evaluate_do_not_mix(trained, dpsynth):
    words = ["evaluate", "--run=run", "--data=clinic.csv", "--synthetic=copy", "--out=report"]
    refused(trained, dpsynth, *words, "--train=clinic.csv", names=("--train", "--run"))
    refused(trained, dpsynth, "evaluate", *words[3:], names=("--schema",))


def test_a_python_without_anonymeter_is_refused_before_data_are_read(trained, dpsynth):
    words = ["evaluate", "--run=run", "--data=clinic.csv", "--synthetic=copy", "--out=report"]
    refused(trained, dpsynth, *words, f"--anonymeter={sys.executable}", names=("pip install",))


@pytest.mark.parametrize("row", ["1,0,f,1,1e20", ",0,f,1,100", "1,0,x,1,100"])
def test_strict_stops_on_what_the_schema_forbids(clinic, dpsynth, row):
    clinic.schema.write_text(clinic.schema.read_text() + "strict: true\n")
    clinic.data.write_text(clinic.data.read_text() + row + "\n")
    refused(clinic, dpsynth, *clinic.train(), names=("tables.clinic", "strict: false"))


def test_machines_get_the_kind_of_an_error_and_none_of_its_words(clinic, dpsynth):
    clinic.schema.write_text(clinic.schema.read_text() + "strict: true\n")
    clinic.data.write_text(clinic.data.read_text() + "1,0,f,1,1e20\n")
    done = dpsynth(*clinic.train("--json"))
    assert done.json == {"exit_code": 2, "error": "DataError"}


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow past `size` bytes, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)


def test_a_full_disk_stops_training_in_one_line_and_the_run_resumes(clinic, dpsynth):
    with largest_file(10_000):
        done = dpsynth(*clinic.train())
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    resume = f"dpsynth train {clinic.data} --out {clinic.root / 'run'} --resume"
    assert "the disk is full" in done.err and f"continue with: {resume}" in done.err
    assert not (clinic.root / "run" / "model.safetensors").exists()
    done = dpsynth(*resume.split()[1:], "--json")
    assert done.code == 0
    assert done.json["privacy"]["spent"]["runs"] == 1
    assert json.loads((clinic.root / "run" / "run.json").read_text())["status"] == "finished"


def test_a_full_disk_stops_the_reservation_and_nothing_is_asked(clinic, dpsynth):
    assert dpsynth("ledger", "join", "clinic", clinic.data).code == 0
    with largest_file(400):
        refused(clinic, dpsynth, *clinic.train(), names=("disk is full",))


def test_a_full_disk_stops_generating_in_one_line_and_leaves_nothing(trained, dpsynth):
    with largest_file(1000):
        words = ["generate", "run", "--out=copy", "--n=500"]
        refused(trained, dpsynth, *words, names=("copy", "disk is full"))
