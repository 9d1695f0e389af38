"""Who pays for a sweep: decided, checked and said before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from dpsynth.errors import InputError
from dpsynth.evaluation.evaluation import plain
from dpsynth.models import MODELS
from dpsynth.pipeline.sweep_points import Point
from dpsynth.privacy.bare import bare
from dpsynth.privacy.budget import budget, reported
from dpsynth.privacy.ledger import Cost
from dpsynth.privacy.ledger.filter import added
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema

Mode = Literal["charged", "stand-in", "internal"]
LIKE = 10.0  # epsilon that a training without noise is planned like; only shares follow from it
NO_NOISE = "a model was trained without noise and measured; nothing of it is kept"
NO_CHARGE = "a model was trained without charge and measured; nothing of it is kept"


@dataclass(frozen=True, kw_only=True)
class Payment:
    """Who pays, and how much.

    Attributes:
        mode: "charged": every training at a finite epsilon is charged to its patients' ledger;
            "stand-in": the data are declared public, nobody is charged; "internal": nothing is
            charged, so nothing may be released.
        population: whose ledger; none on a stand-in.
        epsilon, delta: sums over the charged trainings among the points asked, by addition;
            points of an earlier call that are not asked again are in the ledger alone.
        trainings: how many are charged.
        unprotected: trainings that no promise covers: those without noise, or all if internal.
    """

    mode: Mode
    population: str | None
    epsilon: float
    delta: float
    trainings: int
    unprotected: int

    def words(self) -> str:
        """In one paragraph, for whoever starts the sweep and for the page."""
        free = (
            f" Trainings without noise ({self.unprotected}) are entered as unprotected accesses, "
            "outside the sum; their models and copies are in no file."
            if self.unprotected
            else ""
        )
        match self.mode:
            case "charged":
                return (
                    f"Who pays: population {self.population}. Trainings charged to its ledger, of "
                    f"what is asked here: {self.trainings}, epsilon {reported(self.epsilon):g} and "
                    f"delta {self.delta:g} in sum by addition.{free} Measures are taken from real "
                    "records without protection, which the ledger writes down each time: they "
                    "are internal, and that somebody saw them stands on the card of whatever is "
                    "released after."
                )
            case "stand-in":
                return (
                    "Who pays: nobody. The data are declared a public stand-in; no patient's "
                    "ledger is touched. Whether what is found carries over to other patients is "
                    "an assumption."
                )
            case "internal":
                return (
                    f"Who pays: nobody, so nothing may leave. All trainings ({self.unprotected}) "
                    f"are entered in the ledger of population {self.population} as unprotected "
                    "accesses; their models and copies are in no file, and none can be "
                    "released. That somebody saw the measures stands on the card of whatever is "
                    "released after."
                )

    def public(self) -> dict[str, Any]:
        """As JSON."""
        facts: dict[str, Any] = plain(asdict(self))
        return facts | {"words": self.words()}


def check_mode(mode: str, schema: Schema) -> None:
    """Refuse what can't be said before it starts.

    Raises:
        InputError: if the cost of a charged sweep would only be known after a count.
    """
    if mode not in get_args(Mode):
        raise InputError(f"mode must be one of {', '.join(get_args(Mode))}, got {mode!r}")
    if mode == "charged" and schema.population == "private":
        raise InputError(
            "a charged sweep must know its whole cost before it starts, and population: private "
            "makes it depend on a noisy count: state a number, or sweep with --stand-in or "
            "--internal"
        )


def plans(
    points: Iterable[Point],
    schema: Schema,
    delta: float | None,
    size: int,
    settings: Mapping[str, Mapping[str, Any]],
) -> dict[tuple[str, float], Plan]:
    """The plan of each model at each epsilon; without noise where it is infinite.

    Raises:
        InputError: if a setting or a budget is refused.
    """
    found: dict[tuple[str, float], Plan] = {}
    for point in points:
        key = point.model, point.epsilon
        if key in found:
            continue
        free = math.isinf(point.epsilon)
        promise = budget(LIKE if free else point.epsilon, delta, size)
        plan = MODELS[point.model].plan(schema, promise, 0.0, **settings.get(point.model, {}))
        found[key] = bare(plan) if free else plan
    return found


def payment(mode: Mode, population: str | None, costs: Sequence[Cost], points: int) -> Payment:
    """What a sweep of so many points comes to.

    Args:
        mode, population: see `Payment`.
        costs: of the trainings at finite epsilons.
        points: how many trainings there are in all.
    """
    charged = costs if mode == "charged" else ()
    return Payment(
        mode=mode,
        population=None if mode == "stand-in" else population,
        epsilon=added([each.epsilon for each in charged]),
        delta=added([each.delta for each in charged]),
        trainings=len(charged),
        unprotected=0 if mode == "stand-in" else points - len(charged),
    )
