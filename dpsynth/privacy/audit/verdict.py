"""The audit's verdict: whether what canaries saw contradicts what the plan claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from dpsynth.privacy.accountant import SEARCH, epsilon_pld, event
from dpsynth.privacy.audit import bound, checks
from dpsynth.privacy.audit.transcript import Transcript
from dpsynth.privacy.grad.norms import MARGIN
from dpsynth.privacy.plan import Plan, Release

ALPHA = 0.001  # chance that an honest run is called violated, over all checks together
CONFIDENT = 0.05  # chance that a reported lower bound of epsilon is too high
ENOUGH = 50  # times that canaries must have been expected in batches, for a verdict on steps
STEPS_FAR_ENOUGH = 2000  # draws of the steps' noise from which a tenth less of it is seen

Word = Literal["consistent", "violated", "inconclusive"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check.

    Attributes:
        name: in words.
        p: chance of a result at least as bad if the claim is right.
        epsilon_lower_bound: what an attacker proved, or none.
    """

    name: str
    p: float
    epsilon_lower_bound: float | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What may be published of an audit. It tells of canaries and of noise, and of no patient.

    Attributes:
        word: violated where some check's p is below `ALPHA` over their number; inconclusive
            where there is too little to tell.
        findings: every check.
        canaries: how many there were, joined or not.
        commitment: hash of their coins.
        claimed: epsilon of the plan's steps alone at its delta, or none without steps.
        bound: what was proved of them, at confidence 1 - `CONFIDENT`.
        why: for the reader, where the verdict is not consistent.
    """

    word: Word
    findings: tuple[Finding, ...]
    canaries: int
    commitment: str
    claimed: float | None
    bound: float | None
    why: str


def judged(transcript: Transcript, plan: Plan) -> Verdict:
    """Hold a transcript against its plan.

    Guarantee:
        A run whose noise and sampling are as the plan says is called violated with chance
        `ALPHA` at most: each check's p-value is valid, and they share `ALPHA` evenly.
    """
    findings = [found for r in plan.releases for found in _release(r, transcript)]
    steps = _Steps(transcript, plan) if plan.training and transcript.heard else None
    if steps:
        findings += steps.findings()
    failed = [f.name for f in findings if f.p < ALPHA / max(len(findings), 1)]
    why = _why_not(transcript, plan)
    word: Word = "inconclusive" if why or not findings else "consistent"
    if failed:
        word, why = "violated", "; ".join(failed)
    return Verdict(
        word=word,
        findings=tuple(findings),
        canaries=max(len(transcript.canaries.joined), len(transcript.canaries.raised)),
        commitment=transcript.canaries.commitment,
        claimed=steps.claimed() if steps else None,
        bound=steps.bound() if steps else None,
        why=why,
    )


def _why_not(transcript: Transcript, plan: Plan) -> str:
    """What is missing for a verdict; empty if nothing."""
    absent = [r.name for r in plan.releases if r.name not in transcript.cells]
    if absent:
        return f"no cells were seen of {', '.join(absent)}"
    if plan.training is None:
        return ""
    steps, members = len(transcript.heard), len(transcript.canaries.members)
    if steps * members * plan.training.sample_rate < ENOUGH:
        return "too few canaries joined too few steps"
    if steps * len(transcript.canaries.joined) < STEPS_FAR_ENOUGH:
        return "too few draws of the steps' noise were seen"
    return ""


def _release(release: Release, transcript: Transcript) -> list[Finding]:
    """Noise of the cells that no patient reaches."""
    if release.name not in transcript.cells:
        return []
    raised, sd = transcript.canaries.raised, release.noise_multiplier
    cells = transcript.cells[release.name].astype(np.float64)
    noise = (cells - raised) / sd
    return [
        Finding(name=f"noise of {release.name}: size", p=checks.spread(noise)),
        Finding(name=f"noise of {release.name}: Gaussian", p=checks.shape(noise)),
        Finding(name=f"noise of {release.name}: no repeats", p=checks.repeats(noise[:, None])),
    ]


class _Steps:
    """The steps of a transcript as arrays, and their checks."""

    def __init__(self, transcript: Transcript, plan: Plan) -> None:
        assert plan.training is not None
        self.plan, self.training = plan, plan.training
        self.joined = transcript.canaries.joined
        self.present = np.array(transcript.present)
        # Clipping aims a margin below the norm that the noise is made for.
        self.heard = np.array(transcript.heard, dtype=np.float64)
        self.noise = (self.heard - (1 - MARGIN) * self.present) / self.training.noise_multiplier

    def findings(self) -> list[Finding]:
        """Noise, sampler, and what attackers prove of each step and of the whole run."""
        rate, sigma = self.training.sample_rate, self.training.noise_multiplier
        there = self.present[:, self.joined]
        told = bound.separated(self.heard, self.present, sigma)
        return [
            Finding(name="noise of the steps: size", p=checks.spread(self.noise)),
            Finding(name="noise of the steps: Gaussian", p=checks.shape(self.noise)),
            Finding(name="noise of the steps: no repeats", p=checks.repeats(self.noise)),
            Finding(name="noise within a step: independent", p=checks.neighbours(self.noise)),
            Finding(name="sampler: how often", p=checks.frequency(there, rate)),
            Finding(name="sampler: not in turns", p=checks.evenness(there, rate)),
            Finding(name="sampler: batches vary", p=checks.company(there, rate)),
            Finding(
                name="a step tells no more of a canary than claimed",
                p=told,
                epsilon_lower_bound=self.bound(),
            ),
            self._whole(),
        ]

    def _whole(self) -> Finding:
        """Coins guessed from the whole run."""
        evidence = bound.evidence(
            self.heard, self.training.sample_rate, self.training.noise_multiplier
        )
        guessed, m = evidence > 0, len(self.joined)
        proved = bound.one_run_epsilon(guessed, self.joined, self.plan.delta, CONFIDENT)
        right = int((guessed == self.joined).sum())
        p = bound.too_lucky(right, m, m, self.claimed(), self.plan.delta)
        return Finding(name="the whole run tells no more", p=p, epsilon_lower_bound=proved)

    def claimed(self) -> float:
        """Epsilon of the steps alone."""
        return epsilon_pld(event((), self.training), self.plan.delta, SEARCH)

    def bound(self) -> float:
        """What reading the canaries' weights proves of them."""
        sigma = self.training.noise_multiplier
        mu = bound.separation(self.heard, self.present, sigma, CONFIDENT)
        return bound.steps_epsilon(mu, self.training, self.plan.delta)
