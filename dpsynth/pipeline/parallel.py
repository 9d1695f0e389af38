"""Independent pieces of work, here or on a cluster, by joblib's backends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Literal, TypeVar, get_args

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from dpsynth.errors import InputError, RunError

Backend = Literal["loky", "ray", "dask"]
Task = TypeVar("Task")
Made = TypeVar("Made")


def check_backend(backend: str, jobs: int) -> None:
    """Refuse what can't be used, before any work is done.

    Raises:
        InputError: with the command that installs what is missing.
    """
    if backend not in get_args(Backend):
        raise InputError(f"backend must be one of {', '.join(get_args(Backend))}, got {backend!r}")
    if jobs < 1:
        raise InputError(f"jobs must be at least 1, got {jobs!r}")
    try:
        if backend == "ray":
            import_module("ray.util.joblib")
        elif backend == "dask":
            import_module("distributed")
    except ImportError as error:
        raise InputError(
            f"backend {backend!r} needs an extra: pip install 'dpsynth[{backend}]'"
        ) from error


def each(
    work: Callable[[Task], Made],
    tasks: Sequence[Task],
    *,
    jobs: int = 1,
    backend: Backend = "loky",
    done: Callable[[Made], None] = lambda _: None,
) -> None:
    """Do every piece; with one job and no cluster in this very process.

    What a task holds goes from process to process through pipes, and to a cluster over its
    network. Processes of this machine share no array by a memory map, so it goes into no file;
    a cluster may spill what it holds to its own disks when memory runs short.

    Args:
        work: importable by its name; raises our errors, which end everything.
        tasks: in the order in which they are begun.
        jobs: how many at once.
        backend: "loky" (processes of this machine), "ray" or "dask"; these join the cluster
            that this process is connected to, or else start one here with `jobs` workers.
        done: called with each result; in the order of the work where the backend allows it.

    Raises:
        RunError: if a worker was killed.
    """
    if backend == "loky" and jobs == 1:
        for task in tasks:
            done(work(task))
        return
    with _cluster(backend, jobs):
        # Ray gives all results at the end, the others one by one.
        way = "list" if backend == "ray" else "generator_unordered"
        pool = joblib.Parallel(n_jobs=jobs, return_as=way, max_nbytes=None, batch_size=1)
        try:
            for made in pool(joblib.delayed(_alone)(work, task) for task in tasks):
                done(made)
        except TerminatedWorkerError as error:
            raise RunError(
                "a worker was killed, perhaps for want of memory; run the same command again, "
                "with fewer --jobs"
            ) from error


def _alone(work: Callable[[Task], Made], task: Task) -> Made:
    """One piece with one thread: pieces beside each other share the cores."""
    import torch

    torch.set_num_threads(1)
    return work(task)


@contextmanager
def _cluster(backend: Backend, jobs: int) -> Iterator[None]:
    """Make joblib use the backend."""
    with ExitStack() as stack:
        if backend == "ray":
            stack.enter_context(_ray(jobs))
        elif backend == "dask":
            stack.enter_context(_dask(jobs))
        stack.enter_context(joblib.parallel_config(backend=backend, n_jobs=jobs))
        yield


@contextmanager
def _ray(jobs: int) -> Iterator[None]:
    import ray
    from ray.util.joblib import register_ray

    ours = not ray.is_initialized()
    if ours:
        ray.init(num_cpus=jobs, include_dashboard=False, log_to_driver=False)
    register_ray()
    try:
        yield
    finally:
        if ours:
            ray.shutdown()


@contextmanager
def _dask(jobs: int) -> Iterator[None]:
    from distributed import Client, LocalCluster, default_client

    try:
        default_client()
    except ValueError:
        pass
    else:
        yield
        return
    with (
        LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        yield
