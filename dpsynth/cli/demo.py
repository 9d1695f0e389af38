"""`dpsynth demo`: the whole job on embedded real data."""

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
@options.training_options
def command(
    out: Path, epsilon: float, as_json: bool, settings: tuple[tuple[str, Any], ...], **given: Any
) -> None:
    """Train, generate, evaluate and report on real data that come with dpsynth.

    5,912 people of the RAND Health Insurance Experiment (1974 to 1982), 1 to 5 years each; the
    data are public. Minutes on one core.
    """
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
            "privacy": statement.facts(*told),
        },
        [
            f"Synthetic data: {', '.join(files)}",
            f"Report (of a real job: internal): {report_files[0]}",
            *summary(done.evaluated.evaluation),
            *statement.lines(*told),
        ],
        as_json=as_json,
    )
