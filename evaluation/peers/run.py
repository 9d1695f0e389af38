"""Peers on our protocols' splits and metrics: see README.md beside this file.

python evaluation/peers/run.py --protocol icu-mortality --peers dpmm-mst --epsilons 10,3,1
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
EVALUATION = HERE.parent
sys.path[:0] = [str(HERE), str(EVALUATION)]
from call import Limits, Outcome, call, without_paths  # noqa: E402
from catalogue import PEERS, SHAPES, Peer  # noqa: E402
from environments import interpreter  # noqa: E402
from judge import Judge  # noqa: E402
from protocol import DELTA, Protocol, load, stated  # noqa: E402
from results import Results, table  # noqa: E402

from dpsynth.data.codec import Codec, Tokens  # noqa: E402


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table with ours beside them."""
    ask = options()
    asked = ask.parse_args(words)
    if unknown := set(asked.peers.split(",")) - set(PEERS):
        ask.error(f"no peer {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    peers = {name: PEERS[name] for name in asked.peers.split(",")}
    protocol = stated(asked.protocol)
    size = asked.train or protocol.train
    loaded = load(
        protocol, asked.data or protocol.data, size, asked.test_from or protocol.test_from
    )
    judge = Judge(loaded.books, loaded.schema, loaded.train, loaded.test, loaded.groups)
    results = Results(asked.out, "peers", threads=1)
    for name, epsilon, seed in cases(peers, asked.epsilons, asked.seeds):
        case = {"protocol": protocol.name, "model": name, "epsilon": epsilon, "seed": seed}
        if results.holds(**case):
            continue
        common = case | ({} if epsilon is None else {"delta": DELTA})
        rows = measured(peers[name], judge, loaded.books, epsilon, seed, size, asked)
        results.add([common | row for row in rows])
        shown = {r["metric"]: round(r["value"], 3) for r in rows if "group" not in r}
        print(protocol.name, name, epsilon, seed, shown, flush=True)
    theirs = [r | {"protocol": None} for r in results.rows if r["protocol"] == protocol.name]
    print(table(ours(protocol) + theirs))


def options() -> argparse.ArgumentParser:
    """What can be asked."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--protocol", default="icu-mortality")
    ask.add_argument("--peers", default=",".join(PEERS))
    ask.add_argument("--epsilons", default="10,3,1")
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--limit-s", type=int, default=600, help="of processor time, for one run")
    ask.add_argument("--wall-s", type=float, default=3600, help="on the clock, for one run")
    ask.add_argument("--data", type=Path, help="the protocol's data, if they lie elsewhere")
    ask.add_argument("--out", type=Path, default=HERE / "results.json")
    ask.add_argument("--environments", type=Path, default=HERE / ".environments")
    ask.add_argument("--train", type=int, help="patients to train on, if not the protocol's")
    ask.add_argument("--test-from", type=int, help="patients before it never test")
    return ask


def cases(
    peers: dict[str, Peer], epsilons: str, seeds: int
) -> Iterator[tuple[str, float | None, int]]:
    """Peer, epsilon and seed, all of one seed first; a peer without privacy once per seed."""
    for seed in range(seeds):
        for name, peer in peers.items():
            for epsilon in (float(e) for e in epsilons.split(",")) if peer.private else (None,):
                yield name, epsilon, seed


def measured(
    peer: Peer,
    judge: Judge,
    books: Codec,
    epsilon: float | None,
    seed: int,
    size: int,
    asked: argparse.Namespace,
) -> list[dict[str, Any]]:
    """Rows of one case: the metrics, or that the peer failed or ran over its time."""
    write, _ = SHAPES[peer.shape]
    tables, domains = write(judge.real, books)
    job = {
        "epsilon": epsilon,
        "delta": DELTA,
        "seed": seed,
        "patients": 2 * size,
        "visits": books.max_visits if books.regular else None,
        "limit_s": asked.limit_s,
        "settings": dict(peer.settings),
        "domains": domains,
    }
    try:
        python = interpreter(peer.environment, asked.environments)
    except (OSError, subprocess.CalledProcessError) as error:
        return [lost(Outcome(status="failed", seconds=0.0, why=f"no environment: {error}"))]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "job.json").write_text(json.dumps(job | {"folder": place}))
        for name, frame in tables.items():
            frame.to_csv(folder / f"real_{name}.csv", index=False)
        limits = Limits(cpu_s=asked.limit_s, wall_s=asked.wall_s)
        outcome = call(python, peer.worker, folder, limits)
        if outcome.status != "done":
            return [lost(outcome)]
        try:
            copy, facts = taken(peer, folder, list(tables), books, seed, 2 * size)
        except (OSError, ValueError, KeyError) as error:
            why = f"its tables cannot be read: {error}"
            return [lost(Outcome(status="failed", seconds=outcome.seconds, why=why))]
    told = [{"metric": name, "value": value} for name, value in facts.items()]
    return judge.overall(copy) + judge.by_group(copy) + told


def taken(
    peer: Peer, folder: Path, names: list[str], books: Codec, seed: int, patients: int
) -> tuple[Tokens, dict[str, float]]:
    """The copy that a worker left, and what it tells of itself.

    Raises:
        OSError, ValueError, KeyError: if it is not all there.
    """
    _, read = SHAPES[peer.shape]
    made = {name: pd.read_csv(folder / f"synthetic_{name}.csv") for name in names}
    copy, repaired = read(made, books, np.random.default_rng(seed))
    if len(copy) != patients:
        raise ValueError(f"{len(copy)} of {patients} patients")
    return copy, json.loads((folder / "done.json").read_text()) | {"repaired_share": repaired}


def lost(outcome: Outcome) -> dict[str, Any]:
    """The row of a peer that gave no copy; its value is the seconds that it took."""
    why = without_paths(outcome.why)
    return {"metric": outcome.status, "value": outcome.seconds, "why": why}


def ours(protocol: Protocol) -> list[dict[str, Any]]:
    """The rows of our own models on the same protocol."""
    path = protocol.folder / "results.json"
    return json.loads(path.read_text())["rows"] if path.exists() else []


if __name__ == "__main__":
    main()
