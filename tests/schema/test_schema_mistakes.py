"""Every mistake in a schema is one clear line: place, value, cure."""

import copy
from typing import Any

import pytest

from dpsynth.errors import SchemaError
from dpsynth.schema import Column, Kind, Schema
from dpsynth.schema_checks import minutes

VISITS = {
    "name": "clinic",
    "max_visits": 4,
    "tables": {
        "people": {
            "shape": "static",
            "key": "pid",
            "columns": {"age": {"type": "number", "bounds": [0, 100]}, "sex": {"type": "boolean"}},
        },
        "visits": {
            "shape": "visits",
            "key": "pid",
            "time": {"column": "day"},
            "columns": {
                "hr": {"type": "number", "bounds": [20, 250], "bins": [60, 100]},
                "ward": {"type": "category", "categories": ["a", "b"]},
            },
        },
    },
    "label": {"column": "sex", "positive": "true"},
}
EVENTS = {
    "name": "icu",
    "tables": {
        "events": {
            "shape": "events",
            "key": "pid",
            "time": {"column": "t", "unit": "minutes"},
            "code": "code",
            "number": "value",
            "every": "6h",
            "span": "48h",
            "empty": "keep",
            "columns": {"HR": {"type": "number", "bounds": [20, 250]}},
        }
    },
}
GONE = object()


