"""From raw files to a trained run under patient-level differential privacy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from dpsynth.data.files import matched
from dpsynth.data.notes import Notes
from dpsynth.data.picture_writer import came_as
from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.errors import InputError, LedgerError, RunError, SchemaError
from dpsynth.evaluation.references import REFERENCES
from dpsynth.models import MODELS, PICTURE_MODELS, RECORD_MODELS
from dpsynth.models.base import Progress, quiet
from dpsynth.models.pretraining import Pretrains
from dpsynth.models.state import State
from dpsynth.models.weighing import Weigh, chosen_weights
from dpsynth.pipeline import auditing
from dpsynth.pipeline.access import afford, check_rate, plain_paths, population_of, split
from dpsynth.pipeline.card import card_of
from dpsynth.pipeline.device import chosen_device
from dpsynth.pipeline.folders import alone, check_free, claimed
from dpsynth.pipeline.public_data import kept_pictures, read_public
from dpsynth.pipeline.run_folder import Run, RunFolder, fields_json, fields_of, finished, new_id
from dpsynth.pipeline.tiers import (
    check_settings,
    check_together,
    chosen_tier,
    delta_for,
    epsilon_for,
)
from dpsynth.privacy.accountant import renyi
from dpsynth.privacy.audit import Auditor, Canaries
from dpsynth.privacy.budget import budget
from dpsynth.privacy.card.keeping import tiered
from dpsynth.privacy.discover import private_columns
from dpsynth.privacy.door import Door, noised_size
from dpsynth.privacy.ledger import Cost, Ledger
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import Plan
from dpsynth.privacy.weights import GroupWeights
from dpsynth.schema import Schema

SIZE_SHARE = 0.05  # of epsilon, for a noised population
TRIAL_SIZE = 1000  # stands in for a size that is still to be noised, to check settings early


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What `train` did.

    Attributes:
        folder: the run folder.
        run: what `run.json` says.
        card: the privacy card.
        notes: what reading changed. Internal: for the steward's terminal only.
    """

    folder: Path
    run: Run
    card: dict[str, Any]
    notes: Notes


def train(
    data: Sequence[str | Path],
    schema: Schema,
    out: str | Path,
    *,
    epsilon: float | None = None,
    delta: float | None = None,
    tier: str | None = None,
    policy: str | Path | None = None,
    model: str = "table-diffusion",
    settings: Mapping[str, Any] | None = None,
    population: str | None = None,
    holdout_rate: float = 0.0,
    pretrain: str | None = None,
    group_weights: Mapping[str, Mapping[str, float]] | None = None,
    weigh: Weigh | None = None,
    audit: bool = True,
    insecure_seed: int | None = None,
    device: str = "auto",
    ledger: Ledger | None = None,
    progress: Progress = quiet,
) -> Trained:
    """Train a model on patients' records and write a run folder.

    The whole plan is reserved in the ledger, on the disk, before the first question.

    Args:
        data: files or `table=path`.
        schema: public facts about them.
        out: an empty or new folder.
        epsilon: > 0, for adding or removing one patient with all their records; none for the
            tier's.
        delta: in (0, 1/P); none for the largest power of ten below P^-1.1, and the tier's bound.
        tier: of the policy, which the run must keep to; see `pipeline.tiers` for what is checked
            when.
        policy: file of the committee's policy; none for dpsynth's own.
        model: registry name, see `dpsynth.models.MODELS`.
        settings: public settings of the model.
        population: the ledger's name of this group of patients; none if the files are known.
        holdout_rate: chance of each patient to be left out, for later evaluation.
        pretrain: public pictures that the network learns from first, at no cost; see
            `data.public_pictures`. None of the patients' may be among them.
        group_weights: public weights in [0.01, 1] by per-patient column and group, such as
            {"sex": {"f": 1, "m": 0.4}, "age": {"..65": 0.5, "65..": 1}}: what patients' parts
            are multiplied by after they were bounded, at no cost; see `GroupWeights`.
        weigh: "measurements", "training" or "both"; none for all that the model can.
        audit: let made-up patients (canaries) stand beside the real ones, and hold what they see
            against the plan; costs no privacy, see `dpsynth.privacy.audit`.
        insecure_seed: makes the run repeatable and its noise removable; never for release.
        device: "auto", "cpu", "cuda" or "cuda:i".
        ledger: none for the user's own.
        progress: called with (stage, done, of).

    Raises:
        InputError: on bad input; nothing is written.
        BudgetError: if the plan can't be paid, or would pass the ledger's cap; then no record
            was read, unless the size is counted with noise or another run came between.
        PromiseError: if it does not keep to the tier; likewise.
    """
    book, folder = ledger or Ledger(), Path(out)
    check_rate(holdout_rate)
    _check_model(model, schema)
    target = chosen_device(device)
    check_free(folder)
    kept = chosen_tier(tier, policy)
    epsilon = epsilon_for(kept, epsilon)
    check_settings(kept, schema, audit)
    known = settings or {}
    if weigh is not None and not group_weights:
        raise InputError(f"weigh={weigh!r} needs group weights; give some, or leave it out")
    groups = chosen_weights(model, schema, group_weights, weigh) if group_weights else None
    public = None if pretrain is None else read_public(pretrain, schema, model, data)
    size = _public_size(schema, holdout_rate)
    # Whatever can be refused without the data is refused before they are read.
    count_epsilon = 0.0 if size else SIZE_SHARE * epsilon
    budget(epsilon, delta, schema.population if isinstance(schema.population, int) else 2)
    progress("finding the noise", 0, 1)
    if size:
        delta = delta_for(kept, delta, size)
        plan = _plan(schema, epsilon, delta, model, known, size, groups=groups)
    else:
        _plan(schema, epsilon, None, model, known, TRIAL_SIZE, count_epsilon)
    progress("finding the noise", 1, 1)
    asked = _cost(plan) if size else Cost(epsilon=count_epsilon, delta=0.0)
    group = afford(book, plain_paths(data), population, asked)
    check_together(kept, book, group, asked, size)
    progress("reading", 0, 1)
    records, notes = read(data, schema)
    progress("reading", 1, 1)
    stream = CryptoStream(insecure_seed)
    with claimed(folder), alone(folder):
        if population is not None:
            book.join(group, plain_paths(data))
        chosen, _ = split(records, holdout_rate, book, group)
        run_id = new_id()
        if not size:
            size = _counted(book, group, run_id, count_epsilon, chosen, stream)
            delta = delta_for(kept, delta, size, counted=count_epsilon)
            plan = _plan(schema, epsilon, delta, model, known, size, count_epsilon, groups)
            check_together(kept, book, group, _cost(plan), size)
        canaries = Canaries.thrown(plan) if audit else None
        run = Run(
            id=run_id,
            population=group,
            model=model,
            settings=dict(known),
            schema=schema,
            plan=plan,
            holdout_rate=holdout_rate,
            insecure_seed=insecure_seed is not None,
            public_data="" if public is None else public.words,
            audit=canaries.commitment if canaries else "",
            tier={} if kept is None else tiered(kept.policy, kept.tier).model_dump(mode="json"),
            form=came_as(_all_files(data, schema), schema),
        )
        RunFolder(folder).save(run)
        if public is not None:
            public.keep(RunFolder(folder).state())
        _reserve(book, run)
        auditing.begin(book, run, canaries)
    with alone(folder):
        return _fit(run, RunFolder(folder), chosen, notes, book, stream, target, progress)


