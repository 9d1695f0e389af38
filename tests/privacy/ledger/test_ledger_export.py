"""An auditor checks an export without the ledger, and sees every change."""

import json

import pytest
from jsonschema import Draft202012Validator

from dpsynth.errors import InputError, LedgerError
from dpsynth.privacy.ledger.export import SCHEMA_FILE, check, export, json_schema


@pytest.fixture
def file(ledger, tmp_path):
    ledger.join("ward", [])
    ledger.join("abroad", [])
    ledger.group("hospital", ["icu", "ward"])
    ledger.cap("hospital", epsilon=9.0, delta=1e-4)
    made = tmp_path / "export.json"
    export(ledger, made)
    return made


def test_an_export_holds_every_entry_and_sum(ledger, file):
    found = check(file)
    assert list(found.populations) == ["abroad", "icu", "ward"] and list(found.groups) == [
        "hospital"
    ]
    assert [e.hash for e in found.populations["icu"].entries] == [
        e.hash for e in ledger.entries("icu")
    ]
    assert found.populations["icu"].head == ledger.entries("icu")[-1].hash
    group = found.groups["hospital"]
    assert (group.populations, group.spent.epsilon) == (("icu", "ward"), 3.0)
    assert (group.spent.cap_epsilon, group.spent.left) == (9.0, 6.0)


def test_some_populations_come_with_all_that_adds_up_with_them(ledger, file, tmp_path):
    for names, populations, groups in (
        (["ward"], {"icu", "ward"}, {"hospital"}),
        (["hospital"], {"icu", "ward"}, {"hospital"}),
        (["abroad"], {"abroad"}, set()),
    ):
        made = tmp_path / f"{names[0]}.json"
        export(ledger, made, names)
        found = check(made)
        assert (set(found.populations), set(found.groups)) == (populations, groups)


def test_no_path_and_no_secret_is_in_an_export(ledger, file, tmp_path):
    text = file.read_text()
    assert (ledger.root / ".secret").read_text().strip() not in text
    assert str(tmp_path) not in text and str(ledger.root) not in text
    assert "stays.csv" in text


def test_the_published_schema_is_the_codes_and_holds_of_an_export(file):
    schema = json.loads(SCHEMA_FILE.read_text())
    assert schema == json_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(file.read_text()))


def _changes():
    def entry(facts, number):
        return facts["populations"]["icu"]["entries"][number - 1]

    yield "icu was changed at entry 2", lambda f: entry(f, 2)["body"].update(epsilon=0.1)
    yield "icu was changed at entry 3", lambda f: f["populations"]["icu"]["entries"].pop(2)
    yield "head of icu", lambda f: f["populations"]["icu"]["entries"].pop()
    yield "sums of 'icu'", lambda f: f["populations"]["icu"]["spent"].update(epsilon=1.0)
    yield "sums of 'hospital'", lambda f: f["groups"]["hospital"]["spent"].update(left=8.0)
    yield "is in group 'hospital'", lambda f: f["groups"].pop("hospital")
    yield "not whole", lambda f: f["populations"].pop("ward")
    yield (
        "changed at entry 1",
        lambda f: f["groups"]["hospital"].update(entries=f["populations"]["icu"]["entries"]),
    )


@pytest.mark.parametrize(("told", "change"), list(_changes()))
def test_a_changed_export_is_refused(file, told, change):
    facts = json.loads(file.read_text())
    change(facts)
    file.write_text(json.dumps(facts))
    with pytest.raises(LedgerError, match=told):
        check(file)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "other/1"}', "[" * 100_000])
def test_what_is_no_export_is_an_input_error(tmp_path, text):
    other = tmp_path / "other.json"
    other.write_text(text)
    with pytest.raises(InputError, match=r"other\.json is no export"):
        check(other)
    with pytest.raises(InputError, match=r"none\.json can't be read"):
        check(tmp_path / "none.json")


def test_a_broken_chain_is_not_exported(ledger, tmp_path):
    entries = ledger.root / "icu" / "entries.jsonl"
    entries.write_bytes(entries.read_bytes().replace(b'"epsilon":1.0', b'"epsilon":0.1', 1))
    with pytest.raises(LedgerError, match="changed at line 2"):
        export(ledger, tmp_path / "export.json")
    assert not (tmp_path / "export.json").exists()


def test_an_export_is_a_new_file(ledger, tmp_path, file):
    for path in (file, tmp_path / "export.txt"):
        with pytest.raises(InputError, match=r"new file that ends in \.json"):
            export(ledger, path)
    with pytest.raises(InputError, match="can't be written"):
        export(ledger, tmp_path / "none" / "export.json")
    with pytest.raises(LedgerError, match="no population 'nobody'"):
        export(ledger, tmp_path / "x.json", ["nobody"])
