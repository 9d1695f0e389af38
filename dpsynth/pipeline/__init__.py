"""What dpsynth does, as library functions; each command calls one of them.

Most are looked up on first use, so that `dpsynth inspect` need not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dpsynth.pipeline.demo import demo  # its file has its name, so it can't be looked up late
from dpsynth.pipeline.inspecting import inspect

if TYPE_CHECKING:
    from dpsynth.pipeline.auditing import audit
    from dpsynth.pipeline.benchmarking import benchmark
    from dpsynth.pipeline.evaluating import evaluate, evaluate_run
    from dpsynth.pipeline.generation import generate
    from dpsynth.pipeline.releasing import release
    from dpsynth.pipeline.sharing import share, share_run
    from dpsynth.pipeline.sweeping import sweep
    from dpsynth.pipeline.training import resume, train
    from dpsynth.pipeline.verifying import verify

_LATE = {
    "audit": "auditing",
    "benchmark": "benchmarking",
    "evaluate": "evaluating",
    "evaluate_run": "evaluating",
    "generate": "generation",
    "release": "releasing",
    "resume": "training",
    "share": "sharing",
    "share_run": "sharing",
    "sweep": "sweeping",
    "train": "training",
    "verify": "verifying",
}

__all__ = [
    "audit",
    "benchmark",
    "demo",
    "evaluate",
    "evaluate_run",
    "generate",
    "inspect",
    "release",
    "resume",
    "share",
    "share_run",
    "sweep",
    "train",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)


def __dir__() -> list[str]:
    return __all__
