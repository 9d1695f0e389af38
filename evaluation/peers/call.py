"""Run a worker as a process of its own, within a time."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "NUMBA")
LOG = "log.txt"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a worker is killed, with all its children.

    Attributes:
        cpu_s: seconds of processor time that it may use, so that a busy machine is not held
            against it; it has one thread.
        wall_s: seconds on the clock.
    """

    cpu_s: int
    wall_s: float

    def __post_init__(self) -> None:
        """Both must be positive."""
        if not (self.cpu_s > 0 and self.wall_s > 0):
            raise ValueError(f"limits must be positive, got {self!r}")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a worker ended.

    Attributes:
        status: "done", "failed" or "timed_out".
        seconds: of processor time that it used.
        why: what it said last, if it is not done; may name paths.
    """

    status: str
    seconds: float
    why: str = ""


def call(python: Path, worker: Path, folder: Path, limits: Limits) -> Outcome:
    """Let a worker do the job in a folder; at a limit, it and all its children are killed."""
    before = _children_s()
    with (folder / LOG).open("w") as log:
        # The worker ends with us, and at the limit; what it starts has a limit of its own.
        held = ["setpriv", "--pdeathsig=KILL", "prlimit", f"--cpu={limits.cpu_s}"]
        process = subprocess.Popen(
            [*held, str(python), str(worker), str(folder)],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env=_alone(folder),
            start_new_session=True,
        )
        why = ""
        try:
            process.wait(limits.wall_s)
        except subprocess.TimeoutExpired:
            why = f"killed after {limits.wall_s:g} s on the clock"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
    seconds = _children_s() - before
    # The kernel's two clocks of processor time differ by a little: 0.9, not 1.
    if -status in {signal.SIGXCPU, signal.SIGKILL} and seconds >= 0.9 * limits.cpu_s:
        why = f"killed after {limits.cpu_s} s of processor time"
    if why:
        return Outcome(status="timed_out", seconds=seconds, why=why)
    if status:
        return Outcome(status="failed", seconds=seconds, why=_last_words(folder, status))
    return Outcome(status="done", seconds=seconds)


def _children_s() -> float:
    """Processor time of all children so far that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _alone(folder: Path) -> dict[str, str]:
    """One thread, no GPU, no network hub, and nothing of our own environment."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    one = {f"{name}_NUM_THREADS": "1" for name in THREADS}
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    quiet = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder), "TQDM_DISABLE": "1"}
    return kept | one | quiet | offline


def _last_words(folder: Path, status: int) -> str:
    """The log's last line."""
    lines = [line for line in (folder / LOG).read_text().splitlines() if line.strip()]
    last = lines[-1].strip() if lines else "said nothing"
    if status < 0:
        last = f"killed by {signal.Signals(-status).name}"
    return last


def without_paths(text: str) -> str:
    """A short message that tells nothing of this machine."""
    return re.sub(r"(?<!\w)~?/[^\s'\"]+", "(path)", text)[:200]
