"""Schema files: YAML 1.2 and TOML, includes, what a broken file says."""

import json
import time
from pathlib import Path

import pytest

from dpsynth.data.schema_file import load_schema, save_schema, schema_text
from dpsynth.errors import SchemaError
from dpsynth.schema import Schema

ROOT = Path(__file__).resolve().parents[2]
SMALL = """
name: small
tables:
  people:
    shape: static
    key: pid
    columns:
      drug: {type: category, categories: [No, Yes, 1, 010, ">7", None]}
      day: {type: category, categories: [2020-01-01, 10:30, on]}
"""
TOML = """
name = "small"
[tables.people]
shape = "static"
key = "pid"
[tables.people.columns.age]
type = "number"
bounds = [0, 1e2]
"""


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_yes_no_dates_and_leading_zeros_stay_text(tmp_path):
    columns = load_schema(put(tmp_path, "s.yaml", SMALL)).tables["people"].columns
    assert columns["drug"].categories == ("No", "Yes", "1", "010", ">7", "None")
    assert columns["day"].categories == ("2020-01-01", "10:30", "on")


def test_toml_is_read_too(tmp_path):
    schema = load_schema(put(tmp_path, "s.toml", TOML))
    assert schema.tables["people"].columns["age"].bounds == (0, 100)


@pytest.mark.parametrize("name", ["icu2012", "diabetes130", "randhie"])
def test_a_saved_schema_loads_as_itself(tmp_path, name):
    schema = load_schema(ROOT / f"examples/{name}.yaml")
    assert load_schema(save_schema(schema, tmp_path / "again.yaml")) == schema


@pytest.mark.parametrize("name", ["icu2012", "diabetes130", "randhie"])
@pytest.mark.parametrize("how", [{}, {"exclude_defaults": True}])
def test_a_schema_survives_a_dump_to_json(name, how):
    schema = load_schema(ROOT / f"examples/{name}.yaml")
    assert Schema(**json.loads(json.dumps(schema.model_dump(mode="json", **how)))) == schema


def test_a_single_visit_is_stated_in_a_dump():
    table = {"shape": "visits", "key": "k", "time": {"column": "t"}, "columns": {}}
    schema = Schema(name="n", max_visits=1, tables={"t": table})
    assert Schema(**schema.model_dump(exclude_defaults=True)) == schema


def test_text_that_yaml_would_misread_survives_saving(tmp_path):
    words = ("No", "1e5", "010", "true", "null", "~", "=", "10:30", "-1", "#", "a: b", " x", ".5")
    columns = {"c": {"type": "category", "categories": words}}
    schema = Schema(name="n", tables={"t": {"shape": "static", "key": "k", "columns": columns}})
    path = put(tmp_path, "s.yaml", schema_text(schema))
    assert load_schema(path).tables["t"].columns["c"].categories == words


def test_the_embedded_schema_is_the_example():
    inside = load_schema(ROOT / "dpsynth/data/randhie.yaml")
    assert load_schema(ROOT / "examples/randhie.yaml") == inside


def test_include_puts_tables_together_and_this_file_wins(tmp_path):
    (tmp_path / "parts").mkdir()
    put(tmp_path / "parts", "people.yaml", SMALL)
    more = (
        "include: parts/people.yaml\nname: both\ntables:\n  t: {shape: static, key: k, columns: {}}"
    )
    schema = load_schema(put(tmp_path, "s.yaml", more))
    assert (schema.name, list(schema.tables)) == ("both", ["people", "t"])


def test_a_circle_of_includes_is_refused_by_name(tmp_path):
    put(tmp_path, "a.yaml", "include: b.yaml")
    path = put(tmp_path, "b.yaml", "include: [a.yaml]")
    with pytest.raises(SchemaError, match=r"circle: b\.yaml -> a\.yaml -> b\.yaml"):
        load_schema(path)


def test_a_table_in_two_files_is_refused(tmp_path):
    put(tmp_path, "a.yaml", SMALL)
    with pytest.raises(SchemaError, match=r"tables\.people: stands in"):
        load_schema(put(tmp_path, "b.yaml", "include: a.yaml" + SMALL))


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("s.yaml", "name: x\n  tables: [", "line 2"),
        ("s.yaml", "name: x\nname: y", "line 2: key 'name' stands twice"),
        ("s.yaml", "", "must hold `name:` and `tables:`"),
        ("s.yaml", "- a\n- b", "must hold `name:` and `tables:`"),
        (
            "s.yaml",
            "name: !!python/object/apply:os.system [ls]",
            "could not determine a constructor",
        ),
        ("s.yaml", "include: 3", "include: must be a file's name"),
        ("s.yaml", "include: none.yaml", "none.yaml: there is no such schema file"),
        ("s.toml", "name = ", "s.toml: Invalid value"),
        (
            "s.yaml",
            SMALL.replace("key: pid", "key: FILL IN"),
            "tables.people.key: still to fill in",
        ),
        ("s.yaml", "a: [" * 2000, "s.yaml"),
    ],
)
def test_a_broken_file_says_so_in_one_line(tmp_path, name, text, what):
    with pytest.raises(SchemaError) as caught:
        load_schema(put(tmp_path, name, text))
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_binary_file_say_so(tmp_path):
    with pytest.raises(SchemaError, match="no such schema file"):
        load_schema(tmp_path / "none.yaml")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(SchemaError, match="can't be read as text"):
        load_schema(tmp_path / "b.yaml")


def test_a_bomb_of_aliases_is_refused_fast(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    start = time.process_time()
    with pytest.raises(SchemaError, match="more than"):
        load_schema(put(tmp_path, "s.yaml", "\n".join(lines)))
    assert time.process_time() - start < 5


def test_only_yaml_is_saved(tmp_path):
    schema = load_schema(put(tmp_path, "s.yaml", SMALL))
    with pytest.raises(SchemaError, match=r"saved as \.yaml"):
        save_schema(schema, tmp_path / "s.toml")
