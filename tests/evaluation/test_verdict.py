"""Verdicts follow from the figures, and only from those that mean something."""

from __future__ import annotations

import dataclasses

import pytest

from dpsynth.evaluation.bias import METRICS as BIAS
from dpsynth.evaluation.estimate import Estimate, not_assessable
from dpsynth.evaluation.evaluation import Evaluation, Row, row
from dpsynth.evaluation.fidelity import METRICS as FIDELITY
from dpsynth.evaluation.labels import rounded
from dpsynth.evaluation.leakage import METRICS as LEAKAGE
from dpsynth.evaluation.utility import METRICS as UTILITY
from dpsynth.evaluation.verdict import fairness, guarantee, leak, likeness, lower, usefulness


def sure(value: float, half: float = 0.0, note: str = "") -> Estimate:
    return Estimate(value, value - half, value + half, 100, note)


def found(*rows: Row) -> Evaluation:
    return Evaluation(
        name="x",
        unit="patient",
        train=100,
        holdout=100,
        synthetic=100,
        rows=rows,
        columns=(),
        transitions=(),
        visits=None,
        sample=(),
        notes=(),
        seed=0,
        seconds=0.0,
    )


def distance(name: str, value: float) -> Row:
    return row(name, "fidelity", FIDELITY[name], sure(value), sure(0.1), sure(0.6))


def test_reached_is_the_way_from_control_to_real():
    assert distance("tv2", 0.1).reached == 1.0
    assert distance("tv2", 0.6).reached == 0.0
    assert distance("tv2", 0.2).reached == pytest.approx(0.8)
    assert distance("tv2", 0.05).reached == 1.0  # better than real is no better
    auc = row("tstr_auc", "utility", UTILITY["tstr_auc"], sure(0.7), sure(0.9), sure(0.5))
    assert auc.reached == pytest.approx(0.5)


def test_references_that_do_not_tell_give_no_mark():
    turned = row("tv2", "fidelity", FIDELITY["tv2"], sure(0.2), sure(0.6), sure(0.1))
    assert turned.reached is None
    assert likeness(found(turned)).level == "unknown"
    blurred = row("tv2", "fidelity", FIDELITY["tv2"], sure(0.2), sure(0.2, 0.05), sure(0.25, 0.05))
    assert blurred.reached is None


def test_a_label_that_real_data_do_not_predict_gives_no_mark():
    auc = row("tstr_auc", "utility", UTILITY["tstr_auc"], sure(0.5), sure(0.52, 0.03), sure(0.5))
    made = usefulness(found(auc))
    assert made.level == "unknown"
    assert "hardly beats chance" in made.why[1]


def test_likeness_is_the_median_and_names_the_weakest():
    rows = (distance("tv1", 0.1), distance("tv2", 0.19), distance("transition_tv", 0.6))
    made = likeness(found(*rows))
    # The median is good and the weakest poor, so "in part" at most.
    assert made.level == "fair"
    assert likeness(found(*rows[:2])).level == "good"
    assert "Weakest points: change from visit to visit 0%." in made.why


@pytest.mark.parametrize(("value", "level"), [(0.85, "good"), (0.75, "fair"), (0.6, "poor")])
def test_use_is_the_share_of_the_real_ranking(value, level):
    auc = row("tstr_auc", "utility", UTILITY["tstr_auc"], sure(value), sure(0.9), sure(0.5))
    assert usefulness(found(auc)).level == level


def test_a_constant_copy_has_no_mark_for_use():
    auc = row(
        "tstr_auc",
        "utility",
        UTILITY["tstr_auc"],
        sure(0.5, note="not assessable: one class"),
        sure(0.9),
        sure(0.5),
    )
    assert usefulness(found(auc)).level == "unknown"


def loss(group: str, value: Estimate) -> Row:
    return row("auc_loss", "bias", BIAS["auc_loss"], value, sure(0.05), sure(0.3), group=group)


def test_a_group_that_loses_more_is_named():
    made = fairness(found(loss("women", sure(0.15, 0.03)), loss("men", sure(0.05, 0.03))))
    assert made.level == "poor"
    assert "women" in made.why[0]
    assert not any("men:" in line for line in made.why[1:])


def test_a_group_that_loses_more_by_chance_is_not():
    rows = [loss(f"g{i}", sure(0.08, 0.029)) for i in range(10)]
    # Alone the bound would be 0.08 - 0.029 > 0.05; among ten groups it is lower.
    assert fairness(found(rows[0])).level == "fair"
    assert fairness(found(*rows)).level == "good"


