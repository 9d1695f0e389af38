"""The privacy card of a run, from what its plan, schema and ledger say."""

from __future__ import annotations

import hashlib
import importlib.metadata
from datetime import UTC, datetime
from typing import Any

from dpsynth import __version__
from dpsynth.models import MODELS, Model
from dpsynth.models.class_noise import ByClass, ClassNoise
from dpsynth.models.gate import Gated
from dpsynth.pipeline.choices import told, tuning
from dpsynth.pipeline.run_folder import Run
from dpsynth.privacy import accountant
from dpsynth.privacy.budget import reported
from dpsynth.privacy.card import (
    Access,
    Accesses,
    Accounting,
    Audit,
    Composition,
    FloatingPoint,
    GroupWeight,
    Identity,
    Implementation,
    LearntClass,
    LedgerHead,
    Measurement,
    Mechanism,
    NotAssessed,
    Promise,
    Scope,
    Seed,
    Size,
    Tiered,
    Training,
    Weighting,
    build_card,
)
from dpsynth.privacy.ledger import Ledger
from dpsynth.privacy.weights import GroupWeights
from dpsynth.schema import Schema

CLEAR = 3.0  # signal over noise from which a class's mean picture is clear
BURNED_IN = (
    "text that is burned into pictures (a name, a date) is not looked for and not removed: what "
    "hides it is the promise about all pixels, and nothing besides"
)
ADDED = "basic composition: epsilons and deltas add up"
FILTERED = (
    "Renyi filter, under a cap that was set before the first run: holds however each run was "
    "chosen after seeing the last"
)
COVERED = "through the door: the plan was charged before each answer"


def card_of(run: Run, ledger: Ledger, model: Model, audit: Audit | NotAssessed) -> dict[str, Any]:
    """The card as checked JSON; what it says of the trained model follows from answers alone."""
    by_pld, by_rdp = accountant.certify(run.plan)
    later = "made with a later step of the release, from an internal report"
    return build_card(
        identity=_identity(run),
        promise=_promise(run),
        profile=accountant.profile(run.plan),
        scope=_scope(run, ledger),
        mechanism=_mechanism(run, model),
        accounting=_accounting(run, ledger, by_pld, by_rdp),
        implementation=_implementation(run),
        audit=audit,
        evaluation=NotAssessed(reason=later),
        subgroups=NotAssessed(reason=later),
        tier=Tiered.model_validate(run.tier) if run.tier else None,
    )


def _identity(run: Run) -> Identity:
    return Identity(
        dataset=run.schema.name,
        model=run.model,
        date=datetime.now(UTC).date().isoformat(),
        code_version=__version__,
        commit="not known: installed as a package",
        lock=_lock(),
    )


