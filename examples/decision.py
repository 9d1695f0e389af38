"""From a sweep to a decision: the least epsilon that is good enough, and one run at it.

    python examples/decision.py OUT [--models log-linear,table-gan] [--max-loss 0.03]

The sweep runs on a public stand-in (the RAND Health Insurance Experiment), so that looking costs
no patient anything; whether it carries over to your patients is an assumption, which the page
says. With their own records instead, leave `mode` and `holdout` out: every training is then
charged, and that somebody looked stands on every later card. Exits with 1 if no epsilon will do.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dpsynth.data.embedded import randhie_path, randhie_schema
from dpsynth.evaluation.sweep.decision import Thresholds
from dpsynth.pipeline import generate, sweep, train
from dpsynth.privacy.ledger import Ledger


def main(words: list[str] | None = None) -> int:
    """Sweep, say what is recommended and why, and train once."""
    ask = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ask.add_argument("out", type=Path)
    ask.add_argument("--models", default="log-linear")
    ask.add_argument("--epsilons", default="1,3,10", help="inf: without noise, to see its price")
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--max-loss", type=float, default=0.03, help="AUC, everyone together")
    ask.add_argument("--max-group-loss", type=float, help="AUC, every group that can be assessed")
    asked = ask.parse_args(words)
    asked.out.mkdir(parents=True)
    swept = sweep(
        [randhie_path()], randhie_schema(), asked.out / "sweep",
        models=asked.models.split(","), epsilons=[float(e) for e in asked.epsilons.split(",")],
        seeds=asked.seeds, mode="stand-in",
        thresholds=Thresholds(loss=asked.max_loss, group_loss=asked.max_group_loss),
        told=lambda payment: print(payment.words(), flush=True),
    )  # fmt: skip
    assert swept.decision is not None
    print(*swept.decision.reasons, *swept.decision.not_assessable, sep="\n")
    print(f"The curve: {swept.files[0]}")
    if swept.decision.epsilon is None or swept.decision.model is None:
        return 1
    # People decide: whoever agrees trains once, on the patients' own files and ledger.
    ledger = Ledger(asked.out / "ledger")
    train(
        [randhie_path()], randhie_schema(), asked.out / "run", epsilon=swept.decision.epsilon,
        model=swept.decision.model, population="insured", holdout_rate=0.2, ledger=ledger,
    )  # fmt: skip
    copy = generate(asked.out / "run", asked.out / "synthetic", patients=1000)
    print(f"Epsilon {swept.decision.epsilon:g}: {copy.files[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
