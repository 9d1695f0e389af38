"""Several runs are held against a cap together, before the first of them."""

from __future__ import annotations

import pytest

from dpsynth.errors import BudgetError
from dpsynth.privacy.accountant import renyi
from dpsynth.privacy.ledger import Cost, Ledger
from dpsynth.privacy.plan import Plan, Release


@pytest.fixture
def book(tmp_path):
    file = tmp_path / "data.csv"
    file.write_text("a\n1\n")
    made = Ledger(tmp_path / "ledger")
    made.join("ward", [file])
    return made


def plain(epsilon):
    return Cost(epsilon=epsilon, delta=0.001)


def curved(epsilon, noise):
    release = Release(name="tables", noise_multiplier=noise)
    plan = Plan(epsilon=epsilon, delta=1e-6, population=100, releases=(release,))
    return Cost(epsilon=epsilon, delta=1e-6, renyi=renyi(plan))


def test_runs_that_each_fit_do_not_fit_together(book):
    book.cap("ward", epsilon=3.0, delta=0.1)
    book.check("ward", plain(2.0))
    book.check("ward", plain(1.0), plain(2.0))  # 3 of 3
    with pytest.raises(BudgetError, match=r"2 runs together ask epsilon 4, delta 0\.002"):
        book.check("ward", plain(2.0), plain(2.0))
    with pytest.raises(BudgetError, match="this run asks epsilon 4"):
        book.check("ward", plain(4.0))
    book.check("ward")  # nothing asks nothing


def test_what_is_let_in_together_is_let_in_one_by_one_and_the_other_way_round(book):
    """A run with a curve after another counts by the filter alone, also when asked together."""
    costs, verdicts = [curved(1.0, 5.0)] * 3, []
    for cap in (0.8, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0):
        book.cap("ward", epsilon=cap, delta=1e-5)
        together = _fits(lambda: book.check("ward", *costs))
        other = Ledger(book.root.parent / f"other{cap}")
        file = book.root.parent / "data.csv"
        other.join("ward", [file])
        other.cap("ward", epsilon=cap, delta=1e-5)
        one_by_one = True
        for place, each in enumerate(costs):
            one_by_one = one_by_one and _fits(
                lambda place=place, each=each, other=other: other.reserve(
                    "ward",
                    run=str(place),
                    epsilon=each.epsilon,
                    delta=each.delta,
                    plan={},
                    renyi=each.renyi,
                )
            )
        assert together == one_by_one, cap
        verdicts.append(together)
    assert {True, False} == set(verdicts)  # the test saw both


def _fits(ask):
    try:
        ask()
    except BudgetError:
        return False
    return True
