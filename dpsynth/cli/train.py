"""`dpsynth train`: from real records to a run folder."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dpsynth.cli import options
from dpsynth.cli.output import finish, internal

if TYPE_CHECKING:
    from dpsynth.pipeline.run_folder import Run

RESUMED = ("out", "data", "resumed", "insecure_seed", "device", "as_json")  # the rest is known


@click.command("train", short_help="A model, from real records.")
@options.data_argument()
@click.option("--schema", type=options.PATH, metavar="FILE", help="Public facts of the data.")
@click.option("--out", type=options.PATH, required=True, metavar="RUN", help="New run folder.")
@click.option(
    "--epsilon",
    type=options.EPSILON,
    metavar="NUMBER",
    help="What may be lost per patient in all, without unit; needed without --tier.",
)
@click.option(
    "--delta",
    type=options.DELTA,
    metavar="CHANCE",
    help="Below 1/P.  [default: the largest power of ten below P^-1.1]",
)
@options.tier_option("Take epsilon and delta from this tier of a policy, or hold them against it.")
@options.policy_option
@click.option(
    "--population",
    metavar="NAME",
    help="Group of patients in the ledger; needed the first time that a file is used.",
)
@click.option(
    "--holdout",
    type=options.RATE,
    default=0.0,
    show_default=True,
    metavar="RATE",
    help="Chance of each patient to be kept from training, for evaluation.",
)
@click.option(
    "--pretrain",
    metavar="SOURCE",
    help="Public pictures to learn from first, at no cost: a folder, an .npz, or chest or skin "
    "for phantoms. image-diffusion only.",
)
@click.option(
    "--group-weights",
    type=options.GroupWeight(),
    multiple=True,
    metavar="COLUMN:GROUP=WEIGHT,...",
    help="Public weights from 0.01 to 1 by group of a per-patient column, so that small groups "
    "count for more, at no cost: 'sex:f=1,m=0.4', or by age 'age:..65=0.4,65..=1'. Never chosen "
    "by looking at the data. Repeatable; weights of several columns are multiplied.",
)
@click.option(
    "--weigh",
    type=click.Choice(["measurements", "training", "both"]),
    help="What group weights are applied to.  [default: all that the model can]",
)
@click.option(
    "--audit/--no-audit",
    default=True,
    help="Let made-up patients test noise and sampling of this very run, at no cost to privacy; "
    "on by default.",
)
@click.option("--resume", "resumed", is_flag=True, help="Continue a killed run to its plan's end.")
@click.option(
    "--insecure-seed",
    type=options.COUNT,
    metavar="INTEGER",
    help="Repeatable, and without privacy for whoever knows it. Never for release.",
)
@options.training_options
@click.pass_context
def command(ctx: click.Context, /, data: tuple[str, ...], **given: Any) -> None:
    """Train a model on real records under differential privacy.

    DATA are CSV, .csv.gz or Parquet files, folders of them, or TABLE=FILE; of pictures also an
    .npz, or a folder of DICOM files. The whole budget is written into the ledger before the first
    question is asked. A run that was killed is continued with --resume and the same DATA and
    --out.
    """
    _check(ctx, given)
    from dpsynth.cli import statement
    from dpsynth.cli.progress import progress
    from dpsynth.data.schema_file import load_schema
    from dpsynth.pipeline.training import resume, train
    from dpsynth.privacy.ledger import Ledger

    ledger, out, seed = Ledger(), given["out"], given["insecure_seed"]
    common = {"insecure_seed": seed, "device": given["device"], "ledger": ledger}
    with resumable(data, out, seed), progress() as report:
        if given["resumed"]:
            done = resume(data, out, progress=report, **common)
        else:
            done = train(
                data,
                load_schema(given["schema"]),
                out,
                epsilon=given["epsilon"],
                delta=given["delta"],
                tier=given["tier"],
                policy=given["policy"],
                model=given["model"],
                settings=dict(given["settings"]),
                population=given["population"],
                holdout_rate=given["holdout"],
                pretrain=given["pretrain"],
                group_weights=options.by_column(given["group_weights"]),
                weigh=given["weigh"],
                audit=given["audit"],
                progress=report,
                **common,
            )
    internal(done.notes.lines())
    told = (done.run, done.card, out, ledger)
    finish(
        {
            "command": "train",
            "run": str(out),
            "tier": done.run.tier.get("name"),
            "privacy": statement.facts(*told),
        },
        [f"Trained {done.run.model} into {out}{_for(done.run)}.", *statement.lines(*told)],
        as_json=given["as_json"],
        insecure=done.run.insecure_seed,
    )
    if done.card["audit"].get("verdict") == "violated":
        ctx.exit(1)


def _for(run: Run) -> str:
    """The tier that it was trained for, if for one."""
    return f", for tier {run.tier['name']} of the policy of {run.tier['owner']}" if run.tier else ""


def _check(ctx: click.Context, given: dict[str, Any]) -> None:
    """What a fresh run needs, and what a resumed one knows already."""
    if not given["resumed"]:
        for name in ("schema", "epsilon"):
            if given[name] is None and not (name == "epsilon" and given["tier"]):
                raise click.UsageError(f"Missing option '--{name}'.", ctx)
        return
    for name in set(given) - set(RESUMED):
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            option = "setting" if name == "settings" else name.replace("_", "-")
            raise click.UsageError(f"--{option} is fixed by the run; leave it out", ctx)


@contextmanager
def resumable(data: tuple[str, ...], out: Path, seed: int | None) -> Iterator[None]:
    """Tell whoever stops a run, or whose disk is full, how it goes on."""
    try:
        yield
    except (OSError, KeyboardInterrupt) as stop:
        if (out / "run.json").exists():
            words = ["dpsynth", "train", *data, "--out", str(out), "--resume"]
            words += [] if seed is None else ["--insecure-seed", str(seed)]
            stop.add_note(f"continue with: {shlex.join(words)}")
        raise
