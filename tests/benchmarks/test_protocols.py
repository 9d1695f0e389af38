"""The protocols' scripts run on made-up data in the real form, and keep to their splits."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from toys import patients, script

from dpsynth.data.codec import codec
from dpsynth.data.reader import read
from dpsynth.data.schema_file import load_schema
from dpsynth.data.writer import write
from dpsynth.evaluation.utility.task import find_label

TINY = ("steps=2", "warm_steps=2", "width=16", "batch=8")
FORMATS = {"diabetes130": "parquet", "randhie": "csv"}
BESIDE = {"diabetes130": "independent", "randhie": "table-diffusion"}  # the floor


def made(name: str, folder: Path, many: int = 90) -> Path:
    """A data file of that protocol."""
    schema = load_schema(Path(script(f"{name}/run.py").HERE) / "schema.yaml")
    books, rng = codec(schema), np.random.default_rng(0)
    write(books.decode(patients(books, many), rng), schema, folder, FORMATS[name])
    return folder


@pytest.mark.parametrize("name", FORMATS)
def test_a_protocol_runs_and_takes_up(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("torch.set_num_threads", lambda n: None)
    run, out = script(f"{name}/run.py"), tmp_path / "results.json"
    words = ["--data", str(made(name, tmp_path)), "--out", str(out), "--epsilons", "10"]
    words += ["--seeds", "1", "--train", "40", "--test-from", "50"]
    words += ["--models", f"markov,{BESIDE[name]}"]
    tiny = TINY if name == "randhie" else ()
    run.main(words + [w for pair in tiny for w in ("--setting", pair)])
    rows = json.loads(out.read_text())["rows"]
    assert {row["model"] for row in rows} == {"real", "shuffled", "markov", BESIDE[name]}
    gains = [row for row in rows if row["metric"] == "auc_over_markov"]
    assert {row["model"] for row in gains} == {BESIDE[name]}
    cells = [row for row in rows if row["metric"] == "not_assessable"]
    assert {"women", "men"} < {row["group"] for row in cells}
    assert all(row["value"] == row["events"] < 50 for row in cells)
    assert all(row["n"] == 80 for row in rows if row["metric"] == "tv1" and row["epsilon"])
    run.main(words)
    assert json.loads(out.read_text())["rows"] == rows
    assert f"| {BESIDE[name]} | 10 |" in capsys.readouterr().out


@pytest.mark.parametrize("name", FORMATS)
def test_whoever_trains_never_tests(name, tmp_path):
    run = script(f"{name}/run.py")
    folder = made(name, tmp_path)
    loaded = run.protocol.load(run.PROTOCOL, folder, 40, 50)
    train, test = set(loaded.train.keys), set(loaded.test.keys)
    assert (len(train), len(test)) == (40, 40)
    assert not train & test
    marks = {k: hashlib.sha256(f"{name}{k}".encode()).digest()[:4] for k in train | test}
    assert max(marks[key] for key in train) < min(marks[key] for key in test)
    # All of a patient's visits are on the patient's side.
    records, _ = read(run.PROTOCOL.files(folder), loaded.schema)
    visits = records.visits.groupby("patient").size()
    here = {key: visits.get(place, 0) for place, key in enumerate(records.keys)}
    for part in (loaded.train, loaded.test):
        found = part.visits.groupby("patient").size()
        assert [found.get(place, 0) for place in range(len(part))] == [here[k] for k in part.keys]


@pytest.mark.parametrize("name", FORMATS)
def test_groups_are_of_the_right_patients(name, tmp_path):
    run = script(f"{name}/run.py")
    loaded = run.protocol.load(run.PROTOCOL, made(name, tmp_path), 40, 50)
    women, men = loaded.groups["women"], loaded.groups["men"]
    assert not (women & men).any()
    sex = loaded.test.static["gender" if name == "diabetes130" else "female"]
    assert set(sex[women]) == ({"Female"} if name == "diabetes130" else {"true"})
    ages = [inside for group, inside in loaded.groups.items() if group.startswith("age")]
    assert len(ages) == 4
    assert sum(inside.astype(int) for inside in ages).max() == 1
    young = loaded.groups["age below 50"]
    if name == "diabetes130":
        assert set(loaded.test.static["age"][young]) <= {
            f"[{a}-{a + 10})" for a in range(0, 50, 10)
        }
    else:
        last = loaded.test.visits.groupby("patient")["xage"].last()
        assert (last.reindex(np.flatnonzero(young)) < 50).all()


def test_a_threshold_inside_a_bin_is_judged_by_values(tmp_path):
    # randhie's label is cut at 150 USD, inside a bin: tokens alone could not tell.
    run = script("randhie/run.py")
    loaded = run.protocol.load(run.PROTOCOL, made("randhie", tmp_path), 40, 50)
    judge = script("judge.py").Judge(
        loaded.books, loaded.schema, loaded.train, loaded.test, loaded.groups
    )
    assert find_label(loaded.books, loaded.schema.label)[0]
    last = loaded.test.visits.groupby("patient")["meddol"].nth(-1).to_numpy()
    np.testing.assert_array_equal(judge.scores(judge.real).y, last > 150)
    np.testing.assert_array_equal(judge.scores(judge.held).y, last > 150)


def test_a_reference_is_a_row_without_epsilon(tmp_path, monkeypatch):
    pytest.importorskip("sdv")
    monkeypatch.setattr("torch.set_num_threads", lambda n: None)
    run, out = script("diabetes130/run.py"), tmp_path / "results.json"
    words = ["--data", str(made("diabetes130", tmp_path)), "--out", str(out), "--seeds", "1"]
    words += ["--train", "20", "--test-from", "60", "--models", ""]
    words += ["--references", "ctgan", "--reference-epochs", "1"]
    run.main(words)
    rows = json.loads(out.read_text())["rows"]
    found = [row for row in rows if row["model"] == "ctgan"]
    assert {row["epsilon"] for row in found} == {None}
    assert not any("delta" in row for row in found)
    assert {"tv1", "tstr_auc", "not_assessable"} < {row["metric"] for row in found}
    run.main(words)
    assert json.loads(out.read_text())["rows"] == rows


def test_a_setting_goes_to_the_models_that_know_it(capsys):
    copies, ask = (
        script("copies.py"),
        script("protocol.py").options(script("randhie/run.py").PROTOCOL),
    )
    found = copies.per_model(["markov", "table-diffusion"], ["steps=3", "rate=1e-3"], ask)
    assert found == {"markov": {}, "table-diffusion": {"steps": 3, "rate": 0.001}}
    for wrong in ("colour=3", "steps"):
        with pytest.raises(SystemExit):
            copies.per_model(["markov", "table-diffusion"], [wrong], ask)
    assert "colour=3" in capsys.readouterr().err


def test_a_split_where_a_patient_would_train_and_test_is_refused(tmp_path):
    run = script("randhie/run.py")
    with pytest.raises(ValueError, match="train must be"):
        run.protocol.Protocol(**vars(run.PROTOCOL) | {"test_from": 4000})
    with pytest.raises(ValueError, match="train must be"):
        run.main(["--data", str(made("randhie", tmp_path)), "--train", "50", "--test-from", "40"])


def test_development_sees_no_patient_who_tests(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("torch.set_num_threads", lambda n: None)
    develop = script("develop.py")
    words = ["--protocol", "randhie", "--data", str(made("randhie", tmp_path)), "--epsilons", "10"]
    develop.main([*words, "--models", "markov", "--parts", "0", "40", "80"])
    out = capsys.readouterr().out
    assert "markov 10 0" in out
    assert out.count("'tstr_auc'") == 2
    with pytest.raises(SystemExit):
        develop.main([*words, "--parts", "0", "4400", "4435"])
    assert "development" in capsys.readouterr().err
    for name, (first, middle, last) in develop.PARTS.items():
        assert 0 <= first < middle < last <= develop.stated(name).test_from


def test_a_table_goes_down_in_epsilon_whatever_order_rows_came_in():
    results = script("results.py")
    rows = [
        {"model": model, "epsilon": epsilon, "seed": 0, "metric": "tv1", "value": 0.5}
        for model, epsilon in [("b", 1.0), ("b", 10.0), ("real", None), ("a", 10.0), ("a", 1.0)]
    ]
    lines = [line.split(" | ")[:2] for line in results.table(rows).splitlines()[2:]]
    assert lines == [["| real", "-"], ["| b", "10"], ["| a", "10"], ["| b", "1"], ["| a", "1"]]
