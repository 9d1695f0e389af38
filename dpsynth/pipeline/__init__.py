"""What dpsynth does, as library functions; each command calls one of them."""

from dpsynth.pipeline.demo import demo
from dpsynth.pipeline.evaluating import evaluate, evaluate_run
from dpsynth.pipeline.generation import generate
from dpsynth.pipeline.training import resume, train

__all__ = ["demo", "evaluate", "evaluate_run", "generate", "resume", "train"]
