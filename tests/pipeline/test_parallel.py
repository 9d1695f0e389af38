"""Work beside each other: on this machine and on clusters of two workers."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

from dpsynth.errors import InputError, RunError
from dpsynth.pipeline.parallel import check_backend, each

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


@pytest.mark.parametrize("backend", ["ray", "dask"])
def test_a_local_cluster_of_two_workers_does_the_work(backend, tmp_path):
    """In a process of its own, since clusters leave threads and warnings of their own behind."""
    if ABSENT[backend]:
        pytest.skip(f"{backend} is not installed")
    here = os.path.dirname(os.path.abspath(__file__))
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
