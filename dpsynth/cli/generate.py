"""`dpsynth generate`: from a run folder to synthetic files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from dpsynth.cli import options
from dpsynth.cli.output import finish


@click.command("generate", short_help="Synthetic patients, from a model.")
@click.argument("run", type=options.PATH, metavar="RUN")
@click.option("--out", type=options.PATH, required=True, metavar="FOLDER", help="New folder.")
@click.option(
    "--n",
    "patients",
    type=options.COUNT,
    metavar="PATIENTS",
    help="How many.  [default: as many as the run trained on, public or noised]",
)
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="Only such patients: COLUMN=VALUE (of a number, those in its bin), or a range of a "
    "number, as 'Age>=65' or 'Age<50'. Per-patient columns; of the visit, VALUE alone, where "
    "nobody has two. Repeatable; all hold.",
)
@click.option(
    "--balance",
    multiple=True,
    metavar="COLUMN",
    help="As many patients of each category of this column (as in --where), missing left out; or "
    "of each group named, as 'Age:..65,65..'. Repeatable: as many of each intersection.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["csv", "parquet", "png", "dicom", "npz"]),
    help="Of tables: csv or parquet. Of pictures: png, dicom or npz, beside a table as CSV.  "
    "[default: csv, and pictures in the form that the run read]",
)
@click.option(
    "--seed",
    type=options.COUNT,
    metavar="INTEGER",
    help="Repeatable copy; touches no promise, since no real data are read.",
)
@options.device_option
@options.json_option
def command(
    run: Path,
    out: Path,
    patients: int | None,
    where: tuple[str, ...],
    file_format: Literal["csv", "parquet", "png", "dicom", "npz"] | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Write synthetic patients from a finished run.

    Any number of them, any number of times: it costs no privacy.
    """
    from dpsynth.cli import statement
    from dpsynth.cli.progress import progress
    from dpsynth.cli.rejections import rejections
    from dpsynth.pipeline.generation import generate
    from dpsynth.pipeline.run_folder import RunFolder
    from dpsynth.privacy.ledger import Ledger

    card = RunFolder(run).card()
    with progress() as report:
        made = generate(
            run,
            out,
            patients=patients,
            where=where,
            file_format=file_format,
            progress=report,
            **given,
        )
    told = (made.run, card, run, Ledger())
    number, unit = len(made.records), made.run.schema.unit
    finish(
        {
            "command": "generate",
            "files": [str(each) for each in made.files],
            "notes": list(made.notes),
            "patients": number,
            "made": made.tally.made,
            "rejected": made.tally.rejected,
            "rejection_rate": made.tally.rate,
            "rejected_for": dict(made.tally.reasons),
            "stand_ins": made.tally.stand_ins,
            "privacy": statement.facts(*told),
        },
        [
            f"Wrote {number:,} synthetic {unit}s: {', '.join(map(str, made.files))}",
            *made.notes,
            *rejections(made.tally, made.run.schema),
            "This asked nothing of real records and cost nothing more than the run's own promise.",
            *statement.lines(*told),
        ],
        as_json=as_json,
        insecure=made.run.insecure_seed,
    )
