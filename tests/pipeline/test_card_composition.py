"""What a card says of all runs together is in the ledger, and never less than what holds."""

import pytest

from dpsynth.pipeline.card import ADDED, FILTERED, composition
from dpsynth.privacy.budget import reported
from dpsynth.privacy.ledger import Cost, Ledger, table
from dpsynth.privacy.renyi import ORDERS, Renyi

CURVE = Renyi(epsilons=tuple(a * 0.02 for a in ORDERS))  # a Gaussian release of sigma 5


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    made = Ledger(tmp_path / "ledger")
    made.join("icu", [])
    return made


def spend(ledger, many=6, first=0):
    for number in range(first, first + many):
        ledger.reserve(
            "icu", run=str(number), epsilon=1.0, delta=1e-6, plan={"sigma": 5}, renyi=CURVE
        )


def shown(ledger):
    return " ".join(table(ledger, "icu").totals)


def test_under_a_cap_from_the_start_it_is_the_filters_figure(ledger):
    ledger.cap("icu", epsilon=5.0, delta=1e-5)
    spend(ledger)
    found, spent = composition(ledger, "icu"), ledger.spent("icu")
    assert spent.adaptive_epsilon is not None
    assert found.epsilon == reported(spent.adaptive_epsilon) < found.added_epsilon == 6.0
    assert (found.delta, found.added_delta) == (1e-5, 6e-6)
    assert found.method == FILTERED and "Renyi filter" in found.method
    assert f"epsilon {found.epsilon:g} holds however each run was chosen" in shown(ledger)
    assert "at delta 1e-05" in shown(ledger)
    assert "by addition: epsilon 6, delta 6e-06" in shown(ledger)


def late(ledger):
    spend(ledger, 3)
    ledger.cap("icu", epsilon=5.0, delta=1e-5)
    spend(ledger, 3, first=3)


def raised(ledger):
    ledger.cap("icu", epsilon=3.5, delta=1e-5)
    spend(ledger, 2)
    ledger.cap("icu", epsilon=5.0, delta=1e-5)
    spend(ledger, 4, first=2)


def lowered(ledger):
    ledger.cap("icu", epsilon=5.0, delta=1e-4)
    spend(ledger)
    ledger.cap("icu", epsilon=5.0, delta=1e-5)


def grouped(ledger):
    ledger.cap("icu", epsilon=5.0, delta=1e-5)
    spend(ledger)
    ledger.join("ward", [])
    ledger.group("hospital", ["icu", "ward"])
    ledger.cap("hospital", epsilon=6.0, delta=1e-5)


@pytest.mark.parametrize("how", [spend, late, raised, lowered, grouped])
def test_else_the_filter_is_no_promise_and_it_is_the_sum(ledger, how):
    how(ledger)
    assert not ledger.spent("icu").firm
    found = composition(ledger, "icu")
    assert (found.epsilon, found.delta) == (found.added_epsilon, found.added_delta) == (6.0, 6e-6)
    assert found.method == ADDED
    assert f"by addition: epsilon {found.epsilon:g}, delta {found.delta:g}" in shown(ledger)


def test_a_cap_said_again_is_the_same_cap(ledger):
    ledger.cap("icu", epsilon=5.0, delta=1e-5)
    assert ledger.spent("icu").firm
    spend(ledger, 2)
    ledger.cap("icu", epsilon=5.0, delta=1e-5)
    assert ledger.spent("icu").firm


def test_what_is_asked_is_counted_and_not_written(ledger):
    spend(ledger, 2)
    before = ledger.entries("icu")
    asked = Cost(epsilon=0.5, delta=1e-7)
    assert ledger.spent("icu", [asked]).epsilon == 2.5
    assert (ledger.spent("icu").epsilon, ledger.entries("icu")) == (2.0, before)