def changed(base: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    whole = copy.deepcopy(base)
    *path, last = place.split("/")
    node = whole
    for key in path:
        node = node[key]
    if value is GONE:
        del node[last]
    else:
        node[last] = value
    return whole


AGE, HR, WARD = (
    "tables/people/columns/age",
    "tables/visits/columns/hr",
    "tables/visits/columns/ward",
)
MISTAKES = [
    (VISITS, f"{AGE}/bounds", [9, 1], "tables.people.columns.age.bounds", "increasing, got [9, 1]"),
    (VISITS, f"{AGE}/bounds", [0, float("inf")], "age.bounds", "finite"),
    (VISITS, f"{AGE}/bounds", [0, float("nan")], "age.bounds", "finite"),
    (VISITS, f"{AGE}/bounds", [1], "age.bounds", "two numbers [low, high], got [1]"),
    (VISITS, f"{AGE}/bounds", "wide", "age.bounds", "two numbers [low, high], got 'wide'"),
    (VISITS, f"{AGE}/bounds", GONE, "tables.people.columns.age.bounds: missing", "private: true"),
    (VISITS, f"{AGE}/bounds", "FILL IN", "tables.people.columns.age.bounds", "still to fill in"),
    (VISITS, f"{AGE}/bouds", [0, 1], "tables.people.columns.age.bouds", "did you mean 'bounds'?"),
    (VISITS, f"{AGE}/type", "int", "age.type", "number, count, category or boolean, got 'int'"),
    (VISITS, f"{AGE}/categories", ["x"], "age.categories", "has bounds, not categories"),
    (VISITS, f"{AGE}/per", "visit", "tables.people.columns.age.per", "no visits"),
    (VISITS, f"{AGE}/atoms", [0, 0], "age.atoms", "unique"),
    (VISITS, f"{HR}/bins", [100, 60], "tables.visits.columns.hr.bins", "increase, got [100, 60]"),
    (VISITS, f"{HR}/bins", [10, 60], "hr.bins", "inside the bounds [20, 250], got [10, 60]"),
    (VISITS, f"{HR}/bins", 0, "hr.bins", "must be 1 to"),
    (VISITS, f"{WARD}/categories", [], "ward.categories", "non-empty"),
    (VISITS, f"{WARD}/categories", ["a", " "], "ward.categories", "non-empty"),
    (VISITS, f"{WARD}/categories", ["a", "b", "a"], "ward.categories", "unique, got 'a' twice"),
    (VISITS, f"{WARD}/categories", ["a", True], "ward.categories", "list of names"),
    (VISITS, f"{WARD}/categories", GONE, "ward.categories: missing", "private: true"),
    (VISITS, f"{WARD}/missing_values", ["b"], "ward.missing_values", "'b' is a category too"),
    (VISITS, f"{WARD}/groups", {"1-9": "c"}, "ward.groups", "'c', which is not among"),
    (VISITS, f"{WARD}/bounds", [0, 1], "ward.bounds", "has categories, not bounds"),
    (VISITS, f"{WARD}/value", "mean", "ward.value", "last or first, got 'mean'"),
    (VISITS, "tables/visits/time", GONE, "tables.visits.time", "shape visits needs it"),
    (VISITS, "tables/visits/every", "6h", "tables.visits.every", "has none; remove it"),
    (VISITS, "tables/visits/columns/pid", {"type": "boolean"}, "visits.columns.pid", "is the key"),
    (VISITS, "tables/visits/columns/day", {"type": "boolean"}, "visits.columns.day", "is the time"),
    (VISITS, "tables/visits/columns/time", {"type": "boolean"}, "visits.columns.time", "taken"),
    (VISITS, "tables/visits/columns/age", {"type": "boolean"}, "'age'", "two tables; rename one"),
    (VISITS, "tables/visits/ignore", ["hr"], "tables.visits.ignore", "'hr' is also a column"),
    (VISITS, "tables/visits/ignore", ["pid"], "tables.visits.ignore", "key column"),
    (VISITS, "tables/visits/time/kind", "clock", "tables.visits.time.kind", "'number', 'date'"),
    (
        VISITS,
        "tables/visits/time",
        {"column": "day", "kind": "order", "gap": {"type": "number", "bounds": [0, 9]}},
        "tables.visits.time.gap",
        "no amounts of time",
    ),
    (VISITS, "tables/visits/time/format", "%Y", "tables.visits.time.format", "only dates"),
    (VISITS, "max_visits", GONE, "max_visits: missing", "how many visits"),
    (VISITS, "max_visits", 0, "max_visits", "above 0, got 0"),
    (VISITS, "population", 0, "population", "above 0, or private, or absent, got 0"),
    (VISITS, "population", True, "population", "above 0, or private, or absent, got True"),
    (VISITS, "population", "many", "population", "got 'many'"),
    (VISITS, "tables", {}, "tables", "at least one table"),
    (VISITS, "name", GONE, "name", "missing"),
    (VISITS, "version", 2, "version", "must be 1, got 2"),
    (VISITS, "label", {"column": "sx", "positive": "true"}, "label.column", "did you mean 'sex'?"),
    (VISITS, "label", {"column": "sex"}, "label", "either `positive`"),
    (VISITS, "label", {"column": "sex", "positive": "1"}, "label.positive", "false, true, got '1'"),
    (VISITS, "label", {"column": "sex", "above": 1}, "label.above", "is a boolean"),
    (VISITS, "label", {"column": "hr", "positive": "x"}, "label.positive", "use `above`"),
    (VISITS, "survival", {"time": "age", "event": "sx"}, "survival.event", "did you mean 'sex'?"),
    (VISITS, "survival", {"time": "age"}, "survival.event", "missing"),
    (
        VISITS,
        "survival",
        {"time": "age", "event": "sex", "evnt": "sex"},
        "survival.evnt",
        "did you mean 'event'?",
    ),
    (VISITS, "survival", {"time": "sex", "event": "sex"}, "survival.time", "use a number"),
    (VISITS, "survival", {"time": "age", "event": "age"}, "survival.event", "use a boolean"),
    (VISITS, "survival", {"time": "hr", "event": "sex"}, "survival.time", "is of the visit"),
    (EVENTS, "tables/events/span", GONE, "tables.events.span", "`empty: keep` needs"),
    (EVENTS, "tables/events/span", "2 days", "tables.events.span", "30min, 6h, 2d, 1w or 1y"),
    (EVENTS, "tables/events/every", "0h", "tables.events.every", "must be a duration"),
    (EVENTS, "tables/events/every", GONE, "tables.events.every", "shape events needs it"),
    (EVENTS, "tables/events/code", GONE, "tables.events.code", "shape events needs it"),
    (EVENTS, "tables/events/number", GONE, "tables.events.number", "name the value column"),
    (EVENTS, "tables/events/code", "pid", "tables.events.code", "is also the key column"),
    (EVENTS, "max_visits", 5, "max_visits", "has 8 windows (48h / 6h)"),
    (EVENTS, "tables/events/time/kind", "order", "tables.events.time.kind", "number or date"),
]  # fmt: skip


@pytest.mark.parametrize(("base", "place", "value", "where", "what"), MISTAKES)
def test_a_mistake_is_one_line_with_its_place_and_cure(base, place, value, where, what):
    with pytest.raises(SchemaError) as caught:
        Schema(**changed(base, place, value))
    line = str(caught.value)
    assert "\n" not in line
    assert where in line
    assert what in line


def test_the_unchanged_schemas_are_fine():
    assert Schema(**VISITS).max_visits == 4
    assert Schema(**EVENTS).max_visits == 8  # 48h / 6h


def test_several_mistakes_are_counted():
    wrong = changed(changed(VISITS, f"{AGE}/type", "x"), "max_visits", -1)
    with pytest.raises(SchemaError, match=r"\(and 1 more mistakes\)"):
        Schema(**wrong)


def test_an_identifier_needs_no_domain_and_cannot_be_audited():
    Schema(**changed(VISITS, AGE, {"type": "number", "identifier": True}))
    with pytest.raises(SchemaError, match=r"age\.sensitive"):
        Schema(**changed(VISITS, AGE, {"type": "number", "identifier": True, "sensitive": True}))


def test_a_table_name_cannot_leave_the_folder():
    wrong = copy.deepcopy(VISITS)
    wrong["tables"]["../../etc"] = wrong["tables"].pop("people")
    with pytest.raises(SchemaError, match="file's stem"):
        Schema(**wrong)


def test_tables_whose_visits_are_joined_must_agree_on_time():
    wrong = copy.deepcopy(VISITS)
    wrong["tables"]["drugs"] = copy.deepcopy(wrong["tables"]["visits"])
    wrong["tables"]["drugs"]["columns"] = {}
    wrong["tables"]["drugs"]["time"]["unit"] = "hours"
    with pytest.raises(SchemaError, match=r"tables\.drugs\.time\.unit"):
        Schema(**wrong)


def test_durations():
    hand = {"30min": 30, "6h": 360, "2d": 2880, "1w": 10080, "1y": 365.25 * 1440, "1.5h": 90}
    assert {text: minutes(text) for text in hand} == hand


def test_codes_written_as_numbers_are_text():
    column = Column(type=Kind.CATEGORY, categories=(1, 2.0, 2.5))  # type: ignore[arg-type]
    assert column.categories == ("1", "2", "2.5")


def test_a_window_is_in_the_clocks_unit():
    table = Schema(**EVENTS).tables["events"]
    assert (table.window, table.windows) == (360, 8)


def test_a_time_until_an_event_is_declared_and_starts_at_0():
    declared = {"time": "age", "event": "sex"}
    assert Schema(**changed(VISITS, "survival", declared)).survival.event == "sex"
    below = changed(changed(VISITS, f"{AGE}/bounds", [-1, 9]), "survival", declared)
    with pytest.raises(SchemaError, match=r"survival\.time: 'age' may be -1; .*mend its bounds"):
        Schema(**below)
