"""Rules and formulas are a small language: what it holds is checked, what it doesn't is refused."""

import copy
from typing import Any

import pytest

from dpsynth import schema_rules
from dpsynth.data.schema_file import load_schema, save_schema
from dpsynth.errors import SchemaError
from dpsynth.schema import Schema

WARD = {
    "name": "ward",
    "max_visits": 4,
    "tables": {
        "people": {
            "shape": "static",
            "key": "pid",
            "columns": {
                "onset": {"type": "number", "bounds": [0, 100]},
                "sex": {"type": "category", "categories": ["f", "m"]},
                "name": {"type": "category", "identifier": True},
            },
        },
        "visits": {
            "shape": "visits",
            "key": "pid",
            "time": {"column": "day"},
            "columns": {
                "age": {"type": "number", "bounds": [0, 110]},
                "body weight": {"type": "number", "bounds": [30, 200]},
                "height": {"type": "number", "bounds": [1, 2]},
                "dead": {"type": "boolean"},
                "ward": {"type": "category", "categories": [1, 2], "other": True},
                "drug": {"type": "category", "private": True},
                "bmi": {"type": "number", "formula": "`body weight` / (height * height)"},
                "adult": {"type": "boolean", "formula": "age >= 18"},
            },
        },
    },
}
GRID = {
    "name": "grid",
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


def ward(rules: list[Any], **columns: Any) -> Schema:
    whole: dict[str, Any] = copy.deepcopy(WARD)
    whole["tables"]["visits"]["columns"] |= columns
    return Schema(**whole, rules=rules)


@pytest.mark.parametrize(
    ("rule", "kind", "names"),
    [
        ("age never falls", "never falls", ("age",)),
        ("  `body weight`   never   rises ", "never rises", ("body weight",)),
        ("dead never falls", "never falls", ("dead",)),
        (" no  visit after drug == 'two  spaces'", "last", ("drug",)),
        ("bmi never falls", "never falls", ("bmi",)),
        ("no visit after dead == true", "last", ("dead",)),
        ('no visit after ward != "other"', "last", ("ward",)),
        ("onset <= age", "always", ("onset", "age")),
        ("0 <= onset < age + 1", "always", ("onset", "age")),
        ("bmi < 2 * -(-height) / 1e-3", "always", ("bmi", "height")),
        ("ward == 2", "always", ("ward",)),
        ("'anything' != drug", "always", ("drug",)),
        ("ward == sex", "always", ("ward", "sex")),
        ("adult == false", "always", ("adult",)),
    ],
)
def test_what_a_rule_may_say(rule, kind, names):
    ward([rule])
    found = schema_rules.rule(rule)
    assert (found.kind, found.expression.names) == (kind, names)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("agee never falls", "no column 'agee'; did you mean 'age'?"),
        ("name never falls", "no column 'name'"),
        ("onset never falls", "names no column of a visit"),
        ("ward never falls", "neither falls nor rises"),
        ("age + 1 never falls", "`COLUMN never falls`"),
        ("age", "`COLUMN never falls`"),
        ("age + onset", "`COLUMN never falls`"),
        ("no visit after dead", "`COLUMN never falls`"),
        ("no visit after onset > 3", "names no column of a visit"),
        ("body weight never falls", "can't be read"),
        ("dead == 1", "one of false, true, got '1'"),
        ("ward == 3", "one of 1, 2, got '3'"),
        ("sex < 'm'", "compared by == or !="),
        ("sex == age", "can't be compared with a number"),
        ("sex + 1 == 'm'", "'sex' is a category, not a number"),
        ("age < 'old'", "'old' is text"),
        ("age < sex + 1", "is a category, not a number"),
        ("1 < 2", "names no column"),
        ("age < 1e999", "numbers must be below"),
        ("age < 3j", "got Constant"),
        ("age < 2 ** 3", "got BinOp"),
        ("age < 2 and age > 1", "got BoolOp"),
        ("not age < 2", "got UnaryOp"),
        ("age in (1, 2)", "got Compare"),
        ("(age < 2) < 3", "got Compare"),
        ("age is 2", "got Compare"),
        ("age < max(onset, 1)", "got Call"),
        ("age < (lambda: 1)()", "got Call"),
        ("age < __import__('os').getpid()", "got Call"),
        ("age < onset.real", "got Attribute"),
        ("age < [1][0]", "got Subscript"),
        ("age < (x := 1)", "got NamedExpr"),
        ("age < f'{onset}'", "got JoinedStr"),
        ("age <", "can't be read"),
        ("age < 1; onset < 1", "can't be read"),
        ("age < '\\d'", "can't be read"),
        ("age < \0", "can't be read"),
        ("", "can't be read"),
        ("age < " + "(" * 250, "can't be read"),
        ("age < " + "-" * 400 + "1", "at most 300 letters"),
        (7, "rules: must be a list of lines of text, got [7]"),
        ("FILL IN", "still to fill in"),
    ],
)
def test_a_mistake_in_a_rule_is_one_line_with_its_place(rule, told):
    with pytest.raises(SchemaError) as caught:
        ward([rule])
    line = str(caught.value)
    assert "\n" not in line and line.startswith("rules") and told in line


