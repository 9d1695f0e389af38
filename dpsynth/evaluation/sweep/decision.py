"""The least epsilon that is good enough by thresholds which somebody stated beforehand: a draft."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dpsynth.errors import InputError
from dpsynth.evaluation.evaluation import plain
from dpsynth.evaluation.labels import rounded
from dpsynth.evaluation.sweep.curve import Cell
from dpsynth.evaluation.sweep.measures import LOSS

Verdict = Literal["meets", "fails", "undecided"]
Status = Literal["draft", "undecided", "none"]


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What a copy may cost at most, in AUC lost against training on real patients.

    Attributes:
        loss: of everyone together, in (0, 1); none if nothing is asked.
        group_loss: of each assessable group and intersection, likewise.
    """

    loss: float | None = None
    group_loss: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            InputError: if there is no threshold, or one is out of range.
        """
        if self.loss is None and self.group_loss is None:
            raise InputError("a recommendation needs a threshold: give --max-loss, such as 0.03, "
                             "or --max-group-loss")  # fmt: skip
        for name, value in (("max-loss", self.loss), ("max-group-loss", self.group_loss)):
            if value is not None and not 0 < value < 1:
                raise InputError(f"{name} must be in (0, 1), got {value!r}")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One model at one epsilon, held against the thresholds.

    Attributes:
        model, epsilon: which.
        verdict: "meets" if the bad ends of all intervals do, "fails" if the good end of one
            does not, else "undecided".
        worst: everyone's AUC loss at the bad end of its interval; none if it isn't assessable.
        reasons: in words.
    """

    model: str
    epsilon: float
    verdict: Verdict
    worst: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A draft: people decide.

    Attributes:
        status: "draft" if a candidate meets the thresholds; "undecided" if none does, but the
            intervals of one allow that it might; "none" if all fail.
        model, epsilon: recommended, or none.
        reasons: in words, the first for whoever reads one line only.
        not_assessable: groups of which nothing is known, and why.
        candidates: all, least epsilon first.
    """

    status: Status
    model: str | None
    epsilon: float | None
    reasons: tuple[str, ...]
    not_assessable: tuple[str, ...]
    candidates: tuple[Candidate, ...]

    def public(self) -> dict[str, Any]:
        """As JSON."""
        facts: dict[str, Any] = plain(asdict(self))
        return facts


def decide(cells: Iterable[Cell], thresholds: Thresholds) -> Decision:
    """Recommend the least epsilon whose losses stay below the thresholds at their worst.

    Each loss is taken at the bad end of its 95 % interval over seeds and patients together,
    so that a candidate that is really above a threshold meets it with a chance of 2.5 % at
    most, for each candidate. Of one seed nothing is decided: the chance of training is unknown
    then. Epsilon infinite is no candidate.

    Args:
        cells: the whole curve.
        thresholds: stated before the curve was seen.
    """
    losses = [each for each in cells if each.metric == LOSS and math.isfinite(each.epsilon)]
    keys = sorted({(each.epsilon, each.model) for each in losses})
    found = [
        _candidate([c for c in losses if (c.epsilon, c.model) == key], thresholds) for key in keys
    ]
    unknown = dict.fromkeys(
        f"{each.group}: not assessable ({each.note})"
        for each in losses
        if each.group is not None and not each.assessable
    )
    many = "1 group" if len(unknown) == 1 else f"{len(unknown)} groups"
    said = [f"Of {many} nothing is known; see below."] if unknown else []
    good = [each for each in found if each.verdict == "meets"]
    open_ = [each for each in found if each.verdict == "undecided"]
    if good:
        best = min(good, key=lambda c: (c.epsilon, c.worst or 0.0))
        earlier = [each for each in open_ if each.epsilon < best.epsilon]
        also = [
            f"At a smaller epsilon {each.epsilon:g}, {each.model}: {' '.join(each.reasons)}"
            for each in earlier
        ]
        return Decision(
            status="draft",
            model=best.model,
            epsilon=best.epsilon,
            reasons=(
                f"{best.model} at epsilon {best.epsilon:g} is the least that meets the thresholds.",
                *best.reasons,
                *also,
                *said,
            ),
            candidates=tuple(found),
            not_assessable=tuple(unknown),
        )
    status: Status = "undecided" if open_ else "none"
    first = (
        "The intervals do not allow a decision: more seeds or more held-out patients may."
        if open_
        else "Nothing that was tried meets the thresholds."
    )
    nearest = min(
        open_ or found, key=lambda c: math.inf if c.worst is None else c.worst, default=None
    )
    told = []
    if nearest is not None:
        who = f"{nearest.model} at epsilon {nearest.epsilon:g}"
        told = [f"Nearest is {who}: {' '.join(nearest.reasons)}"]
    return Decision(
        status=status,
        model=None,
        epsilon=None,
        reasons=(first, *told, *said),
        candidates=tuple(found),
        not_assessable=tuple(unknown),
    )


def _candidate(losses: Sequence[Cell], thresholds: Thresholds) -> Candidate:
    """Hold one model at one epsilon against the thresholds."""
    overall = next(each for each in losses if each.group is None)
    groups = [each for each in losses if each.group is not None]
    verdicts: list[Verdict] = []
    reasons: list[str] = []
    if thresholds.loss is not None:
        verdict, why = _held("everyone loses", overall, thresholds.loss)
        verdicts.append(verdict)
        reasons.append(why)
    if thresholds.group_loss is not None:
        verdict, why = _of_groups(groups, thresholds.group_loss)
        verdicts.append(verdict)
        reasons.append(why)
    verdict = "meets"
    if "fails" in verdicts:
        verdict = "fails"
    elif "undecided" in verdicts:
        verdict = "undecided"
    if verdict == "meets" and overall.seeds < 2:
        verdict = "undecided"
        reasons.append("One seed: what the chance of training does is unknown.")
    return Candidate(
        model=overall.model,
        epsilon=overall.epsilon,
        verdict=verdict,
        worst=overall.most if overall.assessable else None,
        reasons=tuple(reasons),
    )


def _held(who: str, loss: Cell, most: float) -> tuple[Verdict, str]:
    """A loss against its threshold, and why in words."""
    if not loss.assessable:
        return "undecided", f"What {who} is not assessable ({loss.note})."
    who_ = who[0].upper() + who[1:]
    span = f"{rounded(loss.value)} AUC (95 %: {rounded(loss.least)} to {rounded(loss.most)})"
    if loss.most <= most:
        return "meets", f"{who_} {span}, at most {most:g} even at worst."
    if loss.least > most:
        return "fails", f"{who_} {span}, more than {most:g} even at best."
    return "undecided", f"{who_} {span}: {most:g} lies inside."


def _of_groups(groups: Sequence[Cell], most: float) -> tuple[Verdict, str]:
    """Every assessable group against the threshold; told is the one that decides."""
    known = [each for each in groups if each.assessable]
    if not known:
        return "undecided", "No group can be assessed, so that nothing is known of any."
    over = [each for each in known if each.least > most]
    told = max(over, key=lambda c: c.least) if over else max(known, key=lambda c: c.most)
    verdict, why = _held(f"the group {told.group} loses", told, most)
    if verdict == "meets":
        why += f" It is the worst of {len(known)} assessable groups."
    return verdict, why
