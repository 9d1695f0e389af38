"""A data-sharing pipeline: one record set in, one bundle out, or a refusal by exit code.

    python examples/pipeline.py --schema schema.yaml --population NAME --out OUT FILE...

Prints one JSON object. Exits with 0 if there is a bundle, 1 if a promise or check stood in the
way (a spent budget, a violated audit, a leak in the evaluation), 2 on bad input: as `dpsynth`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from dpsynth.data.schema_file import load_schema
from dpsynth.errors import DpsynthError, PromiseError
from dpsynth.pipeline import audit, evaluate_run, generate, release, train, verify


def share(asked: argparse.Namespace) -> dict[str, Any]:
    """From records to a bundle that was checked as its receiver will check it."""
    out: Path = asked.out
    out.mkdir(parents=True, exist_ok=True)
    schema = load_schema(asked.schema)
    trained = train(
        asked.files, schema, out / "run", epsilon=asked.epsilon, delta=asked.delta,
        population=asked.population, model=asked.model, holdout_rate=0.2,
    )  # fmt: skip
    if audit(out / "run").verdict.word == "violated":
        raise PromiseError("the audit contradicts the claim")
    generate(out / "run", out / "synthetic", patients=asked.patients)
    evaluate_run(out / "run", asked.files, [out / "synthetic"], out / "internal")
    facts = json.loads((out / "internal/report.json").read_text())
    if any(v["question"] == "Does it leak?" and v["level"] == "poor" for v in facts["verdicts"]):
        raise PromiseError("the evaluation found a leak: see the internal report")
    done = release(out / "run", out / "synthetic", out / "bundle.zip", report=out / "internal")
    return {
        "bundle": str(done.path),
        "sha256": done.sha256,
        "epsilon": trained.card["guarantee"]["epsilon"],
        "files": verify(done.path).files,
    }


def main(words: list[str] | None = None) -> int:
    """The bundle's facts, or one line that says why there is none."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("files", nargs="+")
    ask.add_argument("--schema", type=Path, required=True)
    ask.add_argument("--population", required=True)
    ask.add_argument("--out", type=Path, required=True)
    ask.add_argument("--epsilon", type=float, default=3.0)
    ask.add_argument("--delta", type=float)
    ask.add_argument("--model", default="log-linear")
    ask.add_argument("--patients", type=int, default=1000)
    try:
        print(json.dumps(share(ask.parse_args(words))))
    except DpsynthError as error:
        print(json.dumps({"error": str(error)}))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
