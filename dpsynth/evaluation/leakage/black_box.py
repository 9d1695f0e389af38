"""What an attacker proves of epsilon who sees nothing but the copy: a weak audit, for nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpsynth.evaluation.estimate import Estimate, not_assessable
from dpsynth.evaluation.leakage.membership import Attack
from dpsynth.privacy.audit.bound import one_run_epsilon

SHARES = (0.01, 0.05, 0.25)  # of the coins that are guessed: the surest; fixed in advance
CONFIDENT = 0.05  # chance that the value is too high
SURE = 0.01  # the same of its lower end
LEAST = 400  # coins, of which the surest hundredth is four


@dataclass(frozen=True, kw_only=True)
class Coins:
    """How a run chose whom to train on: a coin for each patient, thrown apart from all others.

    Attributes:
        held_out: chance of each patient to be held out, in (0, 1).
        delta: of the promise that is audited.
    """

    held_out: float
    delta: float

    def fair(
        self, trained: int, others: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Keep some, so that each who is kept was trained on with chance 1/2.

        Guarantee:
            Whether a patient is kept depends on the patient's own coin and a fresh one, so that
            the coins of the kept are fair, and independent of each other and of who was trained
            on among the rest (choosing equal numbers of both would tie them to each other).

        Returns:
            (trained,) and (others,), whether each is kept.
        """
        a = min(self.held_out / (1 - self.held_out), 1.0)
        b = min((1 - self.held_out) / self.held_out, 1.0)
        return rng.random(trained) < a, rng.random(others) < b


def black_box_epsilon(made: Attack, *, delta: float) -> Estimate:
    """Epsilon that an attack on the copy alone proves.

    Scenario:
        The attacker has the released copy and the full records of patients, each of whom was
        trained on if a fair coin said so. He names those of whom he is surest that they were,
        a hundredth, a twentieth or a quarter of them, as `SHARES` says before he looks. Right
        guesses beyond what (epsilon, delta) allows prove a larger epsilon; the three share the
        chance of error. The canaries are real patients, at no cost to the copy; so the figure is
        internal. It is weak: the copy shows far less than the steps of training, so a bound near
        0 is what to expect, and says nothing for the promise.

    Args:
        made: the attack on patients whose membership was thrown by independent fair coins.
        delta: of the promise.

    Returns:
        A lower bound of epsilon: `value` is too high with chance `CONFIDENT` at most, `low` with
        chance `SURE`. 0: nothing is proved.

    Errors:
        Fewer than `LEAST` patients: not assessable.

    Reference: Steinke, Nasr, Jagielski, Privacy auditing with one training run, NeurIPS 2023;
    Annamalai, Ganev, De Cristofaro, "What do you want from theory alone?", USENIX Security 2024
    (black-box audits of synthetic data are far from tight).
    """
    thrown = len(made.member)
    if thrown < LEAST:
        return not_assessable(f"needs {LEAST} patients whose coin was thrown", thrown)
    surest = np.argsort(-made.score, kind="stable")
    value, low = (
        max(_proved(made.member[surest], share, delta, alpha / len(SHARES)) for share in SHARES)
        for alpha in (CONFIDENT, SURE)
    )
    return Estimate(value, low, value, thrown, made.note)


def _proved(member: np.ndarray, share: float, delta: float, alpha: float) -> float:
    named = member[: int(share * len(member))]
    return one_run_epsilon(np.ones(len(named), dtype=bool), named, delta, alpha, len(member))
