"""What is true of a set of phantoms: who is ill, and in whom it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import softmax

MIDDLE = 50  # the age, in years, at which a risk is stated
DECADE = 10
SEXES = ("f", "m")
HIDDEN = "truth_"  # begins the names of columns that no reader of an image would know
TAKEN = ("patient", "image", "sex", "age")  # columns beside the label


@dataclass(frozen=True, kw_only=True)
class Risk:
    """Log odds of one class against the first class.

    A patient's log odds are `at_50 + per_decade * (age - 50) / 10 + male * [sex is m]`.

    Attributes:
        at_50: log odds of a woman of 50 years.
        per_decade: what ten more years add.
        male: what being a man adds.
    """

    at_50: float
    per_decade: float = 0.0
    male: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name, value in vars(self).items():
            if not np.isfinite(value):
                raise ValueError(f"{name} must be a finite number, got {value!r}")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The law that phantoms are drawn from. All fields are public.

    Attributes:
        label: name of the label's column.
        classes: the label's values; the first is the one that risks are stated against.
        risks: one for each further class.
        female: share of women, in [0, 1].
        ages: youngest and oldest age in whole years; all between are equally frequent.
        contrast: how well the label shows, in [0, 1]. At 0 the images of all classes follow
            one law, given sex and age.
        hard_sex: the sex in which the label shows less.
        hard_age: the age in years from which it does.
        hard_factor: what contrast is multiplied by in that subgroup, in [0, 1].
        images: shares of the patients with 1, 2, ... images; they sum to 1.
    """

    label: str
    classes: tuple[str, ...]
    risks: tuple[Risk, ...]
    female: float = 0.5
    ages: tuple[int, int] = (0, 90)
    contrast: float = 1.0
    hard_sex: Literal["f", "m"] = "f"
    hard_age: int = 65
    hard_factor: float = 0.4
    images: tuple[float, ...] = (0.5, 0.3, 0.2)

    def __post_init__(self) -> None:
        """Check each field and how they go together."""
        if self.label in TAKEN or not self.label:
            raise ValueError(f"label must not be empty or one of {TAKEN}, got {self.label!r}")
        if self.label.startswith(HIDDEN):
            raise ValueError(f"label must not begin with {HIDDEN!r}, got {self.label!r}")
        if len(self.classes) < 2 or len(set(self.classes)) < len(self.classes):
            raise ValueError(f"classes must be two or more different names, got {self.classes!r}")
        if len(self.risks) != len(self.classes) - 1:
            raise ValueError(
                f"risks must be one for each class but the first: {len(self.classes) - 1}, "
                f"got {len(self.risks)}"
            )
        for name in ("female", "contrast", "hard_factor"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)!r}")
        if not 0 <= self.ages[0] <= self.ages[1] <= 120:
            raise ValueError(f"ages must ascend within 0 to 120 years, got {self.ages!r}")
        if self.hard_sex not in SEXES:
            raise ValueError(f"hard_sex must be 'f' or 'm', got {self.hard_sex!r}")
        if not self.images or min(self.images) < 0 or abs(sum(self.images) - 1) > 1e-9:
            raise ValueError(f"images must be shares that sum to 1, got {self.images!r}")

    def probabilities(self, sex: np.ndarray, age: np.ndarray) -> np.ndarray:
        """Chance of each class.

        Args:
            sex: (patients,) "f" or "m".
            age: (patients,) years.

        Returns:
            (patients, classes), rows sum to 1.
        """
        decades = (age - MIDDLE) / DECADE
        further = [
            risk.at_50 + risk.per_decade * decades + risk.male * (sex == "m") for risk in self.risks
        ]
        return softmax(np.stack([np.zeros(len(age)), *further], axis=1), axis=1)

    def visibility(self, sex: np.ndarray, age: np.ndarray) -> np.ndarray:
        """(patients,) contrast of the label in those patients, in [0, 1]."""
        return self.contrast * np.where(self.hard(sex, age), self.hard_factor, 1.0)

    def hard(self, sex: np.ndarray, age: np.ndarray) -> np.ndarray:
        """(patients,) true for the subgroup in which the label shows less."""
        return (sex == self.hard_sex) & (age >= self.hard_age)

    def prevalence(self) -> np.ndarray:
        """(classes,) expected share of each class among patients."""
        age = np.arange(self.ages[0], self.ages[1] + 1)
        women, men = (self.probabilities(np.full(len(age), sex), age).mean(0) for sex in SEXES)
        return self.female * women + (1 - self.female) * men
