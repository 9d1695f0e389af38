"""What must hold in a column, a clock or a table; each mistake in one line: value and cure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from dpsynth.schema import Clock, Column, Picture, Table

MINUTES = {"minutes": 1.0, "hours": 60.0, "days": 1440.0, "years": 365.25 * 1440}
UNITS = {"min": 1.0, "h": 60.0, "d": 1440.0, "w": 7 * 1440.0, "y": 365.25 * 1440}
# Names that the canonical records use.
RESERVED = ("patient", "time", "(gap)", "(start)", "(picture)")
ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm")  # of pictures' files
MOST_CODES = 30_000  # tokens are 16-bit


def minutes(duration: str) -> float:
    """Minutes of "30min", "6h", "2d", "1w" or "1y" (365.25 days).

    Raises:
        ValueError: if it is none of these.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(min|h|d|w|y)\s*", duration)
    if match is None or float(match[1]) <= 0:
        raise ValueError(f"must be a duration such as 30min, 6h, 2d, 1w or 1y, got {duration!r}")
    return float(match[1]) * UNITS[match[2]]


def text(given: Any) -> Any:
    """A code written as a number in the file becomes text; true and false are refused."""
    if isinstance(given, bool):
        raise ValueError(f"{str(given).lower()!r} must be put in quotes")
    if isinstance(given, float) and given.is_integer():
        return str(int(given))
    return str(given) if isinstance(given, int | float) else given


def texts(given: Any) -> Any:
    """The same for each of a list."""
    return [text(each) for each in given] if isinstance(given, list | tuple) else given


