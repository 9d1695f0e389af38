"""A card that says everything, and one true profile to make it from."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from dpsynth.privacy.card import (
    Access,
    Accesses,
    Accounting,
    Composition,
    FloatingPoint,
    GroupWeight,
    Identity,
    Implementation,
    Internal,
    LearntClass,
    LedgerHead,
    Measurement,
    Mechanism,
    NotAssessed,
    Promise,
    Scope,
    Seed,
    Size,
    Training,
    Weighting,
    build_card,
)
from dpsynth.privacy.card.sections import ADJACENCY

Profile = Callable[[float], float]


def _gaussian(mu: float) -> Profile:
    """The exact profile of a Gaussian mechanism with mu = sensitivity / sigma."""

    def delta_at(epsilon: float) -> float:
        second = np.exp(epsilon + norm.logcdf(-mu / 2 - epsilon / mu))
        return float(norm.cdf(mu / 2 - epsilon / mu) - second)

    def profile(delta: float) -> float:
        if delta_at(0.0) <= delta:
            return 0.0
        return float(brentq(lambda e: delta_at(e) - delta, 0.0, 400.0, xtol=1e-12))

    return profile


@pytest.fixture(scope="session")
def gaussian() -> Callable[[float], Profile]:
    """Make the exact profile of a Gaussian mechanism."""
    return _gaussian


@pytest.fixture(scope="session")
def facts() -> dict[str, Any]:
    """Arguments of `build_card` for mu = 0.7 at delta 1e-6: epsilon 3.17..."""
    covered = Access(status="covered", how="noisy tables and gradients through the door")
    return {
        "identity": Identity(
            dataset="Intensive care stays",
            model="table-diffusion",
            date="2026-11-22",
            code_version="0.1.0",
            commit="0123abc",
            lock="f" * 64,
            curator="Data office, University Hospital",
            region="EU",
        ),
        "promise": Promise(
            unit="patient",
            most_records_per_unit=8,
            enforced="visits after the eighth are cut before anything is computed",
            epsilon=3.4,
            delta=1e-6,
            delta_rule="largest power of ten below P^-1.1, with P the public size",
            size=Size(status="public", shown=12000, how="published in the register's report"),
            adjacency=ADJACENCY,
        ),
        "profile": _gaussian(0.7),
        "scope": Scope(
            accesses=Accesses(
                reading=covered,
                preprocessing=Access(status="covered", how="bounds stand in the schema"),
                labels=covered,
                tuning=Access(status="no access", how="settings were fixed beforehand"),
                early_stopping=Access(status="no access", how="fixed number of steps"),
                evaluation=Access(status="not covered", how="internal report, not released"),
            ),
            private_columns=("age", "sex", "lactate"),
            public_columns=("visit",),
            assumed_public=("tables.stays.age.bounds",),
            unprotected=("that this hospital has an intensive care unit",),
            public_data="none",
            copies=3,
            composition=Composition(
                runs=2,
                epsilon=4.401,
                delta=2e-6,
                method="Renyi filter",
                added_epsilon=6.801,
                added_delta=2e-6,
                unprotected=1,
            ),
        ),
        "mechanism": Mechanism(
            algorithm="noisy marginals, then a diffusion model trained with DP-SGD",
            measurements=(
                Measurement(name="tables", noise_multiplier=4.2, sensitivity="joint L2 of 1"),
            ),
            count_epsilon=0.0,
            training=Training(
                noise_multiplier=1.9,
                clip_norm=1.0,
                clipping="per patient, flat",
                sampler_claimed="Poisson over patients",
                sampler_tested="dispersion of canary counts, p = 0.41",
                sample_rate=0.02,
                steps=1500,
                expected_batch=240.0,
                views=4,
            ),
            warm_start="the noisy tables",
            private_network="the denoiser",
            classes=(
                LearntClass(
                    name="dermatofibroma",
                    noisy_count=31.4,
                    noise=4.0,
                    signal=1.5,
                    expect="too few to learn",
                ),
            ),
            weighting=Weighting(
                measurements=True,
                training=True,
                groups=(
                    GroupWeight(column="sex", group="f", weight=1.0),
                    GroupWeight(column="sex", group="m", weight=0.4),
                ),
            ),
            settings={"width": 128, "layers": 2, "learning_rate": 0.002, "ema": True},
        ),
        "accounting": Accounting(
            library="dp-accounting",
            version="0.6.0",
            method="privacy loss distribution, interval 1e-4",
            epsilon=3.3982,
            second_method="Renyi DP",
            second_epsilon=3.71,
            ledger_head=LedgerHead(salt="ab" * 32, sha256="c" * 64),
        ),
        "implementation": Implementation(
            noise_source="ChaCha20 stream keyed by the operating system's entropy",
            seed=Seed(insecure=False, handling="none is set, kept or written"),
            floating_point=FloatingPoint(
                done="counts are noised by a discrete Gaussian",
                not_done="gradients get ordinary floating-point noise",
            ),
            resumes=1,
            steps_dropped=12,
            strict=False,
            open_hazards=(),
        ),
        "audit": NotAssessed(reason="the audit was switched off for this run"),
        "evaluation": Internal(date="2026-11-22", looked_at=("utility", "leakage")),
        "subgroups": Internal(date="2026-11-22", looked_at=("sex", "age", "sex by age")),
    }


@pytest.fixture(scope="session")
def _made(facts) -> dict[str, Any]:
    return build_card(**facts)


@pytest.fixture
def card(_made) -> dict[str, Any]:
    """The card that these facts make, to be changed freely."""
    return copy.deepcopy(_made)
