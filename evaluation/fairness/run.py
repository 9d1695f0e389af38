"""Protocol fairness: see README.md beside this file.

python evaluation/fairness/run.py --icu ../shared/data/icu2012 --ham ../shared/data/ham10000
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import picture_protocol  # noqa: E402
import protocol  # noqa: E402
from copies import DELTA  # noqa: E402
from levers import NONE, Shop, Target, levers_of, shares  # noqa: E402
from picture_nets import cnn  # noqa: E402
from results import Results, table  # noqa: E402
from subgroups import by_age  # noqa: E402

from dpsynth.data.codec import Tokens, codec  # noqa: E402
from dpsynth.evaluation.bias.discrimination import auc_loss, group_auc  # noqa: E402
from dpsynth.evaluation.bias.excess import group_gap  # noqa: E402
from dpsynth.evaluation.estimate import Estimate  # noqa: E402
from dpsynth.evaluation.shown import Shown  # noqa: E402
from dpsynth.evaluation.utility.predictions import Predicted, predict  # noqa: E402
from dpsynth.evaluation.utility.task import task  # noqa: E402

UNITS = {"1": "coronary", "2": "cardiac surgery", "3": "medical", "4": "surgical"}
HAM_CUTS = (50, 70)  # years: ages below, between (the target), and over

Groups = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One data set, with a group whose loss is to shrink.

    Attributes:
        name: of the protocol that it is taken from.
        shop: makes copies.
        aimed: name of the target among the groups.
        groups: name and (test patients,) whether each belongs to the group.
        predicted: (copy, seed) -> test patients' scores by a model trained on it.
        real: (seed) -> the same by the training part.
        models: that are tried.
    """

    name: str
    shop: Shop
    aimed: str
    groups: Groups
    predicted: Callable[[Tokens, int], Predicted]
    real: Callable[[int], Predicted]
    models: tuple[str, ...]


def icu(data: Path, size: int, test_from: int) -> Case:
    """Split and judge of icu-mortality; surgical units are helped."""
    stated = protocol.stated("icu-mortality")
    loaded = protocol.load(stated, data, size, test_from)
    unit = loaded.test.static["ICUType"].to_numpy()
    schema, books = loaded.schema, loaded.books
    assert schema.label is not None
    label = schema.label
    tests = task(books.encode(loaded.test), books, label)
    real = predict(task(books.encode(loaded.train), books, label), tests)
    target = Target(column="ICUType", inside="4", rest=("1", "2", "3"))
    return Case(
        name="icu-mortality",
        shop=Shop(train=loaded.train, schema=schema, books=books, target=target),
        aimed="surgical",
        groups={**loaded.groups, **{name: unit == code for code, name in UNITS.items()}},
        predicted=lambda copy, seed: predict(task(copy, books, label), tests),
        real=lambda seed: real,
        models=("log-linear", "table-gan"),
    )


def ham(data: Path) -> Case:
    """Split and judge of ham10000; ages 50 to 69 are helped."""
    stated = protocol.stated("ham10000")
    train, held = stated.parts(stated.schema, data, "test")
    schema = stated.schema.model_copy(update={"population": len(train)})
    books = codec(schema)

    def judged(tokens: Tokens) -> Shown:
        return picture_protocol.judged(tokens, books, stated)

    seen, real = judged(books.encode(train)), judged(books.encode(held))

    def by(pictures: Shown, seed: int) -> Predicted:
        scores = cnn(pictures.pixels, pictures.positive, real.pixels, seed)[1]
        return Predicted(
            y=real.positive, score=scores, patient=real.patient, patients=real.patients,
            threshold=0.0,
        )  # fmt: skip

    sex = held.static["sex"].to_numpy()
    groups = {"women": sex == "female", "men": sex == "male"}
    groups |= by_age(held.static["age"].to_numpy(dtype=float), HAM_CUTS)
    target = Target(column="age", inside="50..70", rest=("..50", "70.."))
    return Case(
        name="ham10000",
        shop=Shop(train=train, schema=schema, books=books, target=target),
        aimed="age 50 to 69",
        groups=groups,
        predicted=lambda copy, seed: by(judged(copy), seed),
        real=lambda seed: by(seen, seed),
        models=("dct-gaussian", "image-gan"),
    )


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    asked = options().parse_args(words)
    torch.set_num_threads(1)
    results = Results(asked.out, "fairness", 1)
    made = {"icu-mortality": lambda: icu(asked.icu, asked.train, asked.test_from)}
    made |= {"ham10000": lambda: ham(asked.ham)}
    for name in asked.cases.split(","):
        add(results, made[name](), asked)
    print(table(results.rows))


