"""Files that are broken, foreign or hostile: one clear line, and never a patient's row in it."""

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dpsynth.data import raw
from dpsynth.data.identifiers import names_a_person
from dpsynth.data.reader import read
from dpsynth.errors import DataError, InputError, SchemaError
from dpsynth.schema import Schema

X = {"x": {"type": "number", "bounds": [0, 9]}}
TWO = {
    "a": {"shape": "static", "key": "pid", "columns": X},
    "b": {"shape": "static", "key": "pid", "columns": {}},
}


def line(paths, schema, kind=InputError):
    with pytest.raises(kind) as caught:
        read(paths, schema)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_file_and_a_table_without_file_are_named(put, one_table, tmp_path):
    assert "no such file" in line([tmp_path / "x.csv"], one_table("static", X), DataError)
    schema = Schema(name="t", tables=TWO)
    a = put("a.csv", "pid,x\n1,1\n")
    assert "table 'b' has no file; give b.csv, or b=PATH" in line([a], schema, DataError)
    other = put("c.csv", "pid\n1\n")
    assert "c.csv: fits no table (a, b)" in line([a, other], schema, DataError)
    records, _ = read([a, f"b={other}"], schema)
    assert len(records) == 1


def test_one_table_takes_any_file_and_a_folder_leaves_others_alone(put, one_table):
    path = put("in/whatever.csv", "pid,x\n1,1\n")
    assert len(read([path], one_table("static", X))[0]) == 1
    put("in/x.csv", "pid,x\n1,1\n2,2\n")
    put("in/README.txt", "text")
    assert len(read([path.parent], one_table("static", X))[0]) == 2
    empty = put("out/README.txt", "text").parent
    assert "holds no file of a table" in line([empty], one_table("static", X), DataError)


def test_a_folder_may_be_named_for_a_table(put):
    schema = Schema(name="t", tables=TWO)
    a = put("a.csv", "pid,x\n1,1\n")
    folder = put("old/whatever-1.csv", "pid\n2\n").parent
    put("old/whatever-2.csv", "pid\n3\n")
    assert list(read([a, f"b={folder}"], schema)[0].keys) == ["1", "2", "3"]


def test_files_of_one_table_must_have_the_same_columns(put, one_table):
    schema = one_table("static", X, ignore=["y"])
    paths = [put("x-1.csv", "pid,x\n1,1\n"), put("x-2.csv", "pid,y\n1,1\n")]
    assert "x-2.csv: lacks x" in line(paths, schema, SchemaError)


def test_columns_that_the_schema_or_the_file_lack_are_listed_with_a_cure(put, one_table):
    schema = one_table("static", {**X, "y": X["x"]})
    text = line([put("x.csv", "pid,x,z,w\n1,1,1,1\n")], schema, SchemaError)
    assert "lacks y" in text
    text = line([put("x.csv", "pid,x,y,z,w\n1,1,1,1,1\n")], schema, SchemaError)
    assert "says nothing of z, w" in text
    assert "`ignore:`" in text
    fine = one_table("static", X, ignore=["z", "w", "gone"])
    assert list(read([put("x.csv", "pid,x,z,w\n1,1,1,1\n")], fine)[0].static) == ["x"]


def test_direct_identifiers_are_dropped_by_name_with_a_remark(put, one_table):
    path = put("x.csv", "pid,x,PatientName,zip_code,e-mail\n1,1,Ann,0815,a@b.c\n")
    records, notes = read([path], one_table("static", X))
    assert list(records.static) == ["x"]
    assert notes.lines() == ["x.csv: dropped as direct identifiers: PatientName, zip_code, e-mail"]
    claimed = {**X, "zip_code": {"type": "category", "categories": ["0815"]}}
    records, _ = read([path], one_table("static", claimed))
    assert list(records.static) == ["x", "zip_code"]


@pytest.mark.parametrize(
    "name",
    [
        *("name", "First Name", "lastName", "patient_name", "street", "Address", "ZIP", "postcode"),
        *("phone", "FaxNumber", "email", "e-mail", "SSN", "MRN", "medical_record_number"),
        *("insurance_id", "account_no", "license", "vehicle_id", "device_serial", "url", "ip"),
        *("ip_address", "fingerprint", "photo", "dob", "DateOfBirth", "birth_date", "death.date"),
    ],
)
def test_the_kinds_of_hipaa_are_found_by_name(name):
    assert names_a_person(name)


@pytest.mark.parametrize(
    "name",
    ["age", "sex", "diagnosis", "zipper", "hospital", "unit_name_code", "ipratropium", "year"],
)
def test_medical_columns_are_not_taken_for_identifiers(name):
    assert not names_a_person(name)


