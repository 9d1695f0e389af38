"""The peers' runner, with made-up peers that need nothing but numpy and pandas."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpsynth.data.codec import PAD, Codec, Tokens, codec
from dpsynth.data.schema_file import load_schema

PEERS = Path(__file__).resolve().parents[2] / "evaluation/peers"
# Gives each column's codes as they are in the real table, each column shuffled on its own.
SHUFFLES = """
from worker import Fitted, work
def fit(job):
    def sample():
        n = job.patients
        return {k: t.sample(n, replace=True, random_state=job.seed) for k, t in job.tables.items()}
    return Fitted(sample=sample, facts={"spent_epsilon": 2 * job.epsilon})
work(fit)
"""
FAILS = "raise MemoryError('no room in /home/somebody/file for it')\n"
LOOPS = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("child", "w").write(str(child.pid))
while True:
    pass
"""
SLEEPS = """
import os, time
open("new", "w").write(str(os.getpid()))
os.rename("new", "pid")
time.sleep(600)
"""
FEW = SHUFFLES.replace("n = job.patients", "n = 3")
NO_TABLE = "import json; json.dump({}, open('done.json', 'w'))\n"


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """`run.py` and what it imports from its folder, forgotten afterwards."""
    monkeypatch.setattr(sys, "path", sys.path.copy())
    known = set(sys.modules)
    spec = importlib.util.spec_from_file_location("peers_run", PEERS / "run.py")
    assert spec is not None and spec.loader is not None
    run = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run)
    found = {name: sys.modules[name] for name in ("catalogue", "call", "shapes", "environments")}
    for name in set(sys.modules) - known:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == PEERS:
            del sys.modules[name]
    return found | {"run": run}


