"""`dpsynth sweep`: worth, fairness and leakage against epsilon."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dpsynth.cli import options
from dpsynth.cli.output import finish

if TYPE_CHECKING:
    from dpsynth.pipeline.sweep_payment import Mode
    from dpsynth.pipeline.sweeping import Swept

INTERNAL = (
    "INTERNAL: real records were read without protection; the curves are themselves a "
    "disclosure. Do not share them outside."
)


NAMED = 8  # groups that can't be assessed, on the terminal


class Listed(click.ParamType):  # type: ignore[type-arg]
    """Values with commas between them."""

    name = "list"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The words."""
        if isinstance(value, tuple):
            return value
        words = tuple(each.strip() for each in str(value).split(","))
        if not all(words):
            self.fail(f"give values with commas between them, got {value!r}", param, ctx)
        return words


class Epsilons(Listed):
    """Epsilons, one of which may be inf."""

    name = "epsilons"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The numbers."""
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(float(each) for each in super().convert(value, param, ctx))
        except ValueError:
            self.fail(f"epsilons are numbers, or inf, got {value!r}", param, ctx)
        if not all(each > 0 for each in numbers) or any(math.isnan(each) for each in numbers):
            self.fail(f"epsilons must be positive, got {value!r}", param, ctx)
        return numbers


@click.command("sweep", short_help="Worth and leakage against epsilon.")
@options.data_argument()
@click.option(
    "--schema", type=options.PATH, required=True, metavar="FILE", help="Public facts of the data."
)
@click.option(
    "--out",
    type=options.PATH,
    required=True,
    metavar="FOLDER",
    help="New folder, or that of the same sweep, which then goes on.",
)
@click.option(
    "--models", type=Listed(), required=True, metavar="NAMES", help="Such as log-linear,table-gan."
)
@click.option(
    "--epsilons",
    type=Epsilons(),
    default="0.5,1,3,10,inf",
    show_default=True,
    metavar="NUMBERS",
    help="Of each training, without unit; inf is without noise, and never released.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    metavar="INTEGER",
    help="Trainings of each model at each epsilon.",
)
@click.option(
    "--delta",
    type=options.DELTA,
    metavar="CHANCE",
    help="Of each training, below 1/P.  [default: the largest power of ten below P^-1.1]",
)
@click.option(
    "--holdout",
    type=options.RATE,
    default=0.2,
    show_default=True,
    metavar="RATE",
    help="Chance of each patient to be kept from training, to measure on.",
)
@click.option(
    "--holdout-data",
    multiple=True,
    metavar="DATA",
    help="Instead of --holdout: patients that nothing is trained on. Repeatable.",
)
@click.option("--population", metavar="NAME", help="Group of the real patients in the ledger.")
@click.option(
    "--stand-in",
    is_flag=True,
    help="DATA are public and stand in for the patients: nobody is charged. You declare it.",
)
@click.option(
    "--internal",
    is_flag=True,
    help="Charge nothing; then nothing of it may be released, and the ledger holds each training "
    "as an unprotected access.",
)
@click.option(
    "--n", "patients", type=click.IntRange(min=1), metavar="INTEGER",
    help="Patients of each copy.  [default: the public size that is trained on]",
)  # fmt: skip
@click.option("--recommend", is_flag=True, help="Draft a decision: the least epsilon that is "
              "good enough by the thresholds below.")  # fmt: skip
@click.option(
    "--max-loss",
    type=options.RATE,
    metavar="AUC",
    help="AUC lost against real data, at most, by everyone; such as 0.03.",
)
@click.option(
    "--max-group-loss",
    type=options.RATE,
    metavar="AUC",
    help="The same by every group that can be assessed; such as 0.05.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="INTEGER",
    help="Trainings at once.",
)
@click.option(
    "--backend",
    type=click.Choice(["loky", "ray", "dask"]),
    default="loky",
    show_default=True,
    help="Processes of this machine, or a cluster (extras ray, dask) that shares its files.",
)
@click.option(
    "--setting",
    "settings",
    multiple=True,
    type=options.Setting(),
    metavar="MODEL.NAME=VALUE",
    help="A public setting of a model, such as table-gan.steps=300. Repeatable.",
)
@options.device_option
@options.json_option
@click.pass_context
def command(ctx: click.Context, /, data: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Train, generate and measure at several epsilons, to see what each costs and is worth.

    Sweeping spends: every training at a finite epsilon is charged to the patients' ledger, and
    a cap holds for the sum, before anything is trained. Or DATA are a public --stand-in; or all
    of it stays --internal. Which it is, is said first. Trainings at inf are always internal.

    The curves come from real records: they are internal, and that somebody saw them stands on
    the card of whatever is released from these patients afterwards. Ends with 1 if --recommend
    finds no epsilon, or a training's own audit contradicts its promise.
    """
    _check(ctx, given)
    from dpsynth.cli import statement
    from dpsynth.cli.progress import progress
    from dpsynth.data.schema_file import load_schema
    from dpsynth.evaluation.sweep import Thresholds
    from dpsynth.pipeline.sweeping import sweep
    from dpsynth.privacy.ledger import Ledger

    ledger = Ledger()
    thresholds = None
    if given["recommend"]:
        thresholds = Thresholds(loss=given["max_loss"], group_loss=given["max_group_loss"])
    mode: Mode = "stand-in" if given["stand_in"] else "internal" if given["internal"] else "charged"
    named = (
        *("models", "epsilons", "seeds", "delta", "population", "patients", "jobs", "backend"),
        "device",
    )
    with _goes_on(given["out"]), progress() as report:
        done = sweep(
            data,
            load_schema(given["schema"]),
            given["out"],
            mode=mode,
            settings=_by_model(ctx, given["settings"]),
            holdout_rate=given["holdout"],
            holdout=given["holdout_data"],
            thresholds=thresholds,
            ledger=ledger,
            told=lambda paid: click.echo(paid.words(), err=True),
            progress=report,
            **{name: given[name] for name in named},
        )
    failed = done.decision is not None and done.decision.status != "draft"
    failed = failed or bool(done.violated)
    group, internal = done.payment.population, mode != "stand-in"
    finish(
        {
            "command": "sweep",
            "exit_code": int(failed),
            "internal": INTERNAL if internal else None,
            "files": [str(each) for each in done.files],
            "who_pays": done.payment.public(),
            "recommended": None if done.decision is None else done.decision.status,
            "points": done.points,
            "reused": done.reused,
            "violated": list(done.violated),
            "spent": None if group is None else statement.spent_facts(group, ledger),
        },
        [
            *([INTERNAL] if internal else []),
            *lines(done),
            *(f"Audit: violated by {run}; do not release it." for run in done.violated),
            f"Curves: {', '.join(map(str, done.files))}",
            f"Privacy: {done.payment.words()}",
            *([] if group is None else statement.spent_lines(group, ledger)),
        ],
        as_json=as_json,
    )
    if failed:
        ctx.exit(1)


