"""SDV metadata: what we write it accepts; what it detects in values we do not take as public."""

import json
import warnings

import pytest

from dpsynth.data.schema_file import load_schema
from dpsynth.data.sdv_metadata import draft_from_sdv, save_sdv_metadata, sdv_metadata
from dpsynth.errors import DataError
from dpsynth.schema import Schema

SCHEMA = Schema(
    name="clinic",
    max_visits=5,
    tables={
        "people": {
            "shape": "static",
            "key": "pid",
            "columns": {
                "sex": {"type": "boolean", "missing": False},
                "race": {"type": "category", "categories": ["a", "b"], "other": True},
                "name": {"type": "category", "identifier": True},
            },
        },
        "visits": {
            "shape": "visits",
            "key": "who",
            "time": {"column": "day", "kind": "date"},
            "columns": {
                "hr": {"type": "number", "bounds": [20, 250], "source": "heart rate"},
                "n": {"type": "count", "bounds": [0, 9]},
                "free": {"type": "number", "private": True},
            },
        },
    },
)
V2 = {
    "tables": {
        "people": {
            "primary_key": "pid",
            "columns": {
                "pid": {"sdtype": "id"},
                "age": {"sdtype": "numerical", "range_min": 7.25, "range_max": 93.5},
                "race": {
                    "sdtype": "categorical",
                    "range_values": ["x", "y"],
                    "range_is_nullable": False,
                },
                "mail": {"sdtype": "email", "pii": True},
            },
        },
        "visits": {
            "sequence_key": "pid",
            "sequence_index": "day",
            "columns": {
                "pid": {"sdtype": "id"},
                "day": {
                    "sdtype": "datetime",
                    "datetime_format": "%Y-%m-%d",
                    "range_min": "2001-02-03",
                },
                "n": {"sdtype": "numerical", "decimal_places": 0, "range_min": 3, "range_max": 3},
                "b": {"sdtype": "boolean"},
                "odd": {"sdtype": "unknown"},
            },
        },
    },
    "relationships": [
        {
            "parent_table_name": "people",
            "child_table_name": "visits",
            "parent_primary_key": "pid",
            "child_foreign_key": "pid",
        }
    ],
    "METADATA_SPEC_VERSION": "V2",
}


def test_a_schema_becomes_v2():
    found = sdv_metadata(SCHEMA)
    assert found["METADATA_SPEC_VERSION"] == "V2"
    people, visits = found["tables"]["people"], found["tables"]["visits"]
    assert people["primary_key"] == "pid"
    assert people["columns"] == {
        "pid": {"sdtype": "id"},
        "sex": {"sdtype": "boolean", "range_is_nullable": False},
        "race": {
            "sdtype": "categorical",
            "range_is_nullable": True,
            "range_values": ["a", "b", "other"],
        },
    }
    assert (visits["sequence_key"], visits["sequence_index"]) == ("who", "day")
    assert visits["columns"]["heart rate"]["range_max"] == 250
    assert visits["columns"]["n"]["decimal_places"] == 0
    assert "range_min" not in visits["columns"]["free"]
    assert found["relationships"][0]["child_foreign_key"] == "who"


