"""A first schema from what files say without their values: column names and storage types."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dpsynth.data import raw
from dpsynth.data.assume import assume
from dpsynth.data.dictionary import read_dictionary
from dpsynth.data.identifiers import names_a_person
from dpsynth.data.picture_draft import beside, of_pictures, sketched
from dpsynth.data.picture_rows import NPZ
from dpsynth.data.sketch import Facts, Sketch, sketch_text, table_name
from dpsynth.errors import DataError

KEYS = re.compile(
    r"(patient|subject|person|participant|pat|stay|record|case|individual|member|lesion)"
    r"(s?_?(id|nbr|nr|no|num|number|key|code))?|pid|empi|.*_?patient_?id"
)
TIMES = re.compile(
    r"(.*_)?(time|datetime|timestamp|charttime|date|visit_?date|encounter_?date|visit|visit_?no|"
    r"visit_?number|year|month|week|day|hour|minute|wave|timepoint|encounter_?id)"
)
CODES = re.compile(r"code|parameter|concept(_id|_code)?|item_?id|measurement|analyte|test(_name)?")
VALUES = re.compile(r"value|numeric_value|value_?num|value_as_number|result|valuenum")
UNITS = {"minute": "minutes", "hour": "hours", "day": "days", "year": "years", "date": "days"}


def draft(
    paths: Sequence[str | Path],
    dictionary: str | Path | None = None,
    *,
    assume_public: bool = False,
    name: str | None = None,
) -> str:
    """The text of a schema file to be finished by hand.

    Args:
        paths: CSV, .csv.gz or Parquet files, or folders of them; an .npz of pictures, or a
            folder of DICOM files.
        dictionary: a data dictionary (CSV or JSON: name, type, unit, min, max, categories).
        assume_public: read bounds, categories and sizes from the values after all, and record
            each under `assumed_public`.
        name: of the data set; the first table's if none.

    Guarantee:
        Without `assume_public` two sets of files with the same names, headers and storage types
        give the same bytes: no value is read.

    Raises:
        DataError: if a file or the dictionary can't be read.
    """
    files = _files(paths)
    facts = read_dictionary(dictionary) if dictionary is not None else {}
    sketches = []
    for table, parts in files.items():
        if of_pictures(parts[0]):
            sketches.append(sketched(table, parts[0]))
            continue
        made = _sketch(table, raw.header(parts[0]), facts)
        sketches.append(_with_pictures(made, parts[0], facts))
    known: dict[str, Any] = {}
    alone = [parts[0].name for parts in files.values() if of_pictures(parts[0])]
    if assume_public and alone:
        raise DataError(f"{alone[0]}: values of pictures are not read; leave --assume-public out")
    if assume_public:
        known = assume(sketches, files)
    elif any(name.lower().endswith(NPZ) for name in alone):
        known = {"max_visits": 1}  # each picture of an .npz counts as a patient
    return sketch_text(name or next(iter(files)), sketches, known)


def _files(paths: Sequence[str | Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for given in map(Path, paths):
        parts = [given]
        if given.is_dir():
            parts = sorted(p for p in given.iterdir() if p.name.lower().endswith(raw.SUFFIXES))
            if not parts:
                parts = sorted(p for p in given.iterdir() if p.name.lower().endswith(NPZ))
            if not parts and of_pictures(given):
                parts = [given]
        for path in parts:
            found.setdefault(table_name(raw.stem(path)), []).append(path)
    if not found:
        raise DataError(
            "there is no data file; give CSV, .csv.gz or Parquet files, an .npz of pictures, or a "
            "folder of DICOM files"
        )
    return found


def _with_pictures(made: Sketch, path: Path, facts: dict[str, Facts]) -> Sketch:
    """The sketch of a table whose rows name pictures that lie beside it, if they do."""
    types = raw.header(path).types
    found = beside([each for each in types if each != made.key], path)
    if found is None:
        return made
    image, picture = found
    rest = [each for each in types if each not in (made.key, image)]
    return Sketch(
        name=made.name,
        shape="visits",
        key=made.key,
        time=image,
        clock={"kind": "order"},
        columns={each: _facts(each, types[each], facts.get(each)) for each in rest},
        picture={**picture, "file": image},
    )


def _sketch(table: str, header: raw.Header, dictionary: dict[str, Facts]) -> Sketch:
    types = header.types
    free = list(types)
    key = _take(free, KEYS)
    code = _take(free, CODES) if any(VALUES.fullmatch(_low(each)) for each in free) else None
    number = _take(free, VALUES) if code else None
    time = _clock(free, types)
    if time is not None:
        free.remove(time)
    shape = "static" if time is None else "events" if code else "visits"
    if shape != "events":
        free = [each for each in types if each not in (key, time)]
        code = number = None
    columns = {each: _facts(each, types[each], dictionary.get(each)) for each in free}
    return Sketch(
        name=table,
        shape=shape,
        key=key or "",
        time=time,
        code=code,
        number=number,
        clock=_clock_facts(time, types[time]) if time else {},
        columns={} if shape == "events" else columns,
    )


def _low(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip()).lower()


def _take(free: list[str], pattern: re.Pattern[str]) -> str | None:
    """The first free column whose name fits, taken."""
    found = next((each for each in free if pattern.fullmatch(_low(each))), None)
    if found is not None:
        free.remove(found)
    return found


def _clock(free: list[str], types: dict[str, str]) -> str | None:
    """The column that looks most like the time of a row; a birth is not."""
    fitting = [each for each in free if TIMES.fullmatch(_low(each)) and not names_a_person(each)]
    return next((each for each in fitting if _dated(types[each])), next(iter(fitting), None))


def _dated(stored: str) -> bool:
    return stored.startswith(("timestamp", "date"))


def _clock_facts(name: str, stored: str) -> Facts:
    word = next((w for w in UNITS if _low(name).endswith(w)), None)
    if _dated(stored):
        return {"kind": "date", "unit": "days"}
    facts: Facts = {"unit": UNITS[word]} if word else {}
    if stored.startswith(("int", "uint", "float", "double")):
        facts = {"kind": "order" if _low(name).endswith("id") else "number", **facts}
    return facts


def _facts(name: str, stored: str, told: Facts | None) -> Facts:
    """What a column's name, storage type and dictionary say."""
    if names_a_person(name) or (told is None and (_dated(stored) or _day(name))):
        return {"identifier": True}  # full dates identify, says HIPAA
    kinds = {
        ("float", "double", "halffloat", "decimal"): "number",
        ("int", "uint"): "count",
        ("bool",): "boolean",
        ("string", "large_string", "dictionary", "utf8", "large_utf8"): "category",
    }
    kind = next((kind for words, kind in kinds.items() if stored.startswith(words)), None)
    return {**({"type": kind} if kind else {}), **(told or {})}


def _day(name: str) -> bool:
    return re.fullmatch(r"(.*_)?dates?(_.*)?", _low(name)) is not None
