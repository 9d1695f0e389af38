"""`dpsynth benchmark`: do models rank on a synthetic copy as on real patients?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dpsynth.cli import options
from dpsynth.cli.output import finish, internal

if TYPE_CHECKING:
    from dpsynth.evaluation.estimate import Estimate
    from dpsynth.pipeline.benchmarking import Benchmarked

INTERNAL = (
    "INTERNAL: real records were read without protection; these figures are a disclosure. "
    "Do not share them outside."
)


@click.command("benchmark", short_help="Do models rank on a copy as on real data?")
@click.option(
    "--schema", type=options.PATH, required=True, metavar="FILE", help="Public facts of the data."
)
@click.option(
    "--train",
    multiple=True,
    required=True,
    metavar="DATA",
    help="What the copy was made from. Repeatable.",
)
@click.option(
    "--holdout",
    multiple=True,
    required=True,
    metavar="DATA",
    help="Real patients that it was not made from. Repeatable.",
)
@click.option(
    "--synthetic",
    multiple=True,
    required=True,
    metavar="DATA",
    help="The copy, ours or anyone's. Repeatable.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="MODULE:OBJECT",
    help="A class or function that makes a model with fit(X, y) and predict_proba(X); or the "
    "name of an installed one; or linear, boosting, mlp, gru (all of these without it). "
    "Repeatable.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=2),
    default=3,
    show_default=True,
    metavar="INTEGER",
    help="Resamples of patients that each model is trained on, of each side.",
)
@click.option("--out", type=options.PATH, required=True, metavar="FILE", help="New JSON file.")
@click.option("--population", metavar="NAME", help="Group of the real patients in the ledger.")
@click.option(
    "--seed",
    type=options.COUNT,
    default=0,
    show_default=True,
    metavar="INTEGER",
    help="Of what is random in it.",
)
@options.json_option
@click.pass_context
def command(ctx: click.Context, /, as_json: bool, **given: Any) -> None:
    """Compare the order of models trained on a copy with that of models trained on real patients.

    Both are judged on held-out real patients. A model gets a matrix without missing values,
    numbers standardised and categories as columns of 0 and 1, and labels 0 and 1. Ends with 1
    if a model failed; the others go on. It reads real records directly, which the ledger
    writes down: the figures are internal.
    """
    from dpsynth.cli import statement
    from dpsynth.cli.progress import progress
    from dpsynth.data.schema_file import load_schema
    from dpsynth.pipeline.benchmarking import benchmark
    from dpsynth.privacy.ledger import Ledger

    ledger = Ledger()
    named = {name: given[name] for name in ("models", "seeds", "population", "seed")}
    with progress() as report:
        done = benchmark(
            given["train"],
            given["holdout"],
            given["synthetic"],
            load_schema(given["schema"]),
            given["out"],
            ledger=ledger,
            progress=report,
            **named,
        )
    internal(f"the model {name!r} failed ({what})" for name, what in done.failed.items())
    finish(
        {
            "command": "benchmark",
            "exit_code": int(bool(done.failed)),
            "internal": INTERNAL,
            "files": [str(done.file)],
            "failed": list(done.failed),
            "population": done.population,
            "spent": statement.spent_facts(done.population, ledger),
        },
        [
            INTERNAL,
            *lines(done),
            f"Figures: {done.file}",
            "Privacy: this benchmark has no guarantee; the ledger holds it as an unprotected "
            "internal access.",
            *statement.spent_lines(done.population, ledger),
        ],
        as_json=as_json,
    )
    if done.failed:
        ctx.exit(1)


def lines(done: Benchmarked) -> list[str]:
    """The table, and what it comes to."""
    wide = max([len("model"), *(len(each.model) for each in done.lines)])
    said = [f"{'model':<{wide}}  {'AUC, trained on real':<24}  AUC, trained on the copy"]
    said += [
        f"{each.model:<{wide}}  {ranged(each.real):<24}  {ranged(each.copy)}" for each in done.lines
    ]
    if not done.lines:
        said = ["No model could be trained."]
    said.append(
        f"Order (Kendall's tau): {ranged(done.tau)}; real patients among themselves "
        f"{ranged(done.tau_real)} (1 is the same order, 0 as if shuffled)."
    )
    if done.pick is None:
        return [*said, f"Pick: {ranged(done.regret)}."]
    return [
        *said,
        f"Pick: the copy would have one pick {done.pick}, the best on real patients is "
        f"{done.best}; AUC lost {ranged(done.regret)}, by a random pick "
        f"{ranged(done.regret_random)}.",
        f"In brackets: 95 % intervals over held-out patients; {done.seeds} trainings each.",
    ]


def ranged(estimate: Estimate) -> str:
    """A value with its interval."""
    from dpsynth.evaluation.labels import rounded

    if not estimate.assessable:
        return f"not assessable ({estimate.note})"
    value, low, high = (rounded(e) for e in (estimate.value, estimate.low, estimate.high))
    return f"{value} ({low} to {high})"