@pytest.mark.filterwarnings("ignore")
def test_sdv_accepts_what_we_write(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sdv = pytest.importorskip("sdv.metadata")
        path = save_sdv_metadata(SCHEMA, tmp_path / "m.json")
        metadata = sdv.Metadata.load_from_json(path)
        metadata.validate()
    assert metadata.to_dict()["tables"]["visits"]["sequence_key"] == "who"


@pytest.mark.filterwarnings("ignore")
def test_we_read_what_sdv_detects_without_its_extremes(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sdv = pytest.importorskip("sdv.metadata")
        import pandas as pd

        ages = pd.DataFrame({"pid": range(9), "age": [20.125 + i for i in range(9)]})
        metadata = sdv.Metadata.detect_from_dataframes({"people": ages})
        metadata.save_to_json(tmp_path / "m.json")
    assert "28.125" in (tmp_path / "m.json").read_text()  # the exact largest value
    assert "28.125" not in draft_from_sdv(tmp_path / "m.json")


def test_ranges_of_v2_are_blanks_unless_public(put):
    path = put("m.json", json.dumps(V2))
    lines = draft_from_sdv(path).splitlines()
    for line in (
        "    key: pid",
        "      age: {type: number, bounds: FILL IN}",
        "      race: {type: category, categories: FILL IN}",
        "      mail: {type: category, identifier: true}",
        "      n: {type: count, bounds: FILL IN}",
        "      b: {type: boolean}",
        "      odd: {type: FILL IN}",
    ):
        assert line in lines
    text = "\n".join(lines)
    assert not any(value in text for value in ("7.25", "93.5", "2001", "assumed_public:"))
    assert "column: visit" not in text
    assert "kind: date" in text


def test_ranges_taken_as_public_are_recorded(put):
    text = draft_from_sdv(put("m.json", json.dumps(V2)), assume_public=True)
    text = text.replace("odd: {type: FILL IN}", "odd: {type: boolean}")
    text = text.replace("population: FILL IN", "population: 10").replace("FILL IN", "3")
    schema = load_schema(put("s.yaml", text.replace("gap: {type: number, bounds: 3}", "gap: null")))
    assert schema.tables["people"].columns["age"].bounds == (7.25, 93.5)
    assert schema.tables["visits"].columns["n"].bounds == (3, 4)
    assert not schema.tables["people"].columns["race"].missing
    assert set(schema.assumed_public) == {
        "tables.people.columns.age.bounds",
        "tables.people.columns.race.categories",
        "tables.people.columns.race.missing",
        "tables.visits.columns.n.bounds",
    }


@pytest.mark.parametrize("version", ["SINGLE_TABLE_V1", "MULTI_TABLE_V1", "V1", "SINGLE_TABLE_V2"])
def test_older_versions_are_read(put, version):
    table = {
        "primary_key": "id",
        "columns": {
            "id": {"sdtype": "id", "regex_format": "[0-9]+"},
            "n": {"sdtype": "numerical", "computer_representation": "Int64"},
            "x": {"sdtype": "numerical", "computer_representation": "Float"},
            "stage": {"sdtype": "categorical", "order": ["I", "II"]},
            "born": {"sdtype": "datetime", "datetime_format": "%Y"},
            "ssn": {"sdtype": "ssn", "pii": True},
        },
    }
    whole = {"tables": {"people": table}, "relationships": []} if "SINGLE" not in version else table
    path = put("m.json", json.dumps({**whole, "METADATA_SPEC_VERSION": version}))
    lines = draft_from_sdv(path).splitlines()
    for line in (
        "    shape: static # static, visits or events",
        "    key: id",
        "      n: {type: count, bounds: FILL IN}",
        "      x: {type: number, bounds: FILL IN}",
        "      stage: {type: category, categories: FILL IN}",
        "      born: {type: category, identifier: true}",  # full dates identify
        "      ssn: {type: category, identifier: true}",
    ):
        assert line in lines


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "not readable JSON"),
        ("[]", "METADATA_SPEC_VERSION must be one of"),
        ('{"METADATA_SPEC_VERSION": "V9"}', "got 'V9'"),
        ('{"METADATA_SPEC_VERSION": "V2", "tables": []}', "tables by name"),
        ('{"METADATA_SPEC_VERSION": "V2", "tables": {"a": {}}}', "lacks its columns"),
    ],
)
def test_a_foreign_file_is_one_line(put, text, what):
    with pytest.raises(DataError) as caught:
        draft_from_sdv(put("m.json", text))
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(DataError, match="not readable JSON"):
        draft_from_sdv(tmp_path / "none.json")
