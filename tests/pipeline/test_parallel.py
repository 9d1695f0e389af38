"""Work beside each other: on this machine and on clusters of two workers."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dpsynth.errors import InputError, RunError
from dpsynth.pipeline.parallel import check_backend, each
from dpsynth.privacy.ledger import Ledger

ABSENT = {
    name: importlib.util.find_spec(module) is None
    for name, module in (("ray", "ray"), ("dask", "distributed"))
}


def doubled(task: int) -> tuple[int, int]:
    return os.getpid(), 2 * task


def refused(task: int) -> int:
    raise InputError(f"no {task}")


def dying(task: int) -> int:
    os._exit(1)


def test_one_job_is_this_process():
    found = []
    each(doubled, [1, 2, 3], done=found.append)
    assert found == [(os.getpid(), 2), (os.getpid(), 4), (os.getpid(), 6)]


def test_two_jobs_are_other_processes_and_nothing_is_lost():
    found = []
    each(doubled, range(6), jobs=2, done=found.append)
    assert sorted(made for _, made in found) == [0, 2, 4, 6, 8, 10]
    assert os.getpid() not in {process for process, _ in found}


@pytest.mark.parametrize("jobs", [1, 2])
def test_our_errors_come_through(jobs):
    with pytest.raises(InputError, match="no "):
        each(refused, [1, 2], jobs=jobs)


@pytest.mark.filterwarnings("ignore:A worker stopped:UserWarning")
def test_a_worker_that_is_killed_is_one_line():
    with pytest.raises(RunError, match="a worker was killed"):
        each(dying, [1, 2], jobs=2)


@pytest.mark.parametrize(
    ("backend", "jobs", "told"),
    [("spark", 1, "backend must be one of"), ("loky", 0, "jobs must be at least 1")],
)
def test_what_can_not_be_used_is_refused(backend, jobs, told):
    with pytest.raises(InputError, match=told):
        check_backend(backend, jobs)


@pytest.mark.parametrize("backend", ["ray", "dask"])
def test_a_missing_extra_is_named(backend, monkeypatch):
    for module in ("ray", "ray.util.joblib", "distributed"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"pip install 'dpsynth\[{backend}\]'"):
        check_backend(backend, 1)


CLUSTER = """\
import sys
sys.path.insert(0, {tests!r})
from test_parallel import doubled
from dpsynth.pipeline.parallel import check_backend, each

if __name__ == "__main__":
    import os
    check_backend({backend!r}, 2)
    found = []
    each(doubled, range(6), jobs=2, backend={backend!r}, done=found.append)
    assert sorted(made for _, made in found) == [0, 2, 4, 6, 8, 10], found
    assert os.getpid() not in {{process for process, _ in found}}
    print("done")
"""


SWEEP = """\
from dpsynth.data.schema_file import load_schema
from dpsynth.pipeline import sweep

if __name__ == "__main__":
    sweep(["clinic.csv"], load_schema("schema.yaml"), "sw", models=["markov"], epsilons=[1.0, 2.0],
          seeds=1, holdout_rate=0.4, population="clinic", device="cpu", jobs=2, backend={backend!r})
"""


@pytest.mark.parametrize("backend", ["ray", "dask"])
def test_a_sweep_on_a_cluster_is_charged_as_here(backend, clinic):
    if ABSENT[backend]:
        pytest.skip(f"{backend} is not installed")
    file = clinic.root / "work.py"
    file.write_text(SWEEP.format(backend=backend))
    made = subprocess.run(
        [sys.executable, str(file)], capture_output=True, text=True, timeout=500, check=False
    )
    assert made.returncode == 0, made.stderr[-3000:]
    spent = Ledger().spent("clinic")
    assert (spent.epsilon, spent.runs, spent.unprotected) == (3.0, 2, 1 + 2)
    assert (clinic.root / "sw" / "sweep.html").exists()


@pytest.mark.parametrize("backend", ["ray", "dask"])
def test_a_local_cluster_of_two_workers_does_the_work(backend, tmp_path):
    """In a process of its own, since clusters leave threads and warnings of their own behind."""
    if ABSENT[backend]:
        pytest.skip(f"{backend} is not installed")
    here = str(Path(__file__).resolve().parent)
    file = tmp_path / "work.py"
    file.write_text(CLUSTER.format(tests=here, backend=backend))
    paths = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    made = subprocess.run(
        [sys.executable, str(file)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert made.returncode == 0 and "done" in made.stdout, made.stderr[-3000:]
