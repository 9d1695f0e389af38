"""A plan without noise promises nothing, and nothing takes it for one that does."""

from __future__ import annotations

import math

import pytest

from dpsynth.errors import InputError, LedgerError
from dpsynth.privacy.bare import TRACE, bare
from dpsynth.privacy.budget import budget
from dpsynth.privacy.ledger import Ledger
from dpsynth.privacy.plan import DPSGD, Plan, Release

PLAN = Plan(
    epsilon=1.0,
    delta=1e-5,
    population=500,
    releases=(Release(name="categories", noise_multiplier=4.0, threshold_delta=1e-6),),
    training=DPSGD(
        noise_multiplier=2.0, clip_norm=1.5, sample_rate=0.1, expected_batch=50.0, steps=7
    ),
)


def test_only_the_noise_is_taken_off():
    made = bare(PLAN)
    assert math.isinf(made.epsilon)
    assert [r.noise_multiplier for r in made.releases] == [TRACE]
    assert made.training.noise_multiplier == TRACE
    assert (made.training.clip_norm, made.training.sample_rate) == (1.5, 0.1)
    assert (made.training.steps, made.population) == (7, 500)
    assert bare(Plan(epsilon=1.0, delta=1e-5, population=5)).training is None


def test_no_ledger_and_no_budget_takes_it(tmp_path):
    file = tmp_path / "data.csv"
    file.write_text("a\n1\n")
    book = Ledger(tmp_path / "ledger")
    book.join("ward", [file])
    made = bare(PLAN)
    with pytest.raises(LedgerError, match="unprotected access"):
        book.reserve("ward", run="a", epsilon=made.epsilon, delta=made.delta, plan=made.public())
    assert book.spent("ward").runs == 0
    with pytest.raises(InputError, match="epsilon"):
        budget(made.epsilon, made.delta, made.population)