def _check_model(model: str, schema: Schema) -> None:
    """Refuse a model that there is not, or that can't be trained on such data.

    Raises:
        InputError: naming those that can.
    """
    if model in REFERENCES:
        raise InputError(
            f"model {model!r} is a reference without privacy (epsilon is infinite): it has no "
            f"release; it stands in benchmarks only. Choose one of {', '.join(MODELS)}"
        )
    if model not in MODELS:
        raise InputError(f"model must be one of {', '.join(MODELS)}, got {model!r}")
    if schema.picture is not None and model in RECORD_MODELS:
        raise InputError(
            f"model {model!r} makes no pictures, and the schema has some; "
            f"choose one of {', '.join(PICTURE_MODELS)}"
        )


def _all_files(data: Sequence[str | Path], schema: Schema) -> list[Path]:
    """The files behind folders and `table=path`."""
    return [path for files in matched(data, schema).values() for path in files]


def _public_size(schema: Schema, holdout_rate: float) -> int | None:
    """The size that is trained on, or none if it is to be counted with noise.

    Raises:
        SchemaError: if the schema says neither.
    """
    if schema.population is None:
        raise SchemaError(
            "the schema lacks population: state the public number of "
            f"{schema.unit}s, or 'private' to have it counted with noise"
        )
    if schema.population == "private":
        return None
    return max(round(schema.population * (1 - holdout_rate)), 1)


def _plan(
    schema: Schema,
    epsilon: float,
    delta: float | None,
    model: str,
    settings: Mapping[str, Any],
    size: int,
    count_epsilon: float = 0.0,
    groups: GroupWeights | None = None,
) -> Plan:
    promise = budget(epsilon, delta, size)
    made = MODELS[model].plan(schema, promise, count_epsilon, **settings)
    return replace(made, groups=groups)


def _counted(
    book: Ledger,
    group: str,
    run_id: str,
    epsilon: float,
    records: Records,
    stream: CryptoStream,
) -> int:
    """The noised size, paid for before it is asked."""
    run = f"{run_id}-size"
    book.reserve(group, run=run, epsilon=epsilon, delta=0.0, plan={"count_epsilon": epsilon})
    size = noised_size(records, epsilon, stream)
    book.finish(group, run=run, status="finished")
    return size


def resume(
    data: Sequence[str | Path],
    out: str | Path,
    *,
    insecure_seed: int | None = None,
    device: str = "auto",
    ledger: Ledger | None = None,
    progress: Progress = quiet,
) -> Trained:
    """Continue a killed run to the end of the same plan.

    A step that was asked and not saved counts as spent and is dropped, so the total never
    passes the plan. Noise is drawn afresh: no generator's state was ever written.

    Raises:
        RunError: if there is no run to continue, or another process is at it.
        LedgerError: if the data are not of the run's population.
    """
    book, folder = ledger or Ledger(), RunFolder(Path(out))
    folder.load()
    with alone(folder.path):  # and what it holds is read again, now that nobody changes it
        return _resumed(data, folder, insecure_seed, device, book, progress)


