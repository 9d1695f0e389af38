"""What an evaluation found, in five lines of plain words."""

from __future__ import annotations

from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.evaluation import Evaluation
from dpsynth.evaluation.labels import rounded


def summary(found: Evaluation) -> list[str]:
    """Use, likeness, the group it is worst for, what attacks find, and what that means."""
    seen = _pictures(found)
    return [_use(found), _likeness(found), *seen, _group(found), _attack(found), _meaning(found)]


def _use(found: Evaluation) -> str:
    row = found.headline
    if row is None or not row.value.assessable:
        return "Use: not assessable" + ("." if row is None else f" ({row.value.note}).")
    what = "classifier of pictures" if row.metric == "picture_tstr_auc" else "model"
    return (
        f"Use: a {what} trained on the copy ranks real {found.unit}s with AUC "
        f"{_with_range(row.value)}; trained on real {found.unit}s it has "
        f"{_with_range(row.real)} (0.5 is guessing)."
    )


def _likeness(found: Evaluation) -> str:
    row = found.get("c2st_auc")
    if row is None or not row.value.assessable:
        return "Likeness: not assessable."
    by = " by columns alone" if found.get("shade_tv") else ""
    return (
        f"Likeness: a classifier tells copy from real{by} with AUC {_with_range(row.value)} "
        f"(0.5 is no better than guessing, 1 is always); real from real: {_with_range(row.real)}."
    )


def _pictures(found: Evaluation) -> list[str]:
    mean, near = found.get("mean_picture_distance"), found.get("near_ratio")
    if mean is None or near is None:
        return []
    alike, copied = "Pictures: likeness not assessable;", "nearness to trained-on ones neither."
    if mean.value.assessable:
        alike = (
            f"Pictures: mean pictures of classes lie {_with_range(mean.value)} apart (0 is equal, "
            f"1 black against white), real from real {rounded(mean.real.value)};"
        )
    if near.value.assessable:
        copied = (
            f"the nearest trained-on picture is {_with_range(near.value)} times as far as the "
            f"nearest other one (0 is a copy), of fresh real pictures {rounded(near.real.value)} "
            "times."
        )
    elif mean.value.assessable:
        copied = f"whether they copy is not assessable ({near.value.note})."
    return [f"{alike} {copied}"]


def _group(found: Evaluation) -> str:
    rows = [r for r in found.family("bias") if r.metric == "auc_loss" and r.group]
    held = [r for r in rows if r.value.assessable and not r.value.note]
    if not held:
        return "Worst group: not assessable (no sensitive group has enough events)."
    worst = max(held, key=lambda row: row.value.value)
    by = ", by columns alone" if found.get("shade_tv") else ""
    more = f"; {len(rows) - len(held)} not assessable" if len(held) < len(rows) else ""
    return (
        f"Worst group of {len(held)}{more}{by}: {worst.group} loses "
        f"{_with_range(worst.value)} AUC by training on the copy; everyone together "
        f"{rounded(worst.real.value)}."
    )


def _attack(found: Evaluation) -> str:
    rows = [r for r in found.family("leakage") if r.metric.endswith("_auc")]
    held = [r for r in rows if r.value.assessable]
    if not held:
        return "Attack: not assessable."
    row = max(held, key=lambda r: r.value.value)  # the reader is told the worst, not the first
    which = "one" if len(held) == 1 else f"the best of {len(held)}"
    return (
        f"Attack: {which} that guesses who was trained on has AUC {_with_range(row.value)} (0.5 is "
        f"guessing); on the records themselves {rounded(row.control.value)}. It proves nothing: "
        "the guarantee does, not this attack."
    )


def _meaning(found: Evaluation) -> str:
    return (
        f"In brackets: 95 % intervals, one copy of {found.synthetic:,} {found.unit}s, one "
        f"training. What differs between runs is not in them."
    )


def _with_range(estimate: Estimate) -> str:
    if not estimate.assessable:
        return "not assessable"
    if not estimate.low < estimate.high:
        return rounded(estimate.value)
    return f"{rounded(estimate.value)} ({rounded(estimate.low)} to {rounded(estimate.high)})"
