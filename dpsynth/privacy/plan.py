"""Everything a run will ask, fixed before the first question."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from dpsynth.errors import InputError
from dpsynth.privacy.weights import GroupWeights


@dataclass(frozen=True, kw_only=True)
class Release:
    """One joint Gaussian release of several tables.

    Attributes:
        name: "bounds" (private bins), "categories" or "tables" (the warm start).
        noise_multiplier: noise stddev / joint L2 sensitivity, without unit.
        threshold_delta: what revealing the set of seen categories adds to delta (0 if the
            cells are public).
    """

    name: str
    noise_multiplier: float
    threshold_delta: float = 0.0

    def __post_init__(self) -> None:
        """Refuse noise that is none, and a delta that would be taken off the sum."""
        if not 0 < self.noise_multiplier < math.inf:
            raise InputError(f"noise_multiplier must be positive, got {self.noise_multiplier!r}")
        if not 0 <= self.threshold_delta < 1:
            raise InputError(f"threshold_delta must be in [0, 1), got {self.threshold_delta!r}")


@dataclass(frozen=True, kw_only=True)
class DPSGD:
    """The recipe of one DP-SGD run. All fields are public.

    Attributes:
        noise_multiplier: noise stddev / clip_norm, without unit.
        clip_norm: L2 bound on one patient's gradient.
        sample_rate: chance that a patient joins a step, in (0, 1].
        expected_batch: the divisor, sample_rate times the public population.
        steps: noisy steps released.
        views: maskings per patient, averaged before clipping (no privacy cost).
    """

    noise_multiplier: float
    clip_norm: float
    sample_rate: float
    expected_batch: float
    steps: int
    views: int = 1

    def __post_init__(self) -> None:
        """Check each number against its range."""
        if not isinstance(self.sample_rate, int | float):
            raise InputError(
                f"sample_rate must be one number for every patient, got {self.sample_rate!r}: a "
                "rate that depends on the group is refused; use group weights"
            )
        if not 0 < self.sample_rate <= 1:
            raise InputError(f"sample_rate must be in (0, 1], got {self.sample_rate!r}")
        positive = ("noise_multiplier", "clip_norm", "expected_batch", "steps", "views")
        for name in positive:
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} must be positive, got {getattr(self, name)!r}")
        for name in ("steps", "views"):
            if getattr(self, name) != int(getattr(self, name)):
                raise InputError(f"{name} must be a whole number, got {getattr(self, name)!r}")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run will ask of real data, and what it promises for it.

    Attributes:
        epsilon, delta: the promise for everything below together.
        population: the public or noised size P.
        count_epsilon: pure epsilon of the noised size, 0 when the size is public. It composes
            with the rest by addition, since the rest (delta, q) is chosen after seeing it.
        releases: joint Gaussian releases, in order.
        training: DP-SGD, or none.
        groups: by what patients' parts are multiplied, or none.
    """

    epsilon: float
    delta: float
    population: int
    count_epsilon: float = 0.0
    releases: tuple[Release, ...] = ()
    training: DPSGD | None = None
    groups: GroupWeights | None = None

    def __post_init__(self) -> None:
        """Refuse what would make the sum of costs wrong."""
        if not 0 <= self.count_epsilon < math.inf:
            raise InputError(f"count_epsilon must be at least 0, got {self.count_epsilon!r}")
        names = [release.name for release in self.releases]
        if len(set(names)) < len(names):
            raise InputError(f"each release needs a name of its own, got {names!r}")

    def release(self, name: str) -> Release:
        """The release of that name.

        Raises:
            KeyError: if the plan holds none.
        """
        return {each.name: each for each in self.releases}[name]

    def public(self) -> dict[str, Any]:
        """The plan as JSON for the run folder, the ledger and the card."""
        found = asdict(self)
        del found["groups"]  # a plan without weights reads as before there were any
        return found if self.groups is None else found | {"groups": self.groups.public()}

    @classmethod
    def from_public(cls, fields: dict[str, Any]) -> Plan:
        """The plan that `public` wrote."""
        training, groups = fields["training"], fields.get("groups")
        return cls(
            **{k: v for k, v in fields.items() if k not in {"releases", "training", "groups"}},
            releases=tuple(Release(**r) for r in fields["releases"]),
            training=None if training is None else DPSGD(**training),
            groups=None if groups is None else GroupWeights.from_public(groups),
        )
