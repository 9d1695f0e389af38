"""The density-ratio attack, exact intervals of sure recognition, and scores from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from dpsynth.evaluation import leakage
from dpsynth.evaluation.leakage.density_ratio import ratio_attack
from dpsynth.evaluation.leakage.membership import Attack, membership_auc, membership_tpr
from dpsynth.evaluation.leakage.nearest import Distances, nearest, nearest_attack
from dpsynth.evaluation.leakage.scores import scored
from dpsynth.evaluation.steps.leaks import score_rows


def known(members, outsiders, synthetic, others) -> Distances:
    to_copy, to_others = (
        np.concatenate([nearest(each, there) for each in (members, outsiders)])
        for there in (synthetic, others)
    )
    member = np.repeat([True, False], [len(members), len(outsiders)])
    return Distances(member=member, to_copy=to_copy, to_others=to_others, codes=31)


def test_the_ratio_is_worked_by_hand():
    # Half a code of 10 is 0.05: log((0.35 + 0.05) / (0.05 + 0.05)) = log 4, and an equal twin
    # of a patient who has equal twins everywhere tells nothing.
    made = ratio_attack(
        Distances(
            member=np.array([True, False]),
            to_copy=np.array([0.05, 0.0]),
            to_others=np.array([0.35, 0.0]),
            codes=10,
        )
    )
    np.testing.assert_allclose(made.score, [np.log(4), 0])


def test_a_copy_of_one_percent_is_recognised_surely(wide, planted):
    # 20 of 2,000 members stand in the copy, of 1,000 outsiders nobody: AUC 0.505 at best, but
    # far above everyone else's scores.
    members, outsiders, others = wide(2000, 1), wide(1000, 2), wide(1000, 3)
    there = known(members, outsiders, planted(members, 20, 2000, 4), others)
    for attack in (nearest_attack, ratio_attack):
        made = membership_tpr(attack(there), rate=0.001)
        assert made.value >= 0.01
        assert made.low == 0  # 1,000 outsiders don't prove a threshold of 0.1 %


def test_a_copy_of_one_percent_is_proved_with_enough_outsiders():
    # Given the scores: 10 of 1,000 members above all of 4,400 outsiders. The lower end is
    # Clopper-Pearson's for 10 of 1,000 at 1.25 %: near the Poisson bound 4.30 / 1,000.
    score = np.concatenate([np.full(10, 2.0), np.linspace(-1, 1, 990), np.linspace(-1, 1, 4400)])
    made = membership_tpr(Attack(np.repeat([True, False], [1000, 4400]), score), rate=0.001)
    assert made.low == pytest.approx(0.0043, abs=5e-5)
    assert made.low > leakage.CHANCE["membership_tpr_at_0.001"]
    few = np.repeat([True, False], [1000, 4000])
    assert membership_tpr(Attack(few, score[:5000]), rate=0.001).low == 0


def test_who_holds_other_patients_sees_an_overfitted_copy_where_many_are_alike(
    clinic, clinic_codec
):
    # A third of all codes of the copy are another patient's. In four visits of two columns the
    # nearest twin seldom tells surely, beside other patients it does. The AUC is 0.63 with an
    # sd of 0.013; the seeds are fixed.
    train, outsiders, others = (clinic_codec.encode(clinic(n, s)) for n, s in
                                ((1500, 1), (700, 2), (700, 3)))  # fmt: skip
    rng = np.random.default_rng(0)
    mixed = train.take(rng.permutation(1500))
    redrawn = [rng.random(a.shape) < 0.3 for a in (train.static, train.visits)]
    redrawn[1] &= (train.visits >= 0) & (mixed.visits >= 0)
    made = train.__class__(
        static=np.where(redrawn[0], mixed.static, train.static),
        visits=np.where(redrawn[1], mixed.visits, train.visits),
        length=train.length,
    )
    there = known(train.take(np.arange(700)), outsiders, made, others)
    near, ratio = (attack(there) for attack in (nearest_attack, ratio_attack))
    assert membership_auc(ratio).low > 0.55
    assert membership_tpr(ratio).value > 2 * membership_tpr(near).value
    assert membership_tpr(ratio, rate=0.1).low > 0.1


@pytest.mark.parametrize(("rate", "outsiders"), [(0.01, 500), (0.1, 100)])
def test_an_attack_on_noise_is_hardly_ever_called_a_success(rate, outsiders):
    # 400 attacks: each end of the interval fails in 2.5 % at most, so that over 29 alarms come
    # in fewer than 1e-6 of runs.
    assert binom.sf(29, 400, 0.025) < 1e-6
    rng = np.random.default_rng(5)
    member = np.repeat([True, False], [300, outsiders])
    made = [membership_tpr(Attack(member, rng.random(len(member))), rate=rate) for _ in range(400)]
    assert sum(each.low > rate for each in made) <= 29
    assert sum(each.high < rate for each in made) <= 29


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_the_interval_holds_the_true_rate(rate):
    # Members' scores are uniform to the power 1/4: of them 1 - (1 - f)^4 lie above the
    # outsiders' 1 - f quantile. 300 samples, at most 5 % outside; 40 is beyond 1e-6.
    assert binom.sf(40, 300, 0.05) < 1e-6
    rng, truth, missed = np.random.default_rng(6), 1 - (1 - rate) ** 4, 0
    member = np.repeat([True, False], [400, 600])
    for _ in range(300):
        score = rng.random(1000) ** np.where(member, 0.25, 1.0)
        made = membership_tpr(Attack(member, score), rate=rate)
        assert made.low <= made.value <= made.high
        missed += not made.low <= truth <= made.high
    assert missed <= 40


def test_ties_are_guesses_at_every_rate():
    # Each end fails in 2.5 %, and the seed is fixed: no alarm here, whatever the ties.
    member = np.repeat([True, False], [50, 1000])
    for rate in (0.001, 0.01, 0.1):
        made = membership_tpr(Attack(member, np.zeros(1050)), rate=rate)
        assert made.value == pytest.approx(rate)
        assert made.low <= rate <= made.high < 0.4


def test_a_rare_false_alarm_needs_many_outsiders():
    member = np.repeat([True, False], [50, 999])
    made = membership_tpr(Attack(member, np.zeros(1049)), rate=0.001)
    assert not made.assessable
    assert "1,000 outsiders" in made.note


def test_scores_from_elsewhere_give_the_same_rows():
    rng = np.random.default_rng(0)
    rows = score_rows(rng.normal(1, 1, 500), rng.normal(0, 1, 500), "loss")
    assert [row.metric for row in rows] == [
        "score_auc", "score_tpr_at_0.001", "score_tpr", "score_tpr_at_0.1"
    ]  # fmt: skip
    auc, rare, _, often = rows
    # Phi(1 / sqrt 2) = 0.76, and at 10 % Phi(1 - 1.28) = 0.39; sd 0.015 and 0.03.
    assert auc.value.value == pytest.approx(0.76, abs=0.08)
    assert often.value.value == pytest.approx(0.39, abs=0.15)
    assert auc.control.value == 1
    assert auc.real.low < 0.5 < auc.real.high
    assert not rare.value.assessable
    assert "loss" in auc.reading


def test_a_score_that_is_no_number_tells_nothing():
    made = scored(np.array([1.0, np.nan]), np.array([0.0]))
    assert membership_auc(made).value == 0.5
    assert membership_auc(made).note == "a score is missing"
    assert not membership_auc(scored(np.array([]), np.array([1.0]))).assessable
