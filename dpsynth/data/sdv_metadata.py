"""Metadata of the Synthetic Data Vault: its JSON to a draft schema, a schema to its JSON.

Read: SINGLE_TABLE_V1, MULTI_TABLE_V1, V1, SINGLE_TABLE_V2 and V2. Written: V2. The library
itself is not needed.

NOTE: SDV's detection writes exact extremes and value lists into V2 (`range_min`, `range_max`,
`range_values`). They are data, so they are left out unless the steward says that they are
public; each is then recorded in `assumed_public`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dpsynth.data.identifiers import names_a_person
from dpsynth.data.sketch import Facts, Sketch, sketch_text, table_name
from dpsynth.errors import DataError
from dpsynth.schema import Column, Kind, Schema, Table

VERSIONS = ("SINGLE_TABLE_V1", "MULTI_TABLE_V1", "V1", "SINGLE_TABLE_V2", "V2")
MOST_BYTES = 20_000_000
SINGLE = "table"


def sdv_metadata(schema: Schema) -> dict[str, Any]:
    """The schema as SDV metadata, version V2; events as the visits that `write` makes of them."""
    tables = {name: _table(table) for name, table in schema.tables.items()}
    parents = [name for name, table in schema.tables.items() if table.shape == "static"]
    relationships = [
        {
            "parent_table_name": parents[0],
            "parent_primary_key": schema.tables[parents[0]].key,
            "child_table_name": name,
            "child_foreign_key": table.key,
        }
        for name, table in schema.tables.items()
        if parents and name != parents[0]
    ]
    return {"tables": tables, "relationships": relationships, "METADATA_SPEC_VERSION": "V2"}


def save_sdv_metadata(schema: Schema, path: str | Path) -> Path:
    """Write the schema as SDV metadata."""
    path = Path(path)
    path.write_text(json.dumps(sdv_metadata(schema), indent=2) + "\n", encoding="utf-8")
    return path


def _table(table: Table) -> dict[str, Any]:
    columns: dict[str, Any] = {table.key: {"sdtype": "id"}}
    out: dict[str, Any] = {"columns": columns}
    if table.time is None:
        out["primary_key"] = table.key
    else:
        dated = table.time.kind == "date"
        columns[table.time.column] = {"sdtype": "datetime" if dated else "numerical"}
        out |= {"sequence_key": table.key, "sequence_index": table.time.column}
    for name, rule in table.columns.items():
        if not rule.identifier:
            columns[rule.source or name] = _column(rule)
    return out


def _column(rule: Column) -> dict[str, Any]:
    out: dict[str, Any] = {"range_is_nullable": rule.missing}
    if rule.type is Kind.BOOLEAN and rule.categories is None:
        return {"sdtype": "boolean", **out}
    if rule.type in (Kind.CATEGORY, Kind.BOOLEAN):
        names = [*(rule.categories or ()), *(["other"] if rule.other else [])]
        return {"sdtype": "categorical", **out, **({"range_values": names} if names else {})}
    if rule.bounds is not None:
        out |= {"range_min": rule.bounds[0], "range_max": rule.bounds[1]}
    if rule.type is Kind.COUNT:
        out["decimal_places"] = 0
    return {"sdtype": "numerical", **out}


def draft_from_sdv(
    path: str | Path, *, assume_public: bool = False, name: str | None = None
) -> str:
    """The text of a schema file to be finished by hand.

    Args:
        path: SDV metadata in JSON.
        assume_public: take the value ranges in it as public facts, and record each.
        name: of the data set; the file's if none.

    Raises:
        DataError: if the file is not SDV metadata of a known version.
    """
    path = Path(path)
    given = _parse(path)
    found = given.get("tables", {SINGLE: given})
    if not isinstance(found, dict) or not all(isinstance(t, dict) for t in found.values()):
        raise DataError(f"{path.name}: `tables` must hold tables by name")
    children = {
        str(each.get("child_table_name")): each.get("child_foreign_key")
        for each in given.get("relationships") or ()
        if isinstance(each, dict)
    }
    places: list[str] = []
    sketches = [
        _sketch(table_name(str(table)), facts, children.get(table), places, assume_public)
        for table, facts in found.items()
    ]
    return sketch_text(name or path.stem, sketches, {"assumed_public": places})


def _parse(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path.name}: larger than {MOST_BYTES:,} bytes; not SDV metadata")
        given = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path.name}: is not readable JSON ({type(error).__name__})") from None
    version = given.get("METADATA_SPEC_VERSION") if isinstance(given, dict) else None
    if version not in VERSIONS:
        raise DataError(
            f"{path.name}: METADATA_SPEC_VERSION must be one of {', '.join(VERSIONS)}, "
            f"got {version!r}"
        )
    return given


def _sketch(
    table: str, given: dict[str, Any], parent_key: Any, places: list[str], assume_public: bool
) -> Sketch:
    columns = given.get("columns")
    if not isinstance(columns, dict) or not all(isinstance(c, dict) for c in columns.values()):
        raise DataError(f"SDV metadata: table {table!r} lacks its columns by name")
    primary, sequence = _one(given.get("primary_key")), _one(given.get("sequence_key"))
    key = sequence or _one(parent_key) or primary
    moving = bool(sequence or (parent_key and _one(parent_key) != primary))
    time = _one(given.get("sequence_index")) if moving else None
    clock = _clock(columns.get(time or "", {}))
    free = {n: c for n, c in columns.items() if n not in (key, time, primary)}
    sketch = Sketch(
        name=table, shape="visits" if moving else "static", key=key or "", time=time, clock=clock
    )
    for name, facts in free.items():
        new, public = _facts(name, facts)
        if assume_public and not new.get("identifier"):
            new |= public
            places += [f"tables.{table}.columns.{name}.{each}" for each in public]
        sketch.columns[name] = new
    return sketch


def _one(key: Any) -> str | None:
    """A key of one column; SDV allows several, we don't."""
    if isinstance(key, list):
        key = key[0] if len(key) == 1 else None
    return str(key) if key is not None else None


def _clock(facts: Facts) -> Facts:
    kinds: dict[str, Facts] = {
        "datetime": {"kind": "date", "unit": "days"},
        "numerical": {"kind": "number"},
        "id": {"kind": "order"},
    }
    clock = dict(kinds.get(str(facts.get("sdtype")), {}))
    if clock.get("kind") == "date" and facts.get("datetime_format"):
        clock["format"] = facts["datetime_format"]
    return clock


def _facts(name: str, given: Facts) -> tuple[Facts, Facts]:
    """What the schema may state, and what was read from values."""
    kind = given.get("sdtype")
    if names_a_person(name) or given.get("pii") or kind not in KINDS:
        return {"identifier": True}, {}  # a person's e-mail, address, ...; ids; full dates
    facts: Facts = {"type": KINDS[kind]} if KINDS[kind] else {}
    public: Facts = {}
    if kind == "numerical":
        whole = str(given.get("computer_representation", "")).lstrip("U").startswith("Int")
        if whole or given.get("decimal_places") == 0:
            facts["type"] = "count"
        low, high = given.get("range_min"), given.get("range_max")
        if isinstance(low, int | float) and isinstance(high, int | float):
            public["bounds"] = [low, high if high > low else low + 1]
    names = given.get("range_values") or given.get("order")
    if isinstance(names, list) and names and facts.get("type") == "category":
        public["categories"] = [_word(each) for each in names]
    if given.get("range_is_nullable") is False:
        public["missing"] = False
    return facts, public


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


KINDS = {
    "numerical": "number",
    "categorical": "category",
    "ordinal": "category",
    "boolean": "boolean",
    "unknown": None,
}
