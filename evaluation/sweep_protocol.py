"""What the sweeps share: `dpsynth sweep` on a protocol's split, and its curve as rows and figure.

A sweep's `run.py` states a `SweepProtocol` and calls `main`. The data are public: the sweep runs
on them as a stand-in, and nobody's budget is charged.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from markupsafe import Markup

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from results import Results, table  # noqa: E402

from dpsynth.evaluation.page import alone  # noqa: E402
from dpsynth.evaluation.sweep import Measured  # noqa: E402
from dpsynth.evaluation.sweep.report import sections  # noqa: E402
from dpsynth.pipeline import sweep  # noqa: E402
from dpsynth.pipeline.sweeping import Swept  # noqa: E402
from dpsynth.schema import Schema  # noqa: E402

SHARED = HERE.parents[1] / "shared/data"
EPSILONS = "0.5,1,3,10,inf"
PANELS = 3  # beside each other in the figure


@dataclass(frozen=True, kw_only=True)
class SweepProtocol:
    """One sweep. All public, and fixed before any result.

    Attributes:
        name: of the protocol.
        folder: holds `results.json` and `results.svg`.
        data: the data's folder, unless the command line names another.
        models: registry names.
        delta: of each training.
        copies: patients of each copy for each one trained on.
        parts: (data's folder, an empty folder, size) -> schema, files to train on, files of
            others; the first patients in the split's order are as many as the size, if given.
    """

    name: str
    folder: Path
    data: Path
    models: tuple[str, ...]
    delta: float
    copies: int
    parts: Callable[[Path, Path, int | None], tuple[Schema, list[Path], list[Path]]]


def options(protocol: SweepProtocol) -> argparse.ArgumentParser:
    """What can be asked of every sweep."""
    ask = argparse.ArgumentParser(description=f"Protocol {protocol.name}: add the rows missing.")
    ask.add_argument("--data", type=Path, default=protocol.data)
    ask.add_argument("--out", type=Path, default=protocol.folder / "results.json")
    ask.add_argument("--work", type=Path, default=protocol.folder / "work", help="to resume by")
    ask.add_argument("--epsilons", default=EPSILONS)
    ask.add_argument("--models", default=",".join(protocol.models))
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--train", type=int, help="patients to train on, instead of the protocol's")
    ask.add_argument("--setting", action="append", default=[], help="model.name=whole number")
    ask.add_argument("--jobs", type=int, default=1)
    return ask


def main(protocol: SweepProtocol, words: list[str] | None = None) -> None:
    """Do the points that are missing, then write rows and figure and print the table."""
    asked = options(protocol).parse_args(words)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        schema, train, others = protocol.parts(asked.data, Path(place), asked.train)
        assert isinstance(schema.population, int)
        swept = sweep(
            train,
            schema,
            asked.work,
            models=asked.models.split(","),
            epsilons=[float(each) for each in asked.epsilons.split(",")],
            seeds=asked.seeds,
            delta=protocol.delta,
            settings=_settings(asked.setting),
            holdout=others,
            mode="stand-in",
            patients=protocol.copies * schema.population,
            jobs=asked.jobs,
            device="cpu",
            progress=_told,
        )
    facts = json.loads((asked.work / "sweep.json").read_text())
    results = Results(asked.out, protocol.name, asked.jobs)
    add(results, facts)
    asked.out.with_suffix(".svg").write_text(figure(facts, swept), encoding="utf-8")
    print(table(results.rows))


def add(results: Results, facts: dict[str, Any]) -> None:
    """The rows that are not there yet: what real patients reach, then point by point.

    Of groups, those by one attribute are rows; intersections are in the worst and in the gap.
    """
    if not results.holds(model="real"):
        common = {"model": "real", "epsilon": None, "seed": 0}
        results.add([common | _row(each) for each in facts["real"] if each["value"] is not None])
    for point in facts["points"]:
        key = {name: point[name] for name in ("model", "epsilon", "seed")}
        if results.holds(**key):
            continue
        common = key if point["delta"] is None else key | {"delta": point["delta"]}
        kept = [each for each in point["rows"] if "," not in (each["group"] or "")]
        results.add([common | _row(each) for each in kept])


def _row(measure: dict[str, Any]) -> dict[str, Any]:
    """As in all protocols: what can't be assessed says how many there were."""
    group = {} if measure["group"] is None else {"group": measure["group"]}
    if measure["value"] is None:
        blank = {"metric": "not_assessable", "value": measure["n"], "why": measure["note"]}
        return blank | group
    numbers = {name: measure[name] for name in ("value", "low", "high", "n")}
    return {"metric": measure["metric"]} | numbers | group


def figure(facts: dict[str, Any], swept: Swept) -> str:
    """All curves in one drawing, as on the sweep's page."""
    real = [Measured.from_public(each) for each in facts["real"]]
    drawn = [d for part in sections(real, swept.cells) for d in part.drawings]
    wide, high = 400, 400
    panels = [
        Markup('<g transform="translate({},{})"><text x="58" y="10" font-weight="600">{}</text>'
               '<g transform="translate(0,14)">{}</g></g>').format(
            wide * (place % PANELS), high * (place // PANELS), each.title.split(";")[0], each.svg
        )
        for place, each in enumerate(drawn)
    ]  # fmt: skip
    across, down = PANELS * wide, high * math.ceil(len(drawn) / PANELS)
    whole = Markup(
        '<svg viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" font-size="11">{}</svg>'
    ).format(Markup("").join(panels), w=across, h=down)
    return alone(whole)


def _settings(pairs: Sequence[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        model, _, setting = name.partition(".")
        found.setdefault(model, {})[setting] = int(value)
    return found


def _told(stage: str, done: int, of: int) -> None:
    if stage == "points":
        print(f"{done} of {of} points", flush=True)