BROKEN = {
    "empty.csv": b"",
    "newline.csv": b"\n1,2\n",
    "twice.csv": b"pid,x,x\n1,1,1\n",
    "not.parquet": b"PAR1 but not really",
    "cut.csv.gz": gzip.compress(b"pid,x\n" + b"1,2\n" * 5000, mtime=0)[:60],
    "plain.csv.gz": b"pid,x\n1,2\n",
    "image.png": b"\x89PNG",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_line_that_names_it(put, one_table, name):
    text = line([put(name, BROKEN[name])], one_table("static", X))
    assert name in text


def test_a_cut_parquet_file_is_one_line(put, one_table):
    whole = put("x.parquet", pd.DataFrame({"pid": range(999), "x": np.arange(999.0)}))
    cut = put("cut.parquet", whole.read_bytes()[:-200])
    assert "cut.parquet: is not a readable Parquet file" in line([cut], one_table("static", X))
    middle = bytearray(whole.read_bytes())
    middle[200:2000] = bytes(1800)
    line([put("zeros.parquet", bytes(middle))], one_table("static", X), DataError)


def test_a_column_of_lists_is_one_line(put, one_table):
    table = pa.table({"pid": [1, 2], "x": [[1.0], [2.0, 3.0]]})
    path = put("x.parquet", b"")
    pq.write_table(table, path)
    assert "'x'" in line([path], one_table("static", X))


def test_a_clock_of_another_storage_kind_is_named(put, one_table):
    frame = pd.DataFrame({"pid": [1], "t": [20200101], "x": [1.0]})
    dated = one_table("visits", X, time={"column": "t", "kind": "date"})
    assert "tables.x.time.kind: the file stores numbers" in line([put("x.parquet", frame)], dated)
    frame["t"] = pd.to_datetime(["2020-01-01"])
    text = line([put("x.parquet", frame)], one_table("visits", X))
    assert "tables.x.time.kind: the file stores dates" in text


def test_malformed_lines_are_skipped_counted_and_never_shown(put, one_table):
    text = "pid,x\n1,1\nSECRET,2,3,4\n2,2\n3\n"
    records, notes = read([put("x.csv", text)], one_table("static", X))
    assert list(records.keys) == ["1", "2"]
    assert notes.lines() == ["tables.x: 2 malformed lines (dropped)"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfpid,x,c\n1,1,\xc3\xa4\n",  # UTF-8 with a byte order mark
        b"pid,x,c\n1,1,\xe4\n",  # Windows
        b"pid;x;c\n1;1;\xc3\xa4\n",
        b"pid\tx\tc\r\n1\t1\t\xc3\xa4\r\n",
        gzip.compress(b'"pid","x","c"\n"1","1","\xc3\xa4"\n', mtime=0),
    ],
)
def test_common_dialects_of_csv_are_understood(put, one_table, content):
    columns = {**X, "c": {"type": "category", "categories": ["ä"]}}
    name = "x.csv.gz" if content[:2] == b"\x1f\x8b" else "x.csv"
    records, notes = read([put(name, content)], one_table("static", columns))
    assert records.static.to_numpy().tolist() == [[1.0, "ä"]]
    assert not notes.counts


def test_bombs_are_refused(put, one_table, monkeypatch):
    schema = one_table("static", X)
    bomb = put("x.csv.gz", gzip.compress(b"pid,x\n" + b"1,2\n" * 200_000))
    monkeypatch.setattr(raw, "MOST_MEMORY_BYTES", 100_000)
    assert "split it" in line([bomb], schema, DataError)
    monkeypatch.setattr(raw, "MOST_FILE_BYTES", 100)
    assert "larger than" in line([bomb], schema, DataError)
    monkeypatch.setattr(raw, "MOST_CELLS", 100)
    monkeypatch.setattr(raw, "MOST_FILE_BYTES", 10**9)
    rows = put("x.parquet", pd.DataFrame({"pid": np.zeros(1000), "x": np.zeros(1000)}))
    assert "too many values" in line([rows], schema, DataError)


def test_a_header_without_end_is_refused(put, one_table, monkeypatch):
    monkeypatch.setattr(raw, "MOST_HEADER_BYTES", 1000)
    path = put("x.csv", "a" * 5000)
    assert "first line is longer" in line([path], one_table("static", X), DataError)


def test_a_pickle_is_never_opened(put, one_table):
    path = put("x.pkl", b"cos\nsystem\n(S'touch pwned'\ntR.")
    assert "must end in .csv, .csv.gz, .parquet" in line([path], one_table("static", X), DataError)
