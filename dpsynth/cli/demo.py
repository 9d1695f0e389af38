"""`dpsynth demo`: the whole job on embedded real data, or on pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dpsynth.cli import options
from dpsynth.cli.output import finish


@click.command("demo", short_help="The whole job on embedded real data.")
@click.option(
    "--out",
    type=options.PATH,
    default=Path("demo"),
    show_default=True,
    metavar="FOLDER",
    help="Where to; FOLDER-2 and so on if it is taken.",
)
@click.option(
    "--epsilon",
    type=options.EPSILON,
    default=3.0,
    show_default=True,
    metavar="NUMBER",
    help="What may be lost per person in all, without unit.",
)
@click.option(
    "--images",
    is_flag=False,
    flag_value="chest",
    type=click.Choice(["chest", "skin"]),
    help="On pictures that a program draws (phantoms: no real data), of the chest unless said.",
)
@click.option(
    "--dataset",
    type=click.Choice(["randhie", "pneumoniamnist"]),
    help="Real public data.  [default: randhie]",
)
@click.option(
    "--file",
    type=options.PATH,
    metavar="FILE",
    help="pneumoniamnist.npz; without it the package medmnist fetches it.",
)
@options.training_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    out: Path,
    epsilon: float,
    as_json: bool,
    settings: tuple[tuple[str, Any], ...],
    **given: Any,
) -> None:
    """Train, generate, evaluate and report on data that anyone may see.

    5,912 people of the RAND Health Insurance Experiment (1974 to 1982), 1 to 5 years each; the
    data are public. Minutes on one core. Or on pictures: --images draws chest X-rays with
    pneumonia, sex and age in them (or --images skin), and --dataset pneumoniamnist takes real
    ones.
    """
    if ctx.get_parameter_source("model") is not click.core.ParameterSource.COMMANDLINE:
        given["model"] = None
    from dpsynth.cli import statement
    from dpsynth.cli.progress import progress
    from dpsynth.cli.summary import summary
    from dpsynth.pipeline import demo
    from dpsynth.privacy.ledger import Ledger

    ledger = Ledger()
    with progress() as report:
        done = demo(
            out, epsilon=epsilon, settings=dict(settings), ledger=ledger, progress=report, **given
        )
    run = done.trained.folder
    told = (done.trained.run, done.trained.card, run, ledger)
    files = [str(each) for each in done.generated.files]
    report_files = [str(each) for each in done.evaluated.files]
    finish(
        {
            "command": "demo",
            "run": str(run),
            "synthetic": files,
            "report": report_files,
            "phantoms": done.says or None,
            "privacy": statement.facts(*told),
        },
        [
            *filter(None, [done.says]),
            f"Synthetic data: {', '.join(files)}",
            *done.generated.notes,
            f"Report (of a real job: internal): {report_files[0]}",
            *summary(done.evaluated.evaluation),
            *statement.lines(*told),
        ],
        as_json=as_json,
    )
