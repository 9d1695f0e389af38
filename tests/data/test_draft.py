"""A draft looks at names and storage types; at values only when told to, and it says so."""

import json

import numpy as np
import pandas as pd
import pytest

from dpsynth.data.draft import draft
from dpsynth.data.reader import read
from dpsynth.data.schema_file import load_schema
from dpsynth.errors import DataError, SchemaError

FRAME = pd.DataFrame(
    {
        "patient_id": [1, 1, 2],
        "visit_date": pd.to_datetime(["2020-01-01", "2020-01-11", "2020-02-01"]),
        "age": [5.5, 6.5, 80.0],
        "visits_before": [0, 12, 3],
        "ward": ["a", "b", "a"],
        "dead": [False, True, False],
        "discharge_date": pd.to_datetime(["2020-01-02", "2020-01-12", "2020-02-02"]),
        "Last Name": ["Doe", "Doe", "Roe"],
        "time": [0.1, 0.2, 0.3],
    }
)
MANY = pd.concat([FRAME.iloc[[2]]] * 9).assign(patient_id=99, age=-1e9, ward="ZZ", dead=True)


def test_two_files_of_one_header_give_the_same_bytes(put):
    for ending in ("csv", "parquet"):
        texts = {
            draft([put(f"{side}/clinic.{ending}", frame)])
            for side, frame in (("a", FRAME), ("b", MANY))
        }
        assert len(texts) == 1, ending
    header = ",".join(FRAME.columns)
    assert draft([put("c/clinic.csv", header)]) == draft([put("d/clinic.csv", FRAME)])


def test_no_value_stands_in_a_draft(put):
    text = draft([put("clinic.parquet", FRAME)]).replace("[a, b, c] of a category", "")
    for value in ("5.5", "80", "Doe", "2020", "[a", "12"):
        assert value not in text


def test_storage_types_and_names_are_used(put):
    text = draft([put("clinic.parquet", FRAME)])
    for line in (
        "    shape: visits # static, visits or events",
        "    key: patient_id",
        "    time: {column: visit_date, kind: date, unit: days, "
        "gap: {type: number, bounds: FILL IN}}",
        "      age: {type: number, bounds: FILL IN}",
        "      visits_before: {type: count, bounds: FILL IN}",
        "      ward: {type: category, categories: FILL IN}",
        "      dead: {type: boolean}",
        "      discharge_date: {type: category, identifier: true}",  # a full date
        "      Last Name: {type: category, identifier: true}",
        "      time_clinic: {type: number, bounds: FILL IN, source: time}",  # the name is taken
    ):
        assert line in text.splitlines()


def test_csv_has_no_types_so_each_is_a_blank(put):
    text = draft([put("clinic.csv", FRAME)])
    assert "      ward: {type: FILL IN}" in text.splitlines()
    assert "      Last Name: {type: category, identifier: true}" in text.splitlines()


def test_loading_an_unfinished_draft_names_the_next_blank(put):
    text = draft([put("clinic.parquet", FRAME)])
    with pytest.raises(SchemaError, match="population: still to fill in"):
        load_schema(put("s.yaml", text))
    text = text.replace("population: FILL IN", "population: private")
    text = text.replace("max_visits: FILL IN", "max_visits: 5").replace(
        "bounds: FILL IN", "bounds: [0, 1]"
    )
    with pytest.raises(SchemaError, match=r"tables\.clinic\.columns\.ward\.categories: still"):
        load_schema(put("s.yaml", text))
    done = put("s.yaml", text.replace("categories: FILL IN", "categories: [a]"))
    assert len(read([put("clinic.parquet", FRAME)], load_schema(done))[0]) == 2


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_a_data_dictionary_fills_blanks(put, ending):
    rows = [
        {"name": "age", "type": "float", "unit": "years", "min": 0, "max": 120},
        {"name": "ward", "type": "Text", "categories": "a|b|c"},
        {"name": "time", "description": "of day"},
    ]
    book = pd.DataFrame(rows) if ending == "csv" else json.dumps(rows)
    lines = draft([put("clinic.csv", FRAME)], put(f"book.{ending}", book)).splitlines()
    assert "      age: {type: number, unit: years, bounds: [0.0, 120.0]}" in lines
    assert "      ward: {type: category, categories: [a, b, c]}" in lines


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("b.csv", "column,type\nage,int\n", "needs a column `name`"),
        ("b.csv", "name,type\nage,quux\n", "age: type must be one of"),
        ("b.csv", "name,min,max\nage,low,3\n", "age: min must be a number, got 'low'"),
        ("b.csv", "name,type\n,int\n", "has no name"),
        ("b.json", "{", "not readable JSON"),
        ("b.json", "[1]", "a list of columns"),
    ],
)
def test_a_broken_dictionary_is_one_line(put, name, text, what):
    with pytest.raises(DataError) as caught:
        draft([put("clinic.csv", FRAME)], put(name, text))
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_event_stream_is_recognised_and_its_codes_are_not_listed(put):
    frame = pd.DataFrame(
        {
            "subject_id": [1],
            "time": pd.to_datetime(["2020-01-01"]),
            "code": ["HR"],
            "numeric_value": [1.0],
        }
    )
    text = draft([put("data.parquet", frame)])
    for line in (
        "    shape: events # static, visits or events",
        "    code: code",
        "    number: numeric_value",
    ):
        assert line in text.splitlines()
    assert "HR" not in text
    with pytest.raises(SchemaError, match="still to fill in"):
        load_schema(put("s.yaml", text))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_assume_public_reads_values_and_records_each(put, ending):
    path = put(f"clinic.{ending}", FRAME)
    schema = load_schema(put("s.yaml", draft([path], assume_public=True)))
    columns = schema.tables["clinic"].columns
    assert columns["age"].bounds == (5.5, 80)
    assert columns["ward"].categories == ("a", "b")
    assert (schema.population, schema.max_visits) == (2, 2)
    assert schema.tables["clinic"].time.gap.bounds == (0, 10)
    facts = {f"tables.clinic.columns.{at}" for at in ("age.bounds", "ward.categories")}
    facts |= {"population", "max_visits", "tables.clinic.time.gap.bounds"}
    assert facts <= set(schema.assumed_public)
    records, notes = read([path], schema)
    assert len(records) == 2
    assert not notes.counts


def test_assume_public_lists_codes_of_events(put):
    frame = pd.DataFrame({"pid": [1, 1, 2], "minute": [1, 2, 3], "code": ["B", "A", "A"]})
    frame["value"] = [np.nan, 3.0, 7.0]
    text = draft([put("e.csv", frame)], assume_public=True)
    assert "      A: {type: number, bounds: [3.0, 7.0]}" in text.splitlines()
    assert "      B: {type: count, value: count, bounds: [0, 100]}" in text.splitlines()
    assert "  - tables.e.columns.A" in text.splitlines()


def test_nothing_assumed_is_nothing_recorded(put):
    assert "assumed_public:" not in draft([put("clinic.parquet", FRAME)])


def test_a_folder_without_data_is_one_line(put):
    with pytest.raises(DataError, match="there is no data file"):
        draft([put("d/readme.txt", "x").parent])