def test_a_loss_of_next_to_nothing_is_no_warning():
    # Everyone loses 0.05: surely 0.004 more is below what is worth a word, 0.006 is not.
    few, more = (fairness(found(loss("women", sure(0.05 + x)))) for x in (0.004, 0.006))
    assert (few.level, more.level) == ("good", "fair")


def test_a_small_group_is_not_assessable():
    made = fairness(found(loss("few", not_assessable("3 events, fewer than 50"))))
    assert made.level == "unknown"


def test_a_group_missing_from_the_copy_is_named():
    share = row(
        "group_share",
        "bias",
        BIAS["group_share"],
        sure(0.02, 0.005),
        sure(0.2, 0.02),
        sure(0.5),
        group="women",
    )
    made = fairness(found(share, loss("women", sure(0.05, 0.03))))
    assert made.level == "fair"
    assert "women: 2.0% of the copy, 20.0% of real patients." in made.why


def test_an_attack_that_wins_is_a_leak():
    name = "membership_auc"
    won = row(name, "leakage", LEAKAGE[name], sure(0.6, 0.03), sure(0.5, 0.03), sure(1.0))
    lost = dataclasses.replace(won, value=sure(0.52, 0.03))
    assert leak(found(won)).level == "poor"
    assert leak(found(lost)).level == "good"
    assert "no proof" in leak(found(lost)).why[0]
    assert leak(found()).level == "unknown"


def test_an_attack_that_hardly_gains_is_a_slight_leak():
    name = "membership_auc"
    sure_but_small = row(name, "leakage", LEAKAGE[name], sure(0.54, 0.01), sure(0.5), sure(1.0))
    made = leak(found(sure_but_small))
    assert (made.level, made.answer) == ("fair", "Slightly")


def test_a_missing_guarantee_is_said():
    for card in (None, {}, {"epsilon": "?"}, {"epsilon": True}, {"epsilon": -1}):
        assert guarantee(found(), card).level == "unknown"


def test_the_guarantee_of_our_own_cards_comes_first():
    made = guarantee(found(), {"parts": {"epsilon": 9}, "guarantee": {"epsilon": 2.5}})
    assert made.level == "good"
    assert "epsilon = 2.5" in made.why[0]


def test_an_attack_beyond_what_epsilon_allows_contradicts_it():
    # exp(1) / 100 = 0.027 of the members at most; 0.1 is too many, but not for epsilon 3: 0.2.
    name = "membership_tpr"
    won = row(name, "leakage", LEAKAGE[name], sure(0.1, 0.04), sure(0.01), sure(1.0))
    assert guarantee(found(won), {"epsilon": 1, "delta": 1e-5}).level == "poor"
    assert guarantee(found(won), {"epsilon": 3, "delta": 1e-5}).level == "good"
    near = dataclasses.replace(won, value=sure(0.05, 0.03))
    assert guarantee(found(near), {"epsilon": 1}).level == "good"


@pytest.mark.parametrize("name", ["ratio_tpr", "membership_tpr_at_0.1", "ratio_auc"])
def test_every_attack_is_held_against_the_claim(name):
    # Under epsilon 0.1: exp(0.1) / 10 = 0.11 at most at 10 %, and an AUC of 0.55 or less.
    won = row(name, "leakage", LEAKAGE[name], sure(0.8, 0.05), sure(0.01), sure(1.0))
    made = guarantee(found(won), {"epsilon": 0.1, "delta": 0.0})
    assert made.level == "poor" and "could be" in made.why[1]


def test_many_attacks_need_more_to_contradict_a_claim():
    # 0.05 lies above exp(1) / 100 = 0.0272 by 2.15 standard errors: enough alone (1.96), not of 9.
    name = "membership_tpr"
    won = row(name, "leakage", LEAKAGE[name], sure(0.05, 0.0228 / 2.15 * 1.96), sure(0), sure(1.0))
    lost = dataclasses.replace(won, metric="ratio_tpr", value=sure(0.01))
    assert guarantee(found(won), {"epsilon": 1.0}).level == "poor"
    assert guarantee(found(won, *[lost] * 8), {"epsilon": 1.0}).level == "good"


def test_bounds_are_those_of_a_normal():
    # The 97.5 % bound is the interval's own end.
    assert lower(sure(0.6, 0.1), 0.025) == pytest.approx(0.5)
    assert lower(sure(0.6, 0.1), 0.001) < 0.5


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.12345, "0.123"), (0.0001, "<0.001"), (0.0, "0.000"), (12.345, "12.3"), (1234.5, "1,234"),
     (-0.0001, ">-0.001"), (float("nan"), "not assessable")],
)  # fmt: skip
def test_numbers_are_rounded_for_people(value, said):
    assert rounded(value) == said
