"""What an attacker proves who reads the canaries' weights: a lower bound of epsilon."""

from __future__ import annotations

import math

import dp_accounting as dpa
import numpy as np
from scipy import stats

from dpsynth.privacy.accountant import SEARCH, epsilon_pld
from dpsynth.privacy.plan import DPSGD

HALF = 0.5  # an attacker's threshold, between nothing and a whole canary; fixed in advance
FOR_MISSES = 0.8  # of a bound's alpha: far more canaries are absent than present
INVERSIONS = 50  # present ones that are expected below an absent one, for a law of large numbers


def separation(
    heard: np.ndarray, present: np.ndarray, noise_multiplier: float, alpha: float
) -> float:
    """How far apart a canary's presence and absence surely are, in standard deviations.

    Whatever an attacker does against a mu-GDP mechanism, the ROC curve lies under that of two
    Gaussians mu apart (Dong, Roth, Su 2022). Two attackers, chosen by what is claimed:

    - one ranks by what came out: the area under the curve is at most Phi(mu / sqrt(2)). Its lower
      bound has the variance of DeLong et al. (1988), whatever the law of the noise;
    - where ranks would hardly ever be wrong, one says "present" above `HALF`; its error rates
      (a, b) are bounded by Clopper and Pearson, and mu is at least z(1 - a) - z(b).

    Args:
        heard: any shape, in units of the sensitivity.
        present: of the same shape, bool.
        noise_multiplier: as claimed; it chooses the attacker, and nothing else.
        alpha: chance that the bound is too high, if canaries and noise are independent.

    Returns:
        mu, 0 where nothing can be said.
    """
    there, gone = heard[present], heard[~present]
    if not len(there) or not len(gone):
        return 0.0
    wrong = float(stats.norm.cdf(-1 / (math.sqrt(2) * noise_multiplier)))
    by = _by_ranks if wrong * min(len(there), len(gone)) >= INVERSIONS else _by_threshold
    return max(by(there, gone, alpha), 0.0)


def _by_ranks(there: np.ndarray, gone: np.ndarray, alpha: float) -> float:
    ranks = stats.rankdata(np.concatenate([there, gone]))
    beaten = (ranks[: len(there)] - stats.rankdata(there)) / len(gone)
    beating = 1 - (ranks[len(there) :] - stats.rankdata(gone)) / len(there)
    area = float(beaten.mean())
    if not 0 < area < 1:
        return _by_threshold(there, gone, alpha)
    deviation = math.sqrt(beaten.var(ddof=1) / len(there) + beating.var(ddof=1) / len(gone))
    middle = float(stats.norm.ppf(area))
    slack = float(stats.norm.isf(alpha)) * deviation / float(stats.norm.pdf(middle))
    return math.sqrt(2) * (middle - slack)


def _by_threshold(there: np.ndarray, gone: np.ndarray, alpha: float) -> float:
    missed = _upper(int((there <= HALF).sum()), len(there), FOR_MISSES * alpha)
    false = _upper(int((gone > HALF).sum()), len(gone), (1 - FOR_MISSES) * alpha)
    return float(stats.norm.isf(false) - stats.norm.ppf(missed))


def separated(heard: np.ndarray, present: np.ndarray, noise_multiplier: float) -> float:
    """Chance of as few errors of that attacker, if the noise is what is claimed.

    Returns:
        p, one-sided: small where presence shows more than it may.
    """
    there, gone = heard[present], heard[~present]
    error = float(stats.norm.cdf(-HALF / noise_multiplier))
    p = [
        stats.binom.cdf(int((there <= HALF).sum()), len(there), error),
        stats.binom.cdf(int((gone > HALF).sum()), len(gone), error),
    ]
    return float(min(1.0, 2 * min(p)))


def steps_epsilon(mu: float, training: DPSGD, delta: float) -> float:
    """Epsilon of all steps, were each a Gaussian mechanism of that separation."""
    if mu <= 0:
        return 0.0
    step: dpa.DpEvent = dpa.GaussianDpEvent(1 / mu)
    if training.sample_rate < 1:
        step = dpa.PoissonSampledDpEvent(training.sample_rate, step)
    return epsilon_pld(dpa.SelfComposedDpEvent(step, training.steps), delta, SEARCH)


def evidence(heard: np.ndarray, sample_rate: float, noise_multiplier: float) -> np.ndarray:
    """(canaries,) log-likelihood ratio of having joined, over all steps.

    Args:
        heard: (steps, canaries).
        sample_rate, noise_multiplier: as claimed.
    """
    one = np.exp(np.clip((2 * heard - 1) / (2 * noise_multiplier**2), -700, 700))
    return np.log1p(sample_rate * (one - 1)).sum(axis=0)


def one_run_epsilon(
    guessed: np.ndarray, joined: np.ndarray, delta: float, alpha: float, thrown: int | None = None
) -> float:
    """Epsilon that right guesses of independent coins prove, from one run.

    Under an (epsilon, delta) promise the number of right guesses is stochastically at most a
    binomial of chance e^epsilon / (1 + e^epsilon), but for a term of delta.

    Args:
        guessed, joined: (guesses,) bool.
        delta: of the promise.
        alpha: chance that the bound is too high.
        thrown: number of fair coins, if not all of them are guessed; whoever guesses may choose
            which, but how many is fixed in advance.

    Reference: Steinke, Nasr, Jagielski, Privacy auditing with one training run, NeurIPS 2023,
    theorem 5.2.
    """
    guesses, right = len(joined), int((guessed == joined).sum())
    coins = guesses if thrown is None else thrown
    if not guesses or too_lucky(right, guesses, coins, 0.0, delta) > alpha:
        return 0.0
    low, high = 0.0, 1.0
    while too_lucky(right, guesses, coins, high, delta) <= alpha:
        low, high = high, 2 * high
    for _ in range(40):
        middle = (low + high) / 2
        surely = too_lucky(right, guesses, coins, middle, delta) <= alpha
        low, high = (middle, high) if surely else (low, middle)
    return low


def too_lucky(right: int, guesses: int, thrown: int, epsilon: float, delta: float) -> float:
    """Upper bound of the chance of so many right guesses under the promise."""
    chance = 1 / (1 + math.exp(-epsilon))
    tail = stats.binom.sf(right - 1, guesses, chance)
    below = stats.binom.cdf(right - 1, guesses, chance) - stats.binom.cdf(
        right - 1 - np.arange(1, right + 1), guesses, chance
    )
    extra = float((below / np.arange(1, right + 1)).max()) if right else 0.0
    return float(min(1.0, tail + 2 * thrown * delta * extra))


def _upper(hits: int, n: int, alpha: float) -> float:
    """Clopper and Pearson's upper bound of a chance."""
    return 1.0 if hits >= n else float(stats.beta.ppf(1 - alpha, hits + 1, n - hits))