def _lock() -> str:
    """SHA-256 over names and versions of every installed package, sorted."""
    found = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
    text = "\n".join(f"{name}=={version}" for name, version in sorted(found.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def _promise(run: Run) -> Promise:
    public = isinstance(run.schema.population, int)
    return Promise(
        unit=run.schema.unit,
        most_records_per_unit=max(run.codec.max_visits, 1),
        enforced="later visits are cut before anything is asked, and gradients are clipped per "
        f"{run.schema.unit} over all records together",
        epsilon=run.plan.epsilon,
        delta=run.plan.delta,
        delta_rule="below 1/P; by default the largest power of ten below P^-1.1"
        + ("" if public else "; P is noised, so delta follows from the count"),
        size=Size(
            status="public" if public else "noised",
            shown=run.plan.population,
            how=(
                "stated as public in the schema, times the public share that is trained on"
                if public
                else f"counted with two-sided geometric noise, epsilon {run.plan.count_epsilon:g}"
            ),
        ),
        adjacency="add or remove one unit with all its records",
    )


def _stops(schema: Schema) -> tuple[str, tuple[str, ...]]:
    """What of patients' records may stop a run, in words; what that tells, and what stays in."""
    stops, tells = "", []
    if schema.strict:
        stops = ", but strict was on"
        tells.append(
            "whether a value, key or duplicate breaks the schema (strict: true stops on it)"
        )
    if schema.picture is not None and not schema.picture.skip_unreadable:
        stops += ", but for a picture that can't be read"
        tells.append("that every picture can be read (skip_unreadable: true drops what can't)")
    if schema.picture is not None:
        tells.append(BURNED_IN)
    return stops, tuple(tells)


def _scope(run: Run, ledger: Ledger) -> Scope:
    chosen = tuning(ledger, run)
    columns = run.schema.columns("patient") | run.schema.columns("visit")
    stops, unprotected = _stops(run.schema)
    return Scope(
        accesses=Accesses(
            reading=Access(
                status="covered",
                how="each record is cleaned on its own by the public schema; no patient's value "
                "stops the run" + stops,
            ),
            preprocessing=Access(
                status="covered", how="bins and categories are public or found by a charged release"
            ),
            labels=Access(status="covered", how=COVERED),
            tuning=chosen,
            early_stopping=Access(
                status="no access", how="the number of steps is fixed; the last one is kept"
            ),
            evaluation=Access(
                status="no access",
                how="this run evaluated nothing; evaluations of its copies are entered in the "
                "ledger as unprotected internal accesses",
            ),
        ),
        private_columns=tuple(columns),
        public_columns=(),
        assumed_public=run.schema.assumed_public,
        unprotected=told(unprotected, chosen),
        public_data=run.public_data or "none",
        copies=0,
        composition=composition(ledger, run.population),
    )


def composition(ledger: Ledger, population: str) -> Composition:
    """All runs together, by the filter or by addition: whichever holds without more ado.

    Guarantee:
        Both figures are `ledger show`'s. The filter's is a promise under one cap that was set
        before the first run; else, how the runs were chosen might take twice its delta, and the
        plain sum stands in its place, which holds however they were chosen.
    """
    spent = ledger.spent(population)
    epsilon, delta, method = spent.epsilon, spent.delta, ADDED
    if spent.adaptive_epsilon is not None and spent.firm:
        epsilon, delta, method = spent.adaptive_epsilon, spent.at_delta, FILTERED
    return Composition(
        runs=max(spent.runs, 1),
        epsilon=reported(epsilon),
        delta=delta,
        method=method,
        added_epsilon=reported(spent.epsilon),
        added_delta=spent.delta,
        unprotected=spent.unprotected,
    )


def _mechanism(run: Run, model: Model) -> Mechanism:
    classes = model.by_class() if isinstance(model, ByClass) else ()
    gate = model.gate if isinstance(model, Gated) else None
    plan, steps = run.plan, run.plan.training
    training = None
    if steps is not None:
        training = Training(
            noise_multiplier=steps.noise_multiplier,
            clip_norm=steps.clip_norm,
            clipping=f"flat, per {run.schema.unit}; a gradient that is not finite counts as zero",
            sampler_claimed="Poisson: each unit joins each step on its own",
            sampler_tested="by the test suite, not in this run",
            sample_rate=steps.sample_rate,
            steps=steps.steps,
            expected_batch=steps.expected_batch,
            views=steps.views,
        )
    return Mechanism(
        algorithm=_first_line(MODELS[run.model].__doc__ or run.model),
        measurements=tuple(
            Measurement(
                name=release.name,
                noise_multiplier=release.noise_multiplier,
                sensitivity="L2, of all answers together: each unit moves each by a bound",
                threshold_delta=release.threshold_delta,
            )
            for release in plan.releases
        ),
        count_epsilon=plan.count_epsilon,
        training=training,
        warm_start=_warm_start(run) if training else "none",
        private_network=_network(run.model) if training else "none",
        settings=run.settings,
        classes=tuple(learnt(each) for each in classes),
        weighting=_weighting(plan.groups),
        drawn_from="what was trained" if gate is None else gate.words,
    )


def _weighting(groups: GroupWeights | None) -> Weighting | None:
    if groups is None:
        return None
    return Weighting(
        measurements=groups.measured,
        training=groups.trained,
        groups=tuple(
            GroupWeight(column=column, group=group, weight=weight)
            for column, each in groups.columns
            for group, weight in each
        ),
    )


def _warm_start(run: Run) -> str:
    return "the noisy answers" + (", and public pictures" if run.public_data else "")


def learnt(found: ClassNoise) -> LearntClass:
    """What noise left of a class, and in words what to expect of it."""
    expect = "what sets it apart stands above the noise"
    if found.lost:
        expect = "too few to learn: expect pictures like those of all classes together"
    elif found.signal < CLEAR * found.noise:
        expect = "blurred: expect its coarse traits alone"
    return LearntClass(
        name=found.name,
        noisy_count=found.units,
        noise=found.noise,
        signal=found.signal,
        expect=expect,
    )


def _network(model: str) -> str:
    if model in {"table-gan", "image-gan"}:
        return "a critic, trained by DP-SGD and never released; the generator learns from it"
    return "one network, trained by DP-SGD"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0]


def _accounting(run: Run, ledger: Ledger, by_pld: float, by_rdp: float) -> Accounting:
    salt, head = ledger.salted_head(run.population)
    return Accounting(
        library="dp_accounting",
        version=importlib.metadata.version("dp-accounting"),
        method=f"privacy loss distributions, interval {accountant.CERTIFY:g}",
        epsilon=by_pld,
        second_method="Renyi differential privacy",
        second_epsilon=by_rdp,
        ledger_head=LedgerHead(salt=salt, sha256=head),
    )


def _implementation(run: Run) -> Implementation:
    handling = "a key of 256 bits from the operating system, never stored"
    if run.insecure_seed:
        handling = "a seed was set by the user: whoever knows it can remove the noise"
    return Implementation(
        noise_source="AES-256 in counter mode",
        seed=Seed(insecure=run.insecure_seed, handling=handling),
        floating_point=FloatingPoint(
            done="52-bit uniforms; whole-number noise for a noised size; clipping a margin below C",
            not_done="Gaussian noise is rounded to floating point and is not discrete",
        ),
        resumes=run.resumes,
        steps_dropped=run.steps_dropped,
        strict=run.schema.strict,
        open_hazards=(
            "time that a run takes is not hidden",
            "memory of the process is not wiped",
        ),
    )