def options() -> argparse.ArgumentParser:
    """What can be asked."""
    ask = argparse.ArgumentParser(description="Protocol fairness: add the rows missing.")
    ask.add_argument("--icu", type=Path, default=protocol.SHARED / "icu2012")
    ask.add_argument("--ham", type=Path, default=protocol.SHARED / "ham10000")
    ask.add_argument("--out", type=Path, default=HERE / "results.json")
    ask.add_argument("--cases", default="icu-mortality,ham10000")
    ask.add_argument("--epsilons", default="10,3,1")
    ask.add_argument("--models", default="", help="instead of all that each case has")
    ask.add_argument("--levers", default="", help="instead of all that each model has")
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--train", type=int, default=6000, help="stays to train on")
    ask.add_argument("--test-from", type=int, default=6000, help="stays before it never test")
    return ask


def add(results: Results, case: Case, asked: Any) -> None:
    """All rows of one data set that are missing."""
    models = [m for m in case.models if m in (asked.models or ",".join(case.models)).split(",")]
    for seed in range(asked.seeds):
        for model in models:
            for epsilon in (float(e) for e in asked.epsilons.split(",")):
                key = {"protocol": case.name, "model": model, "epsilon": epsilon, "seed": seed}
                wanted = levers_of(model)
                if asked.levers:
                    wanted = [e for e in wanted if e == NONE or e in asked.levers.split(",")]
                missing = [each for each in wanted if not results.holds(route=each, **key)]
                if missing:
                    add_levers(results, case, key, [NONE, *(e for e in missing if e != NONE)])


def add_levers(results: Results, case: Case, key: dict[str, Any], levers: list[str]) -> None:
    """Train, measure and save: without a lever first, which the others are held against."""
    real, seed, plain = case.real(key["seed"]), key["seed"], None
    for lever, copy in case.shop.copies(key["model"], key["epsilon"], seed, levers):
        found = case.predicted(copy, seed)
        plain = found if plain is None else plain
        common = {**key, "route": lever, "delta": DELTA}
        rows = measured(case, real, found, None if lever == NONE else plain)
        share = shares(copy, case.shop.books, case.shop.target)
        rows.append({"metric": "target_share", "value": share})
        if not results.holds(route=lever, **key):
            results.add([common | each for each in rows])
        told = {r["metric"]: round(r["value"], 3) for r in rows if "group" not in r}
        print(*common.values(), told, flush=True)


def measured(
    case: Case, real: Predicted, copy: Predicted, plain: Predicted | None
) -> list[dict[str, Any]]:
    """What a copy is worth over all and to each group, and against the copy without a lever."""
    everyone = np.ones(real.patients, dtype=bool)
    rows = [row("tstr_auc", group_auc(copy, everyone))]
    losses: dict[str, Estimate] = {}
    for name, inside in case.groups.items():
        loss = auc_loss(real, copy, inside)
        if not loss.assessable:
            continue
        losses[name] = loss
        found = {"group_loss": loss, "group_gap": group_gap(real, copy, inside)}
        found |= {"group_auc": group_auc(copy, inside)}
        rows += [row(metric, each) | {"group": name} for metric, each in found.items()]
    if case.aimed not in losses:  # of so few nothing can be said
        return rows
    rows.append({"metric": "worst_group_loss", "value": worst(losses)})
    rows.append({"metric": "target_loss", "value": losses[case.aimed].value})
    if plain is None:
        return rows
    # Losses without the lever less losses with it: above 0 the lever helps. Same resamples.
    gain = {"auc_gained": auc_loss(copy, plain, everyone)}
    gain |= {"target_gained": auc_loss(copy, plain, case.groups[case.aimed])}
    rows += [row(metric, each) for metric, each in gain.items()]
    before = {name: auc_loss(real, plain, case.groups[name]) for name in losses}
    rows.append({"metric": "worst_gained", "value": worst(before) - worst(losses)})
    return rows


def worst(losses: Mapping[str, Estimate]) -> float:
    """The largest loss of all groups that can be assessed."""
    return max(each.value for each in losses.values())


def row(metric: str, estimate: Estimate) -> dict[str, Any]:
    """The fields of a row that an estimate gives."""
    return {
        "metric": metric,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
    }


if __name__ == "__main__":
    main()
