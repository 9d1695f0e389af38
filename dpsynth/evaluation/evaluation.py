"""What an evaluation found: rows, each with its references, and what the charts show."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

from dpsynth.evaluation.charts import Bars, Heat, Sample
from dpsynth.evaluation.estimate import Estimate
from dpsynth.evaluation.figures import Figures
from dpsynth.evaluation.labels import rounded
from dpsynth.evaluation.metric import Better, Metric


@dataclass(frozen=True, kw_only=True)
class Row:
    """One value with its two references.

    Attributes:
        metric: its name, as in results files.
        family: "fidelity", "utility", "bias" or "leakage".
        title, scale: the metric in plain words.
        group: the subgroup, or none for everyone.
        value: of the synthetic data.
        real: of the reference that the copy should reach, named `real_name`.
        control: of the reference that it should leave behind, named `control_name`.
        better: which direction is better.
        unit: of the value, empty for shares.
    """

    metric: str
    family: str
    title: str
    scale: str
    group: str | None
    value: Estimate
    real: Estimate
    real_name: str
    control: Estimate
    control_name: str
    better: Better
    unit: str = ""

    @property
    def reached(self) -> float | None:
        """Way from the control (0) to the real reference (1), cut to 0..1.

        None where there is no value, or where the references don't tell good from bad.
        """
        value, real, control = self.value.value, self.real.value, self.control.value
        given = self.value.assessable and not self.value.note.startswith("not assessable")
        if not given or not apart(self):
            return None
        return min(max((value - control) / (real - control), 0.0), 1.0) + 0.0  # never -0.0

    @property
    def reading(self) -> str:
        """The row in one plain sentence."""
        who = f"{self.title}, {self.group}" if self.group else self.title
        if not self.value.assessable:
            return f"{who}: not assessable ({self.value.note})."
        said = f"{who}: {self._number(self.value)} for the copy"
        if self.value.low < self.value.high:
            said += f" (95 % interval {self._span(self.value)})"
        said += f", {self._number(self.real)} for {self.real_name}"
        said += f", {self._number(self.control)} for {self.control_name}."
        return said + (f" Note: {self.value.note}." if self.value.note else "")

    def _number(self, estimate: Estimate) -> str:
        if not estimate.assessable:
            return "not assessable"
        return f"{rounded(estimate.value)} {self.unit}".strip()

    def _span(self, estimate: Estimate) -> str:
        return f"{rounded(estimate.low)} to {rounded(estimate.high)}"


def apart(row: Row) -> bool:
    """Whether the real reference is better than the control beyond both intervals."""
    real, control = row.real, row.control
    if row.better == "match" or not (real.assessable and control.assessable):
        return False
    return real.low > control.high if row.better == "higher" else real.high < control.low


def row(
    name: str,
    family: str,
    metric: Metric[Any],
    value: Estimate,
    real: Estimate,
    control: Estimate,
    *,
    group: str | None = None,
    unit: str = "",
) -> Row:
    """A row of a metric's three estimates."""
    return Row(
        metric=name,
        family=family,
        title=metric.title,
        scale=metric.scale,
        group=group,
        value=value,
        real=real,
        real_name=metric.real,
        control=control,
        control_name=metric.control,
        better=metric.better,
        unit=unit,
    )


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Everything that was found on one synthetic data set. Internal: it tells of real patients.

    Attributes:
        name: of the data set.
        unit: the word for a patient.
        train, holdout, synthetic: numbers of patients.
        rows: every metric, with its references.
        columns: histograms of columns, furthest first, of real holdout and synthetic patients.
        transitions: changes from visit to visit of some columns.
        visits: histogram of the number of visits, or none.
        sample: a few synthetic patients.
        figures: the series that analysts' figures show.
        notes: what the reader must know, such as caps and missing columns.
        seed: of everything random.
        seconds: how long it took.
    """

    name: str
    unit: str
    train: int
    holdout: int
    synthetic: int
    rows: tuple[Row, ...]
    columns: tuple[Bars, ...]
    transitions: tuple[Heat, ...]
    visits: Bars | None
    sample: tuple[Sample, ...]
    notes: tuple[str, ...]
    seed: int
    seconds: float
    figures: Figures = field(default_factory=Figures)

    def get(self, metric: str, group: str | None = None) -> Row | None:
        """The row of that metric and group, or none."""
        return next((r for r in self.rows if (r.metric, r.group) == (metric, group)), None)

    @property
    def headline(self) -> Row | None:
        """The row of use for prediction: of pictures where there are some, else of columns."""
        return self.get("picture_tstr_auc") or self.get("tstr_auc")

    def family(self, family: str) -> tuple[Row, ...]:
        """The rows of a family."""
        return tuple(r for r in self.rows if r.family == family)

    def to_json(self) -> dict[str, Any]:
        """The same for machines; what can't be assessed is null."""
        made: dict[str, Any] = plain(dataclasses.asdict(self))
        for into, each in zip(made["rows"], self.rows, strict=True):
            into.update(value=into["value"]["value"], **_bounds(each.value))
            into.update(reached=each.reached, reading=each.reading)
        return made


def _bounds(value: Estimate) -> dict[str, Any]:
    found: dict[str, Any] = plain(dataclasses.asdict(value))
    del found["value"]
    return found


def plain(value: Any) -> Any:
    """JSON types only: NaN and infinity become null."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
