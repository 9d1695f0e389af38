"""What analysts look at, as numbers: gathered where the work is done, drawn by `svg`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CLASSES = 12  # of pictures, at most
Role = Literal["copy", "real", "control"]
Level = Literal["real", "chance", "threshold"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One curve of a plot.

    Attributes:
        name: for the legend.
        role: whose it is: the copy's, real patients', or that of a control.
        x, y: its points, from left to right.
        low, high: 95 % intervals of y over patients, empty where none were taken.
        n: samples behind each point, empty where that says nothing.
    """

    name: str
    role: Role
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    n: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Curves over one pair of axes.

    Attributes:
        name: of a file, unique in a report.
        kind: what it shows.
        title: for the reader.
        across, up: what the axes show.
        log: whether both axes are logarithmic; else they go from 0 to 1.
        lines: the curves.
    """

    name: str
    kind: Literal["roc", "calibration", "membership"]
    title: str
    across: str
    up: str
    log: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class Dose:
    """One model's curve over epsilon.

    Attributes:
        name: for the legend.
        epsilon: ascending; infinite without noise, drawn apart.
        y, low, high: values and 95 % intervals.
    """

    name: str
    epsilon: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Doses:
    """Curves of one measure over epsilon.

    Attributes:
        title: for the reader.
        up: what the axis shows.
        lines: one for each model.
        marks: levels across: what "real" patients reach, what "chance" gives, a "threshold".
    """

    title: str
    up: str
    lines: tuple[Dose, ...]
    marks: tuple[tuple[Level, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Path:
    """One patient's values of one column.

    Attributes:
        time: of each visit.
        value: NaN where missing.
    """

    time: tuple[float, ...]
    value: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Trajectories:
    """One column of a few patients over their visits.

    Attributes:
        name, unit: of the column.
        across: what time is counted in.
        real, synthetic: patients, drawn at random from those with two visits; for every
            column the same ones.
    """

    name: str
    unit: str
    across: str
    real: tuple[Path, ...]
    synthetic: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class Correlations:
    """Rank correlations of all pairs of columns within visits.

    Attributes:
        labels: the columns.
        real, synthetic: square tables; NaN where a column does not vary.
        left_out: columns that would not fit; those that differ least.
    """

    labels: tuple[str, ...]
    real: tuple[tuple[float, ...], ...]
    synthetic: tuple[tuple[float, ...], ...]
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Pictures of one class.

    Attributes:
        name: of the class.
        real, synthetic: PNG files in base64, drawn at random.
    """

    name: str
    real: tuple[str, ...]
    synthetic: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """All of them. In a shareable report the real side is empty everywhere."""

    trajectories: tuple[Trajectories, ...] = ()
    correlations: Correlations | None = None
    plots: tuple[Plot, ...] = ()
    pictures: tuple[Shelf, ...] = ()
