"""Protocol picture-cost: see README.md beside this file.

python evaluation/picture-cost/run.py
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from dpsynth.data.demonstration import phantoms

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from results import Results, table  # noqa: E402
from steps import EPSILON, ratio  # noqa: E402

PICTURES = 4708  # as many as PneumoniaMNIST trains on
MODELS = ("dct-gaussian", "dp-merf", "image-diffusion", "image-gan")
WITH_STEPS = ("image-diffusion", "image-gan")


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--out", type=Path, default=HERE / "results.json")
    ask.add_argument("--models", default=",".join(MODELS))
    ask.add_argument("--pictures", type=int, default=PICTURES)
    ask.add_argument("--threads", type=int, default=2)
    ask.add_argument("--rounds", type=int, default=40, help="steps of each kind, in turns")
    ask.add_argument("--setting", action="append", default=[], help="name=value of the models")
    asked = ask.parse_args(words)
    torch.set_num_threads(1)  # of the steps; whole runs have `threads`
    results = Results(asked.out, "picture-cost", asked.threads)
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "data"
        data.mkdir()
        shown = phantoms("chest", data, patients=asked.pictures)
        for name in asked.models.split(","):
            if not results.holds(model=name):
                rows = whole(name, Path(place), shown.data[0], asked)
                if name in WITH_STEPS:
                    rows.append(ratio(name, shown, asked.rounds, asked.setting))
                results.add([{"model": name, "epsilon": EPSILON} | row for row in rows])
    print(table(results.rows))


def whole(name: str, place: Path, data: Path, asked: argparse.Namespace) -> list[dict[str, object]]:
    """Training and generation as the command line does them, each in a process of its own."""
    out, schema = place / name, data.parent / "schema.yaml"
    train = ["train", data, "--schema", schema, "--model", name, "--epsilon", EPSILON]
    train += ["--delta", "1e-5", "--population", "chests", "--out", out]
    train += [f"--setting={each}" for each in asked.setting]
    generate = ["generate", out, "--n", asked.pictures, "--out", place / f"{name}-copy"]
    found: list[dict[str, object]] = []
    for stage, words in (("train", train), ("generate", generate)):
        seconds, busy, gib = timed([str(word) for word in words], place, asked.threads)
        told = {f"{stage}_s": seconds, f"{stage}_cpu_s": busy, f"{stage}_peak_gb": gib}
        found += [{"metric": k, "value": round(v, 3)} for k, v in told.items()]
    return [row | {"n": asked.pictures} for row in found]


def timed(words: list[str], place: Path, threads: int) -> tuple[float, float, float]:
    """Seconds by the clock and of the processors, and the largest resident memory in GiB."""
    environment = os.environ | {
        "DPSYNTH_LEDGER": str(place / "ledger"),
        "OMP_NUM_THREADS": str(threads),
    }
    began = time.monotonic()
    command = [sys.executable, "-m", "dpsynth.cli.main", *words]
    started = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(started.pid, 0)
    started.returncode = os.waitstatus_to_exitcode(status)
    if started.returncode:
        raise SystemExit(f"dpsynth {' '.join(words)} ended with {started.returncode}")
    seconds = time.monotonic() - began
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20


if __name__ == "__main__":
    main()
