"""What is left of a command that was killed at a random moment?

python evaluation/crashes/run.py --kills 200

Adds the rows that are missing to `results.json` here. Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dpsynth.cli.main import run as dpsynth
from dpsynth.errors import DpsynthError
from dpsynth.evaluation.estimate import wilson
from dpsynth.pipeline import verify
from dpsynth.privacy.accountant import renyi
from dpsynth.privacy.ledger import Cost, Ledger
from dpsynth.privacy.plan import Plan

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import victim  # noqa: E402
from results import Results, table  # noqa: E402

SHARES = {"train": 0.5, "ledger cap": 0.25, "release": 0.25}
RUNS, RELEASED = "clinic", "released"  # populations


def main(words: list[str] | None = None) -> None:
    """Kill each command as often as is its share, then print the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--kills", type=int, default=200)
    ask.add_argument("--seed", type=int, default=1, help="of the moments")
    ask.add_argument("--out", type=Path, default=HERE / "results.json")
    asked = ask.parse_args(words)
    torch.set_num_threads(1)
    results = Results(asked.out, "crashes", 1)
    missing = {name: s for name, s in SHARES.items() if not results.holds(model=name)}
    if missing:
        with tempfile.TemporaryDirectory() as folder:
            house = House(Path(folder), np.random.default_rng(asked.seed))
            for name, share in missing.items():
                results.add(killed(house, name, max(round(share * asked.kills), 1)))
    print(table(results.rows))


class House:
    """A ledger, a finished run with its copy and bundle, and what each command has taken.

    Args:
        root: an empty folder.
        rng: draws moments.
    """

    def __init__(self, root: Path, rng: np.random.Generator) -> None:
        self.root, self.rng, self.made = root, rng, 0
        os.environ["DPSYNTH_LEDGER"] = str(root / "ledger")
        self.ledger = Ledger(root / "ledger")
        for name in (RUNS, RELEASED):
            victim.write(root / name, name)
        done(self.train(RELEASED, root / "run"))
        done(["generate", str(root / "run"), "--out", str(root / "copy")])
        done(self.release(root / "whole.zip"))
        self.bundle = (root / "whole.zip").read_bytes()
        done(["ledger", "join", RUNS, str(root / RUNS / "clinic.csv")])
        done(self.cap())
        # What a command takes, in a process like those that will be killed, and a first answer.
        self.takes = {name: victim.timed(self.words(name)[0]) for name in SHARES}

    def train(self, population: str, out: Path) -> list[str]:
        """A tiny run."""
        folder = self.root / population
        fixed = ["train", str(folder / "clinic.csv"), f"--schema={folder / 'schema.yaml'}"]
        return [*fixed, f"--out={out}", f"--population={population}", "--epsilon=1", *victim.TINY]

    def release(self, out: Path) -> list[str]:
        """The one bundle that there is to be made."""
        words = ["release", str(self.root / "run"), "--synthetic", str(self.root / "copy")]
        return [*words, "--out", str(out), "--reason", "nobody looks at a test"]

    def cap(self) -> list[str]:
        """Another cap each time, that no run reaches."""
        self.made += 1
        return ["ledger", "cap", RUNS, f"--epsilon={10**6 + self.made}", "--delta=0.1"]

    def words(self, name: str) -> tuple[list[str], Path]:
        """The command's next call, and the folder that is its own."""
        self.made += 1
        out = self.root / f"{self.made}"
        out.mkdir()
        if name == "train":
            return self.train(RUNS, out / "run"), out
        return (self.cap() if name == "ledger cap" else self.release(out / "bundle.zip")), out


def killed(house: House, name: str, kills: int) -> list[dict[str, Any]]:
    """Kill the command that often; what was found wrong, and how often it had asked."""
    found: Counter[str] = Counter()
    while found["kills"] < kills:
        words, out = house.words(name)
        before = house.ledger.spent(RUNS), house.ledger.spent(RELEASED)
        takes, answered = house.takes[name]
        # Every other training is killed after its reservation began, where most can go wrong.
        late = name == "train" and found["kills"] % 2 == 1
        wait = house.rng.uniform(0, takes - answered if late else takes)
        death = victim.kill(words, wait, after_reservation=late)
        if death is None:
            continue  # it was done before the moment came
        found["kills"] += 1
        found["asking"] += bool(death)
        found["chain_broken"] += broken(house.ledger)
        if not found["chain_broken"]:
            after = house.ledger.spent(RUNS), house.ledger.spent(RELEASED)
            lost = any(
                a.epsilon < b.epsilon or a.runs < b.runs for a, b in zip(after, before, strict=True)
            )
            lost |= name == "ledger cap" and after[0].cap_epsilon not in (
                before[0].cap_epsilon,
                float(10**6 + house.made),
            )
            found["spending_lost"] += lost or not recorded(house.ledger, out / "run", death)
        found["bundle_wrongly_verified"] += wrongly_verified(out, house.bundle)
        if found["kills"] % 10 == 0:
            print(name, dict(found), flush=True)
    return list(rows(name, found))


def rows(name: str, found: Counter[str]) -> Any:
    """Counts, and for what must never be the highest rate that they leave likely."""
    kills = found["kills"]
    yield {"model": name, "metric": "kills", "value": kills}
    yield {"model": name, "metric": "killed_while_asking", "value": found["asking"]}
    for metric in ("chain_broken", "spending_lost", "bundle_wrongly_verified"):
        high = wilson(found[metric], kills).high
        yield {"model": name, "metric": metric, "value": found[metric], "n": kills, "high": high}


def broken(ledger: Ledger) -> bool:
    """Whether any chain no longer verifies."""
    try:
        for name in ledger.populations():
            ledger.verify(name)
    except DpsynthError as error:
        print(error, flush=True)
        return True
    return False


def recorded(ledger: Ledger, run: Path, asked: list[str]) -> bool:
    """Whether the ledger holds at least what the killed process had asked of the data.

    Args:
        ledger: with an unbroken chain.
        run: its run folder.
        asked: what went through the door, a line each.
    """
    if not asked:
        return True
    facts = json.loads((run / "run.json").read_text())
    bodies = [e.body for e in ledger.entries(RUNS) if e.type == "reserve"]
    body = next((b for b in bodies if b["run"] == facts["id"]), None)
    if body is None:
        return False
    plan, cost = Plan.from_public(body["plan"]), Cost.of(body)
    steps = sum(line == "step" for line in asked)
    training = replace(plan.training, steps=steps) if plan.training and steps else None
    releases = tuple(r for r in plan.releases if r.name in asked)
    used = renyi(replace(plan, releases=releases, training=training))
    reserved = cost.renyi.epsilons if cost.renyi else ()
    return len(reserved) > 0 and all(
        u <= r * (1 + 1e-9) for u, r in zip(used.epsilons, reserved, strict=True)
    )


def wrongly_verified(folder: Path, whole: bytes) -> bool:
    """Whether a file passes for a release that is not the whole one, byte by byte."""
    for path in folder.glob("bundle*"):
        try:
            verify(path)
        except DpsynthError:
            continue
        if path.read_bytes() != whole:
            return True
    return False


def done(words: list[str]) -> None:
    """Run a command here; it must succeed."""
    with victim.silence():
        code = dpsynth(words)
    if code:
        raise SystemExit(f"dpsynth {' '.join(words)} ended with {code}")


if __name__ == "__main__":
    main()
