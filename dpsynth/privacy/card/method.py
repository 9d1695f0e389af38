"""Sections that say how the promise is kept, added up and programmed. All of it is public."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from dpsynth.privacy.card.words import (
    Count,
    Delta,
    Epsilon,
    Hash,
    OneOrMore,
    Positive,
    Section,
    Words,
)


class Measurement(Section):
    """One noisy release of statistics."""

    name: Words
    noise_multiplier: Positive
    """Standard deviation of the noise over the sensitivity."""
    sensitivity: Words
    mechanism: Words = "Gaussian"
    threshold_delta: Delta = 0.0
    """What revealing the set of seen categories adds to delta."""


class Training(Section):
    """Gradient descent under differential privacy (DP-SGD)."""

    noise_multiplier: Positive
    """Standard deviation of the noise over the clip norm (sigma)."""
    clip_norm: Positive
    """L2 bound on one unit's gradient (C)."""
    clipping: Words
    sampler_claimed: Words
    sampler_tested: Words
    """How the sampler was tested against the claim, or that it was not."""
    sample_rate: Annotated[float, Field(gt=0, le=1)]
    """Chance that a unit joins a step (q)."""
    steps: OneOrMore
    """Noisy steps (T)."""
    expected_batch: Positive
    """What sums are divided by; a public number."""
    views: OneOrMore
    """Augmented views of a unit, averaged before clipping (K)."""


class LearntClass(Section):
    """What noise leaves of one class of pictures: figures of noisy answers alone."""

    name: Words
    noisy_count: float
    """How many units have it, as it was measured with noise."""
    noise: Annotated[float, Field(ge=0)]
    """Standard deviation of the noise in a pixel of the class's mean picture, in shades of 256."""
    signal: Annotated[float, Field(ge=0)]
    """How far that mean is from the mean of all, root mean square, in shades; noise taken off."""
    expect: Words


class GroupWeight(Section):
    """A public number of at most 1 that a group's parts are multiplied by."""

    column: Words
    group: Words
    weight: Annotated[float, Field(gt=0, le=1)]


class Weighting(Section):
    """Weights of groups, chosen by the user before any record was read."""

    measurements: bool
    """Whether noisy statistics are weighed, but those that find private bins and categories."""
    training: bool
    """Whether clipped gradients are."""
    groups: Annotated[tuple[GroupWeight, ...], Field(min_length=1)]
    effect: Words = (
        "public weights of at most 1, applied after each unit's part was bounded: sensitivities "
        "and the sample rate are as without them; whoever is in no group here has weight 1"
    )

    @model_validator(mode="after")
    def _weighs_something(self) -> Weighting:
        if not (self.measurements or self.training):
            raise ValueError("weighs neither measurements nor training")
        return self


class Mechanism(Section):
    """How the promise is kept."""

    algorithm: Words
    measurements: tuple[Measurement, ...]
    count_epsilon: Epsilon
    """Spent on a noised size; 0 if the size is public."""
    training: Training | None
    warm_start: Words
    """The noisy release that training starts from, or none."""
    private_network: Words
    """Which network meets private gradients, and which never does."""
    settings: dict[str, str | int | float | bool | None]
    """Public settings of the model."""
    classes: tuple[LearntClass, ...] = ()
    """For pictures, what noise leaves of each category of the label; else empty."""
    weighting: Weighting | None = None
    """Weights of groups, or none."""
    drawn_from: Words = "what was trained"
    """What copies are drawn from, where a charged question chose between two."""

    @model_validator(mode="after")
    def _asks_something(self) -> Mechanism:
        if not self.measurements and self.training is None:
            raise ValueError("holds neither measurements nor training, so nothing was asked")
        return self


class LedgerHead(Section):
    """Commits to the ledger without showing it: SHA-256 of salt and head hash."""

    salt: Annotated[str, Field(pattern="^[0-9a-f]{32,}$")]
    sha256: Hash


class Accounting(Section):
    """How the numbers were added up, twice."""

    library: Words
    version: Words
    method: Words
    """The authority, with its discretisation."""
    epsilon: Epsilon
    """By that method, not rounded."""
    second_method: Words
    second_epsilon: Epsilon
    """By the second method; never smaller."""
    ledger_head: LedgerHead

    @model_validator(mode="after")
    def _accountants_agree(self) -> Accounting:
        if self.second_epsilon < self.epsilon - 1e-3:
            raise ValueError(
                f"second_epsilon {self.second_epsilon!r} is below epsilon {self.epsilon!r}: "
                "one of the accountants is wrong"
            )
        return self


class Seed(Section):
    """Where randomness began."""

    insecure: bool
    """Whether a known seed was set: then whoever knows it can take the noise off."""
    handling: Words


class FloatingPoint(Section):
    """The gap between real numbers and the computer's."""

    done: Words
    not_done: Words


class Implementation(Section):
    """What could be wrong although the mathematics is right."""

    noise_source: Words
    seed: Seed
    floating_point: FloatingPoint
    resumes: Count
    """How often the run was interrupted and taken up again."""
    steps_dropped: Count
    """Planned steps that were paid for and not made."""
    strict: bool
    """Whether a forbidden value stops the run, which tells whether there is one."""
    open_hazards: tuple[Words, ...]