def test_a_rule_runs_no_code(monkeypatch):
    ran = []
    monkeypatch.setattr("builtins.eval", lambda *given: ran.append(given))
    monkeypatch.setattr("builtins.exec", lambda *given: ran.append(given))
    with pytest.raises(SchemaError):
        ward(["age < [x for x in ().__class__.__bases__][0]"])
    ward(["age < onset"])
    assert not ran


def test_rules_must_be_a_list():
    with pytest.raises(SchemaError, match=r"rules: must be a list of lines of text, got 'age <"):
        Schema(**copy.deepcopy(WARD), rules="age < 2")


def test_on_a_grid_there_is_no_last_visit():
    Schema(**GRID, rules=["HR never falls"])
    with pytest.raises(SchemaError, match=r"rules\.0: every patient has each window"):
        Schema(**GRID, rules=["no visit after HR > 200"])


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ({"type": "number", "formula": "age / nothing"}, "x.formula: there is no column 'nothing'"),
        ({"type": "number", "formula": "bmi * 2"}, "'bmi' is computed itself"),
        ({"type": "number", "formula": "x + 1"}, "'x' is computed itself"),
        ({"type": "number", "formula": "age > 2"}, "a comparison makes a boolean"),
        ({"type": "boolean", "formula": "age + 2"}, "a comparison makes a boolean"),
        ({"type": "number", "formula": "1 + 2"}, "names no column"),
        ({"type": "number", "formula": "sex + 2"}, "is a category, not a number"),
        ({"type": "number", "formula": "age; 2"}, "can't be read"),
        ({"type": "number", "formula": "age * 2", "per": "patient"}, "'age' of a visit"),
        ({"type": "category", "formula": "age * 2"}, "x.formula: makes a number"),
        ({"type": "number", "formula": "age * 2", "bounds": [0, 1]}, "x.bounds: a column with"),
        ({"type": "number", "formula": "age * 2", "private": True}, "x.private: a column with"),
        ({"type": "boolean", "formula": "age > 2", "sensitive": True}, "x.sensitive: a column"),
    ],
)
def test_a_mistake_in_a_formula_is_one_line_with_its_place(column, told):
    with pytest.raises(SchemaError) as caught:
        ward([], x=column)
    line = str(caught.value)
    assert "\n" not in line and told in line and "tables.visits.columns.x" in line


def test_a_computed_column_is_not_modelled_and_can_be_no_label():
    schema = ward([])
    assert "bmi" not in schema.columns("visit")
    assert "body weight" in schema.columns("visit")
    with pytest.raises(SchemaError, match=r"label\.column: there is no column 'bmi'"):
        Schema(**copy.deepcopy(WARD), label={"column": "bmi", "above": 30})


def test_a_computed_column_has_a_name_of_its_own():
    whole: dict[str, Any] = copy.deepcopy(WARD)
    whole["tables"]["people"]["columns"]["bmi"] = {"type": "number", "bounds": [0, 1]}
    with pytest.raises(SchemaError, match="'bmi' stands in two tables"):
        Schema(**whole)


def test_rules_and_formulas_survive_a_file(tmp_path):
    schema = ward(["age never falls", 'no visit after ward == "2"', "`body weight` > height"])
    assert load_schema(save_schema(schema, tmp_path / "s.yaml")) == schema
