"""`dpsynth evaluate`: a synthetic copy beside real patients, in an internal report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from dpsynth.cli import options
from dpsynth.cli.output import finish
from dpsynth.errors import InputError

INTERNAL = (
    "INTERNAL: real records were read without protection; the report is itself a disclosure. "
    "Do not share it outside."
)


@click.command("evaluate", short_help="What a copy is worth and what it leaks.")
@click.option("--schema", type=options.PATH, metavar="FILE", help="Public facts of the data.")
@click.option(
    "--train", multiple=True, metavar="DATA", help="What the copy was made from. Repeatable."
)
@click.option(
    "--holdout",
    multiple=True,
    metavar="DATA",
    help="Real patients that it was not made from. Repeatable.",
)
@click.option(
    "--run",
    type=options.PATH,
    metavar="RUN",
    help="Instead: a run that left patients out; they are found again in --data.",
)
@click.option("--data", multiple=True, metavar="DATA", help="What the run read. Repeatable.")
@click.option(
    "--synthetic",
    multiple=True,
    required=True,
    metavar="DATA",
    help="The copy, ours or anyone's. Repeatable.",
)
@click.option(
    "--unprotected",
    multiple=True,
    metavar="DATA",
    help="A copy by the same model without noise, to tell bias that privacy adds from bias that "
    "the generator adds. Internal: the ledger logs it as an unprotected access; delete it after "
    "measuring. Repeatable.",
)
@click.option(
    "--without-noise",
    is_flag=True,
    help="With --run, instead: train its model again without noise, measure, and delete it. Takes "
    "as long as training did.",
)
@click.option("--out", type=options.PATH, required=True, metavar="FOLDER", help="New folder.")
@click.option("--population", metavar="NAME", help="Group of the real patients in the ledger.")
@click.option(
    "--card",
    type=options.PATH,
    metavar="FILE",
    help="The copy's privacy.json; refused if it is known to be of other files.",
)
@click.option(
    "--seed",
    type=options.COUNT,
    default=0,
    show_default=True,
    metavar="INTEGER",
    help="Of what is random in the measures.",
)
@click.option(
    "--anonymeter",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PYTHON",
    help="Run anonymeter's attacks too, by the Python of an environment that has it.",
)
@click.option("--figures", is_flag=True, help="Write every figure as an SVG file too, in figures/.")
@click.option(
    "--shareable",
    is_flag=True,
    help="Instead a report that may be shared with the copy: made from copy, schema and card "
    "alone. Real files need not be named; if they are, they are not opened.",
)
@options.json_option
@click.pass_context
def command(ctx: click.Context, /, as_json: bool, **given: Any) -> None:
    """Measure what a synthetic copy is worth, for whom it is worse, and what it leaks.

    Of a run that left patients out: --run RUN --data DATA --synthetic DIR --out report/

    Of any copy: --schema FILE --train DATA --holdout DATA --synthetic DIR --out report/

    Every value stands beside real patients and a control. It reads real records directly,
    which the ledger writes down: the report is internal. To share: --shareable.
    """
    _check(ctx, given)
    if given["shareable"]:
        _share(given, as_json)
        return
    from dpsynth.cli import statement
    from dpsynth.cli.progress import progress
    from dpsynth.cli.summary import summary
    from dpsynth.data.schema_file import load_schema
    from dpsynth.pipeline.evaluating import evaluate, evaluate_run
    from dpsynth.pipeline.run_folder import RunFolder
    from dpsynth.privacy.ledger import Ledger

    ledger, insecure = Ledger(), False
    common = {
        "ledger": ledger,
        "seed": given["seed"],
        "unprotected": given["unprotected"],
        "anonymeter": given["anonymeter"],
        "figures": given["figures"],
    }
    run, copy, out = given["run"], given["synthetic"], given["out"]
    with progress() as report:
        if run:
            insecure = RunFolder(run).load().insecure_seed
            done = evaluate_run(
                run,
                given["data"],
                copy,
                out,
                without_noise=given["without_noise"],
                progress=report,
                **common,
            )
        else:
            done = evaluate(
                given["train"],
                given["holdout"],
                copy,
                load_schema(given["schema"]),
                out,
                population=given["population"],
                privacy=_card(given["card"]),
                beside=given["card"] and given["card"].parent,
                progress=report,
                **common,
            )
    finish(
        {
            "command": "evaluate",
            "internal": INTERNAL,
            "files": [str(each) for each in done.files],
            "population": done.population,
            "spent": statement.spent_facts(done.population, ledger),
        },
        [
            INTERNAL,
            *summary(done.evaluation),
            f"Report: {', '.join(map(str, done.files))}",
            "Privacy: this evaluation has no guarantee; the ledger holds it as an unprotected "
            "internal access.",
            *statement.spent_lines(done.population, ledger),
        ],
        as_json=as_json,
        insecure=insecure,
    )


def _share(given: dict[str, Any], as_json: bool) -> None:
    """The other report: nothing here opens a real file or the ledger."""
    from dpsynth.data.schema_file import load_schema
    from dpsynth.evaluation.shareable import SAYS
    from dpsynth.pipeline.sharing import share, share_run

    copy, out = given["synthetic"], given["out"]
    common = {"seed": given["seed"], "figures": given["figures"]}
    if given["run"]:
        files = share_run(given["run"], copy, out, **common)
    else:
        card = _card(given["card"])
        beside = given["card"] and given["card"].parent
        schema = load_schema(given["schema"])
        files = share(copy, schema, out, privacy=card, beside=beside, **common)
    names = [str(each) for each in files]
    finish(
        {"command": "evaluate", "shareable": SAYS, "files": names},
        [f"Report: {', '.join(names[:2])}", f"Privacy: {SAYS}"],
        as_json=as_json,
    )


def _check(ctx: click.Context, given: dict[str, Any]) -> None:
    """One of the two forms, and nothing of the other."""
    forms = {"run": ("run", "data"), "files": ("schema", "train", "holdout")}
    wanted, other = (
        forms["run" if given["run"] else "files"],
        forms["files" if given["run"] else "run"],
    )
    if given["shareable"]:
        wanted = wanted[:1]
        if given["unprotected"] or given["without_noise"] or given["anonymeter"]:
            raise click.UsageError(
                "--unprotected, --without-noise and --anonymeter do not go with --shareable: they "
                "need real records",
                ctx,
            )
    for name in wanted:
        if not given[name]:
            raise click.UsageError(f"Missing option '--{name}'.", ctx)
    unused = [*other, *(("population", "card") if given["run"] else ("without_noise",))]
    for name in unused:
        if given[name]:
            option = name.replace("_", "-")
            raise click.UsageError(f"--{option} does not go with --{wanted[0]}", ctx)


def _card(path: Path | None) -> dict[str, Any] | None:
    """A privacy card as JSON.

    Raises:
        InputError: if it can't be read.
    """
    if path is None:
        return None
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read as a privacy card: {error}") from error
    if not isinstance(card, dict):
        raise InputError(f"{path} is no privacy card: it must hold an object")
    return card
