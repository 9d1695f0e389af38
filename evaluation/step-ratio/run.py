"""Measure what a private step costs beside the plain step of the same network on the same rows.

    python evaluation/step-ratio/run.py --out evaluation/step-ratio/results.json

One thread, process CPU time. A route and the plain step take turns; each round gives one ratio, and
the median over rounds is reported with its quartiles, which keeps other programs' load out of it as
far as possible. Peak memory is that of a fresh process for each route.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from statistics import median, quantiles

import torch
from networks import TASKS
from routes import ONE_VIEW_ONLY, ROUTES, Step

BATCH = 64
LEAST_ROUNDS, MOST_ROUNDS = 5, 201


def make(model: str, route: str, views: int, patients: int = BATCH) -> Step:
    """Make one step of a route, with fixed weights and rows."""
    torch.manual_seed(0)
    task = TASKS[model]
    return ROUTES[route](task.model(), task, task.rows(patients * views), views)


def step_ratios(model: str, route: str, views: int, seconds: float) -> list[float]:
    """Return the CPU time of a route over that of the plain step, round by round."""
    plain, private = make(model, "plain", views), make(model, route, views)
    once = sum(_cpu(step) for step in (plain, private, plain, private)) / 2
    rounds = min(MOST_ROUNDS, max(LEAST_ROUNDS, int(seconds / once)))
    return [_ratio(plain, private, turn) for turn in range(rounds)]


def _ratio(plain: Step, private: Step, turn: int) -> float:
    """Time both once; who begins changes from turn to turn."""
    if turn % 2:
        spent = _cpu(private)
        return spent / _cpu(plain)
    base = _cpu(plain)
    return _cpu(private) / base


def _cpu(step: Step) -> float:
    """Return the CPU seconds of one step."""
    start = time.process_time()
    step()
    return time.process_time() - start


def peak_growth(model: str, route: str, views: int) -> int:
    """Return the bytes by which three steps raise this process's peak; call it in a fresh one."""
    make(model, route, views, patients=2)()
    step = make(model, route, views)
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    for _ in range(3):
        step()
    return _status("VmHWM") - before


def _status(key: str) -> int:
    """Return a field of this process's memory status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


def memory(model: str, route: str, views: int) -> float:
    """Measure peak growth in a process of its own."""
    command = [sys.executable, __file__, "--peak", model, route, str(views)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def rows_of(
    model: str, views: int, names: list[str], seconds: float
) -> Iterator[dict[str, object]]:
    """Yield the results of one network with K views."""
    plain = memory(model, "plain", views)
    for route in names:
        if views > 1 and route in ONE_VIEW_ONLY:
            continue
        common = {"model": model, "k": views, "route": route, "n": BATCH}
        ratios = step_ratios(model, route, views, seconds * (3 if route == "fast" else 1))
        low, _, high = quantiles(ratios, n=4)
        value = {"value": round(median(ratios), 3), "low": round(low, 3), "high": round(high, 3)}
        yield common | {"metric": "step_ratio", "rounds": len(ratios)} | value
        ratio = round(memory(model, route, views) / plain, 3)
        yield common | {"metric": "memory_ratio", "value": ratio}


def cpu_model() -> str:
    """Return the name of the processor."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0].split(": ")[1] if names else platform.processor()


def main() -> None:
    """Measure every network at one and four views, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results.json"))
    parser.add_argument("--models", default=",".join(TASKS), help="names, comma between")
    parser.add_argument("--views", default="1,4", help="views of each patient, comma between")
    parser.add_argument("--routes", default=",".join(r for r in ROUTES if r != "plain"))
    parser.add_argument("--routes-with-views", default="fast,vmap,opacus-hooks")
    parser.add_argument("--seconds", type=float, default=15, help="CPU seconds for each ratio")
    parser.add_argument("--peak", nargs=3, metavar=("MODEL", "ROUTE", "K"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    if arguments.peak:
        model, route, views = arguments.peak
        print(peak_growth(model, route, int(views)))
        return
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    record = {
        "protocol": "step-ratio",
        "commit": commit,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{cpu_model()}, 1 thread, torch {torch.__version__}",
        "rows": [],
    }
    for model, views in product(arguments.models.split(","), map(int, arguments.views.split(","))):
        names = (arguments.routes if views == 1 else arguments.routes_with_views).split(",")
        for row in rows_of(model, views, names, arguments.seconds):
            print(row, flush=True)
            record["rows"].append(row)
            arguments.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