@pytest.fixture
def ask(modules: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Measure workers, given as text, on 60 made-up patients of 1 to 3 visits."""
    run, catalogue = modules["run"], modules["catalogue"]
    rows = [
        f"p{i},{v},{'fm'[i % 2]},{int(i % 3 == 0)},{100 + 7 * ((i + v) % 9)}"
        for i in range(60)
        for v in range(1 + i % 3)
    ]
    (tmp_path / "clinic.csv").write_text("\n".join(["pid,visit,sex,sick,sys", *rows]))
    (tmp_path / "schema.yaml").write_text(SCHEMA)
    protocol = run.Protocol(
        name="clinic",
        folder=tmp_path,
        data=tmp_path,
        files=lambda data: [data / "clinic.csv"],
        train=30,
        test_from=30,
        groups=lambda records: {"women": records.static["sex"].to_numpy() == "f"},
    )
    monkeypatch.setattr(run, "stated", lambda name: protocol)
    out = tmp_path / "results.json"

    def measure(shape: str = "flat", private: bool = True, **workers: str) -> list[dict[str, Any]]:
        peers = {}
        for name, text in workers.items():
            script = tmp_path / f"{name}.py"
            script.write_text(f"import sys; sys.path.insert(0, {str(PEERS)!r})\n{text}")
            peers[name] = catalogue.Peer(
                environment=None, worker=script, shape=shape, private=private
            )
        monkeypatch.setattr(run, "PEERS", peers)
        words = ["--peers", ",".join(peers), "--epsilons", "3,1", "--seeds", "1"]
        run.main([*words, "--out", str(out), "--limit-s", "10", "--wall-s", "15"])
        return json.loads(out.read_text())["rows"]

    return measure


SCHEMA = """\
version: 1
name: clinic
population: 60
max_visits: 3
tables:
  clinic:
    shape: visits
    key: pid
    time: {column: visit, kind: order}
    columns:
      sex: {type: category, per: patient, categories: [f, m], sensitive: true}
      sick: {type: boolean, per: patient}
      sys: {type: number, bounds: [80, 200], bins: 4}
label: {column: sick, positive: "true"}
"""


def test_a_peer_is_measured_as_our_models_are_and_once(ask: Any) -> None:
    rows = ask(shuffles=SHUFFLES)
    assert {r["epsilon"] for r in rows} == {3.0, 1.0}
    assert {"protocol": "clinic", "model": "shuffles", "seed": 0, "delta": 1e-5}.items() <= rows[
        0
    ].items()
    here = {r["metric"]: r["value"] for r in rows if r["epsilon"] == 3.0}
    assert {"tv1", "tv2", "transition_tv", "c2st_auc", "tstr_auc"} <= set(here)
    assert {"train_s", "generate_s", "peak_gb", "not_assessable"} <= set(here)
    assert here["spent_epsilon"] == 6.0 and here["repaired_share"] == 0.0
    assert ask(shuffles="raise SystemExit('asked again')") == rows


def test_a_peer_that_fails_is_a_row_that_says_so_without_paths(ask: Any) -> None:
    row, _ = ask(fails=FAILS)
    assert row["metric"] == "failed" and row["value"] >= 0
    assert row["why"] == "MemoryError: no room in (path) for it"


@pytest.mark.parametrize(("text", "why"), [(FEW, "3 of 60"), (NO_TABLE, "cannot be read")])
def test_a_copy_of_another_size_or_none_is_a_failure(ask: Any, text: str, why: str) -> None:
    rows = ask(few=text)
    assert {r["metric"] for r in rows} == {"failed"}
    assert all(why in r["why"] for r in rows)


def test_a_peer_without_privacy_runs_once_with_epsilon_null(ask: Any) -> None:
    rows = ask(private=False, free=FAILS)
    assert [(r["epsilon"], r["metric"]) for r in rows] == [(None, "failed")]
    assert "delta" not in rows[0]


@pytest.mark.parametrize("limit", [{"cpu_s": 1, "wall_s": 60}, {"cpu_s": 60, "wall_s": 1}])
def test_over_its_time_a_worker_is_killed_with_its_children(
    modules: dict[str, ModuleType], tmp_path: Path, limit: dict[str, Any]
) -> None:
    call = modules["call"]
    (tmp_path / "loops.py").write_text(LOOPS)
    outcome = call.call(Path(sys.executable), tmp_path / "loops.py", tmp_path, call.Limits(**limit))
    assert outcome.status == "timed_out" and "killed after 1 s" in outcome.why
    assert gone((tmp_path / "child").read_text())


def test_a_worker_does_not_outlive_the_runner(
    modules: dict[str, ModuleType], tmp_path: Path
) -> None:
    (tmp_path / "sleeps.py").write_text(SLEEPS)
    calls = (
        "import sys; from pathlib import Path\n"
        f"sys.path.insert(0, {str(PEERS)!r}); from call import Limits, call\n"
        f"here = Path({str(tmp_path)!r})\n"
        "call(Path(sys.executable), here / 'sleeps.py', here, Limits(cpu_s=60, wall_s=60))"
    )
    runner = subprocess.Popen([sys.executable, "-c", calls])
    pid, until = tmp_path / "pid", time.monotonic() + 10
    while not pid.exists() and time.monotonic() < until:
        time.sleep(0.05)
    runner.kill()
    runner.wait()
    assert gone(pid.read_text())


def gone(pid: str) -> bool:
    """Whether a process ends within ten seconds (as a zombie nobody waits for, too)."""
    stat, until = Path(f"/proc/{pid}/stat"), time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if stat.read_text().split()[2] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(params=[False, True], ids=["lengths", "grid"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Codec:
    (tmp_path / "schema.yaml").write_text(SCHEMA)
    return replace(codec(load_schema(tmp_path / "schema.yaml")), regular=request.param)


def tokens(book: Codec) -> Tokens:
    """Three patients; without a grid of 1, 3 and 0 visits. sys has 5 codes, 4 is missing."""
    length = [3, 3, 3] if book.regular else [1, 3, 0]
    visits = np.full((3, 3, 1), PAD, dtype=np.int16)
    for patient, count in enumerate(length):
        visits[patient, :count, 0] = [0, 3, 4][:count]
    static = np.array([[0, 1], [1, 0], [0, 0]], dtype=np.int16)
    return Tokens(static=static, visits=visits, length=np.array(length, dtype=np.int16))


@pytest.mark.parametrize("shape", ["flat", "sequences"])
def test_records_survive_the_way_to_a_peer_and_back(
    modules: dict[str, ModuleType], book: Codec, shape: str
) -> None:
    write, read = modules["catalogue"].SHAPES[shape]
    real = tokens(book)
    tables, domains = write(real, book)
    for name, domain in domains.items():
        cells = tables[name][list(domain)]
        assert (cells >= 0).all(axis=None) and (cells < pd.Series(domain)).all(axis=None)
    back, repaired = read(tables, book, np.random.default_rng(0))
    assert repaired == 0.0
    for part in ("static", "visits", "length"):
        np.testing.assert_array_equal(getattr(back, part), getattr(real, part))


def test_domains_are_the_public_books_not_the_data(
    modules: dict[str, ModuleType], book: Codec
) -> None:
    _, domains = modules["shapes"].flat(tokens(book).take(np.array([0])), book)
    sizes = dict.fromkeys(("v0_0_sys", "v1_0_sys", "v2_0_sys"), 5 if book.regular else 6)
    count = {} if book.regular else {"visits": 4}
    assert domains == {"flat": {"0_sex": 3, "1_sick": 3} | count | sizes}


def test_a_cell_that_is_no_code_is_missing_and_counted(
    modules: dict[str, ModuleType], book: Codec
) -> None:
    shapes = modules["shapes"]
    tables, _ = shapes.sequences(tokens(book), book)
    tables["visits"] = tables["visits"].astype({"0_sys": object})
    tables["visits"].loc[0, "0_sys"] = "_RARE_"
    back, repaired = shapes.from_sequences(tables, book, np.random.default_rng(0))
    assert back.visits[0, 0, 0] == 4
    assert repaired == pytest.approx(1 / (6 + len(tables["visits"])))


def test_a_cell_that_may_not_be_missing_is_drawn_from_the_others(
    modules: dict[str, ModuleType], book: Codec
) -> None:
    shapes = modules["shapes"]
    column = book.static[1].column.model_copy(update={"missing": False})
    strict = replace(book, static=(book.static[0], replace(book.static[1], column=column)))
    tables, _ = shapes.flat(tokens(strict), strict)
    tables["flat"]["1_sick"] = [1, 7, 1]
    back, _ = shapes.from_flat(tables, strict, np.random.default_rng(0))
    assert list(back.static[:, 1]) == [1, 1, 1]


def test_visits_after_the_public_maximum_are_cut(
    modules: dict[str, ModuleType], book: Codec
) -> None:
    shapes = modules["shapes"]
    tables, _ = shapes.sequences(tokens(book), book)
    tables["visits"] = pd.DataFrame({"patient": [1] * 5, "0_sys": [1, 2, 3, 0, 0]})
    back, _ = shapes.from_sequences(tables, book, np.random.default_rng(0))
    assert list(back.visits[1, :, 0]) == [1, 2, 3]
    assert list(back.length) == ([3, 3, 3] if book.regular else [0, 3, 0])


def test_every_peer_pins_what_it_runs_on(modules: dict[str, ModuleType]) -> None:
    for peer in modules["catalogue"].PEERS.values():
        pins = (PEERS / "requirements" / f"{peer.environment}.txt").read_text().splitlines()
        assert all("==" in pin or pin.startswith("#") for pin in pins)
        assert any(pin.startswith("torch==") for pin in pins)
        assert peer.worker.exists()
