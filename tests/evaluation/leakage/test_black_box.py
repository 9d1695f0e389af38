"""The black-box audit: it proves nothing of nothing, and no more than there is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dpsynth.data.codec import Codec
from dpsynth.evaluation.case import Case, Side
from dpsynth.evaluation.leakage.black_box import Coins, black_box_epsilon
from dpsynth.evaluation.leakage.claimed import implied
from dpsynth.evaluation.leakage.membership import Attack
from dpsynth.evaluation.steps import black_box

ALARM = 1e-6


def test_an_attacker_who_is_always_right_proves_this_much():
    # 1,000 coins, no delta. All 250 named are members: each share has a third of 5 %, and
    # q^250 = 0.05 / 3 at q = 0.98375, epsilon = log(q / (1 - q)) = 4.1034.
    member = np.arange(1000) < 500
    found = black_box_epsilon(Attack(member, member.astype(float)), delta=0.0)
    q = (0.05 / 3) ** (1 / 250)
    assert found.value == pytest.approx(np.log(q / (1 - q)), abs=1e-6)
    assert 0 < found.low < found.value == found.high
    assert found.n == 1000


def test_a_delta_and_too_few_coins_say_less():
    member = np.arange(1000) < 500
    made = Attack(member, member.astype(float))
    free, paid = (black_box_epsilon(made, delta=d).value for d in (0.0, 1e-4))
    assert paid < free
    few = black_box_epsilon(Attack(member[300:600], made.score[300:600]), delta=0.0)
    assert not few.assessable and "400" in few.note


@pytest.mark.parametrize("epsilon", [0.0, 1.0])
def test_no_more_is_proved_than_there_is_as_often_as_promised(epsilon):
    # Randomised response of chance e^eps / (1 + e^eps) is exactly eps-DP. Of 200 runs the value
    # is too high in 10 at most on average, more than 29 with chance 1e-6; `low` in 2, more
    # than 13 with chance 2e-8.
    rng, above, sure = np.random.default_rng(1), 0, 0
    for _ in range(200):
        member = rng.random(800) < 0.5
        told = np.where(rng.random(800) < 1 / (1 + np.exp(-epsilon)), member, ~member)
        found = black_box_epsilon(Attack(member, told + rng.random(800) / 2), delta=0.0)
        above, sure = above + (found.value > epsilon), sure + (found.low > epsilon)
    assert stats.binom.sf(29, 200, 0.05) < ALARM > stats.binom.sf(13, 200, 0.01)
    assert above <= 29 and sure <= 13


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.8])
def test_coins_of_the_kept_are_fair_and_their_number_is_not_fixed(rate):
    # 40 splits of 2,000 patients: the kept members are binomial(kept, 1/2); a number fixed to
    # half of the kept has no variance. The z of the mean beyond 5 has chance 6e-7.
    rng, coins, z = np.random.default_rng(2), Coins(held_out=rate, delta=0.0), []
    for _ in range(40):
        out = rng.random(2000) < rate
        kept, kept_out = coins.fair(int((~out).sum()), int(out.sum()), rng)
        n = kept.sum() + kept_out.sum()
        z.append((kept.sum() - n / 2) / np.sqrt(n / 4))
    assert abs(np.mean(z)) * np.sqrt(40) < 5
    assert stats.chi2.sf(np.square(z).sum(), 40) > ALARM < stats.chi2.cdf(np.square(z).sum(), 40)


def case(wide, clinic_plan, synthetic, coins):
    sides = [
        Side(records=None, tokens=each) for each in (wide(3000, 1), wide(750, 2), synthetic)
    ]  # only codes are looked at
    return Case(
        train=sides[0], holdout=sides[1], synthetic=sides[2], schema=clinic_plan,
        codec=Codec.__new__(Codec), seed=0, coins=coins,
    )  # fmt: skip


def test_a_plain_copy_contradicts_a_claim_and_fresh_patients_do_not(wide, planted, clinic_plan):
    coins = Coins(held_out=0.2, delta=1e-5)
    for made, epsilon in ((wide(3000, 3), 0.0), (planted(wide(3000, 1), 3000, 3000, 3), 3.0)):
        given = case(wide, clinic_plan, made, coins)
        [(_, step)] = black_box.steps(given)
        [found] = step()
        assert found.value.low > 3 if epsilon else found.value.value == 0
        assert found.real.low == 0.0 and found.control.low > 1
    claim = implied({"guarantee": {"epsilon": 3.0, "delta": 1e-5}})
    assert claim is not None and claim.most("black_box_epsilon") == 3.0


def test_without_coins_there_is_a_remark_and_no_row(wide, clinic_plan):
    given = case(wide, clinic_plan, wide(10, 3), None)
    assert not list(black_box.steps(given))
    assert "coins" in black_box.remarks(given)[0]