@contextmanager
def _goes_on(out: Path) -> Iterator[None]:
    """Tell whoever stops a sweep, or whose disk is full, how it goes on."""
    try:
        yield
    except (OSError, KeyboardInterrupt) as stop:
        if (out / "recipe.json").exists():
            stop.add_note("the same command goes on where it stopped")
        raise


def _check(ctx: click.Context, given: dict[str, Any]) -> None:
    """Options that do not go together."""
    if given["stand_in"] and given["internal"]:
        raise click.UsageError("--stand-in and --internal exclude each other", ctx)
    limits = [name for name in ("max_loss", "max_group_loss") if given[name] is not None]
    if given["recommend"] and not limits:
        raise click.UsageError("--recommend needs --max-loss or --max-group-loss", ctx)
    if limits and not given["recommend"]:
        option = limits[0].replace("_", "-")
        raise click.UsageError(f"--{option} goes with --recommend", ctx)
    source = ctx.get_parameter_source("holdout")
    if given["holdout_data"] and source is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("--holdout and --holdout-data exclude each other", ctx)


def _by_model(
    ctx: click.Context, settings: tuple[tuple[str, Any], ...]
) -> dict[str, dict[str, Any]]:
    """Settings by model."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in settings:
        model, dot, setting = name.partition(".")
        if not (model and dot and setting):
            raise click.UsageError(f"a setting reads MODEL.NAME=VALUE, got {name!r}", ctx)
        found.setdefault(model, {})[setting] = value
    return found


def lines(done: Swept) -> list[str]:
    """The curve of the headline and of the losses, and the decision."""
    from dpsynth.evaluation.labels import rounded
    from dpsynth.evaluation.sweep import MEASURES

    shown = ("picture_tstr_auc", "tstr_auc", "worst_group_loss", "membership_auc")
    said = []
    for name in shown:
        here = [c for c in done.cells if c.metric == name and c.group is None]
        if not here:
            continue
        said.append(f"{MEASURES[name].title}:")
        for each in here:
            at = f"epsilon {each.epsilon:g}" if math.isfinite(each.epsilon) else "no noise"
            value = f"not assessable ({each.note})"
            if each.assessable:
                value = f"{rounded(each.value)} ({rounded(each.low)} to {rounded(each.high)})"
            said.append(f"  {each.model:<16} {at:<12} {value}")
    if done.decision is not None:
        said.append(f"Recommendation ({done.decision.status}): {done.decision.reasons[0]}")
        said += [f"  {each}" for each in done.decision.reasons[1:]]
        groups = done.decision.not_assessable
        said += [f"  {each}" for each in groups[:NAMED]]
        if len(groups) > NAMED:
            said.append(f"  and {len(groups) - NAMED} more groups; the page names them all")
    return said