def _wrong(key: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("schema", "{message}", {"key": key, "message": message})


def _increasing(values: Iterable[float]) -> bool:
    values = list(values)
    return all(map(math.isfinite, values)) and all(a < b for a, b in pairwise(values))


def column(given: Column) -> None:
    """Check one column by itself.

    Raises:
        PydanticCustomError: turned into a `SchemaError` that knows the column's place.
    """
    if given.type in ("number", "count"):
        _numeric(given)
    else:
        _named(given)
    if given.identifier and given.sensitive:
        raise _wrong("sensitive", "an identifier is dropped and can't be audited; choose one")
    if given.tag is not None and not re.fullmatch(r"[A-Z][A-Za-z0-9]*", given.tag):
        raise _wrong("tag", f"must be a DICOM keyword such as PatientSex, got {given.tag!r}")
    if given.formula is not None:
        _computed(given)


def _computed(given: Column) -> None:
    if given.type == "category":
        raise _wrong("formula", "makes a number, a count or a boolean, not a category")
    for key in ("bounds", "bins", "atoms", "private", "sensitive", "identifier", "value", "tag"):
        if getattr(given, key):
            raise _wrong(key, "a column with a formula is computed, not modelled; remove it")


def _numeric(given: Column) -> None:
    for key in ("categories", "groups"):
        if getattr(given, key) is not None:
            raise _wrong(key, f"a {given.type} has bounds, not {key}; remove it")
    if given.bounds is not None and not _increasing(given.bounds):
        raise _wrong(
            "bounds",
            f"must be finite and increasing, got {_pair(given.bounds)}; write [low, high]",
        )
    _bins(given)


def _named(given: Column) -> None:
    for key in ("bounds", "bins", "atoms"):
        if getattr(given, key):
            raise _wrong(key, f"a {given.type} has categories, not {key}; remove it")
    if given.categories is None and given.groups:
        raise _wrong("categories", "missing; list the names that `groups` maps to")
    if given.categories is not None:
        _categories(given)
    takes = ("last", "first") if given.type == "category" else ("last", "first", "count")
    if given.value is not None and given.value not in takes:
        raise _wrong("value", f"a {given.type} takes {' or '.join(takes)}, got {given.value!r}")


def _pair(bounds: Iterable[float]) -> str:
    return "[" + ", ".join(f"{b:g}" for b in bounds) + "]"


def _categories(given: Column) -> None:
    names = given.categories or ()
    if given.type == "boolean" and len(names) != 2:
        raise _wrong("categories", f"a boolean has two (false first), got {len(names)}")
    if not names or any(not name.strip() for name in names):
        raise _wrong("categories", f"must be non-empty names, got {list(names)!r}")
    if len(names) > MOST_CODES:
        raise _wrong("categories", f"at most {MOST_CODES:,}, got {len(names):,}; use `groups`")
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise _wrong("categories", f"must be unique, got {twice[0]!r} twice")
    gone = {str(text(code)) for code in given.missing_values} & set(names)
    if gone:
        raise _wrong("missing_values", f"{min(gone)!r} is a category too; remove one of the two")
    allowed = {*names, "other"} if given.other else {*names}
    for code, name in (given.groups or {}).items():
        if name not in allowed:
            raise _wrong("groups", f"{code!r} maps to {name!r}, which is not among the categories")


def _bins(given: Column) -> None:
    bins = given.bins
    if isinstance(bins, int) and not 1 <= bins <= MOST_CODES:
        raise _wrong("bins", f"must be 1 to {MOST_CODES:,}, got {bins}")
    if isinstance(bins, tuple):
        if not _increasing(bins):
            raise _wrong("bins", f"inner edges must increase, got {_pair(bins)}")
        if given.bounds and bins and not given.bounds[0] < bins[0] <= bins[-1] < given.bounds[1]:
            raise _wrong(
                "bins",
                f"inner edges must lie inside the bounds {_pair(given.bounds)}, got {_pair(bins)}",
            )
    if not all(map(math.isfinite, given.atoms)) or len(set(given.atoms)) < len(given.atoms):
        raise _wrong("atoms", f"must be finite and unique, got {list(given.atoms)!r}")


def clock(given: Clock) -> None:
    """Check a clock: what may carry bins of gaps and starts."""
    for key, bins in (("gap", given.gap), ("start", given.start)):
        if bins is None:
            continue
        if given.kind == "order":
            raise _wrong(key, "an order has no amounts of time; remove it or use kind: number")
        if bins.type not in ("number", "count") or bins.bounds is None:
            raise _wrong(key, "must be a number or count with public bounds")
    if given.start is not None and given.kind == "date":
        raise _wrong("start", "dates start at each patient's first visit; remove it")
    if given.format is not None and given.kind != "date":
        raise _wrong("format", f"only dates have one, not kind: {given.kind}")


def picture(given: Picture) -> None:
    """Check how a picture is framed and where its file may lie."""
    if given.window is not None and not _increasing(given.window):
        raise _wrong("window", f"must be finite and increasing, got {_pair(given.window)}")
    if given.folder.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", given.folder):
        raise _wrong("folder", f"must lie below the table's own folder, got {given.folder!r}")
    if given.suffix and not given.suffix.lower().endswith(ENDINGS):
        raise _wrong("suffix", f"must end in {', '.join(ENDINGS)}, got {given.suffix!r}")
    if re.search(r"[/\\]", given.suffix):
        raise _wrong("suffix", f"is the end of a name, without folders, got {given.suffix!r}")


def table(given: Table) -> None:
    """Check one table: the keys its shape needs, names that are used once."""
    needs = {"static": (), "visits": ("time",), "events": ("time", "code", "every")}[given.shape]
    takes = {"static": (), "visits": ("time",), "events": EVENTS}[given.shape]
    for key in ("time", *EVENTS):
        if key in needs and getattr(given, key) is None:
            raise _wrong(key, f"missing; a table of shape {given.shape} needs it")
        if key not in takes and key != "empty" and getattr(given, key) is not None:
            raise _wrong(key, f"a table of shape {given.shape} has none; remove it")
    for key in ("every", "span"):
        if getattr(given, key) is not None:
            try:
                minutes(getattr(given, key))
            except ValueError as error:
                raise _wrong(key, str(error)) from None
    if given.shape == "events":
        _events(given)
    _pictured(given)
    _names(given)


def _pictured(given: Table) -> None:
    """A picture needs an order, and a tag a picture that may be DICOM."""
    if given.picture is not None and (given.time is None or given.time.kind != "order"):
        raise _wrong("picture", "needs shape: visits and time.kind: order: pictures have no dates")
    dicom = given.picture is not None and given.picture.dicom
    for name, each in given.columns.items():
        if each.tag is not None and not dicom:
            raise _wrong(
                f"columns.{name}.tag", "is of DICOM files; needs a `picture:` with dicom: true"
            )


EVENTS = ("time", "code", "number", "every", "span")


def _events(given: Table) -> None:
    assert given.time is not None
    if given.time.kind == "order":
        raise _wrong("time.kind", "windows need amounts of time; use number or date")
    if given.empty == "keep":
        if given.span is None:
            raise _wrong("span", "missing; `empty: keep` needs the length of the grid, such as 48h")
        if given.time.gap is not None or given.time.start is not None:
            raise _wrong("time.gap", "a regular grid has no gaps or starts; remove it")
    counted = all(c.value == "count" for c in given.modelled.values())
    if given.number is None and not counted:
        raise _wrong("number", "missing; name the value column, or let each column count events")


def _names(given: Table) -> None:
    roles = {"key": given.key, "code": given.code, "number": given.number}
    if given.time is not None:
        roles["time"] = given.time.column
    taken: dict[str, str] = {}
    for role, name in roles.items():
        if name in taken:
            raise _wrong(role, f"{name!r} is also the {taken[name]} column")
        if name in given.ignore:
            raise _wrong("ignore", f"{name!r} is the {role} column and can't be ignored")
        if name is not None:
            taken[name] = role
    for name, each in given.columns.items():
        source = each.source or name
        if source in taken:
            raise _wrong(
                f"columns.{name}", f"{source!r} is the {taken[source]} column; it can't be both"
            )
        taken[source] = name
        _name(name, source, each, given)


def _name(name: str, source: str, each: Column, given: Table) -> None:
    if source in given.ignore:
        raise _wrong("ignore", f"{source!r} is also a column; remove it from one of the two")
    if given.shape == "static" and each.per == "visit":
        raise _wrong(f"columns.{name}.per", "a static table has no visits; remove it")
    if name in RESERVED and not each.identifier:
        raise _wrong(f"columns.{name}", f"the name is taken; choose another, with source: {name}")