def _resumed(
    data: Sequence[str | Path],
    folder: RunFolder,
    insecure_seed: int | None,
    device: str,
    book: Ledger,
    progress: Progress,
) -> Trained:
    run, out = folder.load(), folder.path
    if run.status == "finished":
        return _closed(run, folder, book)
    if run.insecure_seed and insecure_seed is None:
        raise RunError(f"{out} was begun with --insecure-seed; resume it with one")
    if insecure_seed is not None and not run.insecure_seed:
        raise RunError("a seed is refused on resume: the run was begun without one")
    target = chosen_device(device)
    group = population_of(book, plain_paths(data), None)
    if group != run.population:
        raise LedgerError(f"these files are of population {group!r}, the run of {run.population!r}")
    try:
        reservation = book.resume(group, run=run.id)
        if dict(reservation.plan) != json.loads(json.dumps(run.plan.public())):
            raise RunError(f"{out}/run.json holds another plan than the ledger paid for")
        run = replace(run, resumes=reservation.resumes)
    except LedgerError:
        if any(entry.body.get("run") == run.id for entry in book.entries(group)):
            raise
        _reserve(book, run)  # killed before the plan was reserved: nothing has been asked
    records, notes = read(data, run.schema)
    chosen, _ = split(records, run.holdout_rate, book, group)
    # A resumed insecure run must not repeat the noise that the first part drew.
    seed = None if insecure_seed is None else insecure_seed + 1_000_003 * max(run.resumes, 1)
    return _fit(run, folder, chosen, notes, book, CryptoStream(seed), target, progress)


def _cost(plan: Plan) -> Cost:
    """What the plan costs beside its noised size, which is a reservation of its own."""
    return Cost(epsilon=plan.epsilon - plan.count_epsilon, delta=plan.delta, renyi=renyi(plan))


def _reserve(book: Ledger, run: Run) -> None:
    cost = _cost(run.plan)
    book.reserve(
        run.population,
        run=run.id,
        epsilon=cost.epsilon,
        delta=cost.delta,
        plan=run.plan.public(),
        renyi=cost.renyi,
    )


def _fit(
    run: Run,
    folder: RunFolder,
    records: Records,
    notes: Notes,
    book: Ledger,
    stream: CryptoStream,
    device: torch.device,
    progress: Progress,
) -> Trained:
    state = folder.state()
    folder.log("begin", run=run.id, model=run.model, resumes=run.resumes, asked=state.asked)
    run = replace(run, steps_dropped=state.lost)
    door = _door(run, records, state, stream, device, auditing.auditor(book, run))
    run = _discovered(run, folder, state, door)
    folder.save(run)
    door.use(run.codec)
    model = run.build()
    if run.public_data:
        assert isinstance(model, Pretrains)
        model.learn_first(kept_pictures(state))
    model.fit(door, state, progress, device)
    folder.save_model(model)
    folder.log("trained", run=run.id, asked=state.asked, dropped=state.lost)
    run = finished(run)
    progress("certifying", 0, 1)
    folder.save_card(card_of(run, book, model, auditing.report(book, run)))
    progress("certifying", 1, 1)
    folder.save(run)
    return _closed(run, folder, book, notes)


def _closed(run: Run, folder: RunFolder, book: Ledger, notes: Notes | None = None) -> Trained:
    """Close what is complete on disk, which a kill may have kept from being closed.

    Raises:
        RunError: if it was closed before.
    """
    if not folder.open():
        raise RunError(f"{folder.path} is finished; there is nothing to resume")
    entries = book.entries(run.population)
    if not any(e.type == "finish" and e.body["run"] == run.id for e in entries):
        book.finish(run.population, run=run.id, status="finished")
    folder.log("finish", run=run.id)
    folder.state().remove()
    return Trained(folder=folder.path, run=run, card=folder.card(), notes=notes or Notes())


def _door(
    run: Run,
    records: Records,
    state: State,
    stream: CryptoStream,
    device: torch.device,
    auditor: Auditor | None,
) -> Door:
    """The door, with what an earlier process asked taken off the plan."""
    spent = [release.name for release in run.plan.releases if state.holds(release.name)]
    return Door(
        records,
        plan=run.plan,
        randomness=stream,
        steps_spent=state.asked,
        spent=spent,
        device=device,
        auditor=auditor,
    )


def _discovered(run: Run, folder: RunFolder, state: State, door: Door) -> Run:
    """The run with the code books of its private columns, asked for once and saved at once."""
    columns = run.schema.columns("patient") | run.schema.columns("visit")
    if run.fields or not private_columns(columns):
        return run

    def asked() -> bytes:
        return json.dumps(fields_json(door.discover(columns, run.schema.max_visits))).encode()

    path = state.saved("fields.json", asked)
    run = replace(run, fields=fields_of(json.loads(path.read_text())))
    folder.save(run)
    return run
