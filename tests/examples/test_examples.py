"""The scripts that a user would copy: each does its whole job, on little data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def ran(*words: str | Path, **environment: str | Path) -> subprocess.CompletedProcess[str]:
    """A script as a user calls it, with the commands of this environment."""
    here = {k: os.fspath(v) for k, v in environment.items()}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [os.fspath(word) for word in words],
        env=os.environ | here | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_steward_gets_a_bundle(stays: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    steward = ("sh", EXAMPLES / "steward.sh", stays, out, "markov", "200")
    done = ran(*steward, DPSYNTH_LEDGER=tmp_path / "ledger")
    assert done.returncode == 0, done.stderr
    assert (out / "icu2012.zip").is_file() and (out / "internal/report.html").is_file()
    # A second time the run's folder is taken, and nothing is trained.
    again = ran(*steward, DPSYNTH_LEDGER=tmp_path / "ledger")
    assert again.returncode == 2 and "run" in again.stderr


def test_a_steward_stops_at_a_cap_and_does_not_raise_it(stays: Path, tmp_path: Path) -> None:
    book, out = tmp_path / "ledger", tmp_path / "out"
    files = [stays / name for name in ("patients.csv.gz", "measurements.parquet")]
    for words in (("join", "icu2012", *files), ("cap", "icu2012", "--epsilon=2", "--delta=1e-5")):
        assert ran("dpsynth", "ledger", *words, DPSYNTH_LEDGER=book).returncode == 0
    done = ran("sh", EXAMPLES / "steward.sh", stays, out, "markov", "200", DPSYNTH_LEDGER=book)
    assert done.returncode == 1 and "cap" in done.stderr
    assert not (out / "run").exists() and not (out / "icu2012.zip").exists()


def pipeline(clinic: Any, *more: str) -> tuple[int, dict[str, Any]]:
    """Exit code and object of the pipeline's script."""
    words = (sys.executable, EXAMPLES / "pipeline.py", clinic.data, "--schema", clinic.schema)
    fixed = ("--population", "clinic", "--model", "markov", "--patients", "60", "--delta", "1e-3")
    done = ran(*words, *fixed, "--out", clinic.root / "out", *more)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_pipeline_reads_exit_codes(clinic: Any) -> None:
    code, said = pipeline(clinic, "--epsilon", "1")
    assert code == 0 and Path(said["bundle"]).is_file() and said["epsilon"] <= 1
    code, said = pipeline(clinic, "--epsilon", "-1", "--out", str(clinic.root / "other"))
    assert code == 2 and "epsilon" in said["error"]


def test_a_pipeline_is_refused_by_a_spent_budget(clinic: Any, dpsynth: Any) -> None:
    assert dpsynth("ledger", "join", "clinic", clinic.data).code == 0
    assert dpsynth("ledger", "cap", "clinic", "--epsilon=0.5", "--delta=1e-3").code == 0
    code, said = pipeline(clinic, "--epsilon", "1")
    assert code == 1 and "cap" in said["error"]
    assert not (clinic.root / "out/bundle.zip").exists()


def test_a_researcher_learns_what_carries_over(tmp_path: Path) -> None:
    words = (sys.executable, EXAMPLES / "imaging.py", tmp_path / "out", "--patients", "400")
    done = ran(*words)
    assert done.returncode == 0, done.stderr
    for measured in ("epsilon 1:", "epsilon 10:", "All runs together: epsilon 1"):
        assert measured in done.stdout


def test_a_sweep_ends_in_a_decision(tmp_path: Path) -> None:
    out, book = tmp_path / "out", tmp_path / "ledger"
    words = (sys.executable, EXAMPLES / "decision.py", out, "--models", "markov", "--seeds", "2")
    done = ran(*words, "--epsilons", "10", "--max-loss", "0.5", DPSYNTH_LEDGER=book)
    assert done.returncode == 0, done.stderr
    assert "Who pays: nobody" in done.stdout and "epsilon 10 is the least" in done.stdout
    assert (out / "synthetic/randhie.csv").is_file()
    # Whoever asks for what can't be had is told so, and nothing is trained on patients.
    words = (*words[:2], tmp_path / "other", *words[3:])
    done = ran(*words, "--epsilons", "0.01", "--max-loss", "0.0001", DPSYNTH_LEDGER=book)
    assert done.returncode == 1 and not (tmp_path / "other/run").exists()


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda p: p.name)
def test_help_tells_what_a_script_is_for(script: Path) -> None:
    done = ran(sys.executable, script, "--help")
    assert done.returncode == 0 and len(done.stdout) > 200
