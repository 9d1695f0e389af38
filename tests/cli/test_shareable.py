"""`evaluate --shareable`: real patients can't change a byte of it, and nobody opens their files."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from dpsynth.evaluation.report import NOT_CHECKED, SCHEMA_FILE
from dpsynth.pipeline.given_card import MADE
from dpsynth.privacy.ledger import Ledger

OF_RUN = ("evaluate", "--shareable", "--run=run", "--synthetic=copy")
OF_FILES = (
    "evaluate", "--shareable", "--schema=schema.yaml", "--card=run/privacy.json",
    "--synthetic=copy",
)  # fmt: skip


@pytest.fixture
def shared(trained, dpsynth):
    """A run and its copy."""
    assert dpsynth("generate", "run", "--out=copy", "--n=30").code == 0
    return trained


def _bytes(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_other_real_patients_leave_it_byte_for_byte_the_same(shared, dpsynth):
    text = shared.data.read_text()
    head, *rows = text.splitlines(keepends=True)
    (shared.root / "a.csv").write_text(head + "".join(rows[:40]))
    (shared.root / "b.csv").write_text(head + "".join(rows[40:]))
    # The other hospital: other patients, all of them old and ill.
    (shared.root / "c.csv").write_text(head + "".join(f"x{i},0,m,1,199\n" for i in range(25)))
    (shared.root / "d.csv").write_text(head + "".join(f"y{i},0,f,0,81\n" for i in range(25)))
    for out, train, holdout in (("one", "a", "b"), ("two", "c", "d"), ("none", "no", "nowhere")):
        words = [f"--train={train}.csv", f"--holdout={holdout}.csv", f"--out={out}", "--figures"]
        done = dpsynth(*OF_FILES, *words)
        assert done.code == 0, done.err
    one, two, none = (_bytes(shared.root / name) for name in ("one", "two", "none"))
    assert one == two == none
    assert len(one) > 4


def test_of_a_run_neither_real_data_nor_the_ledger_are_touched(shared, dpsynth, monkeypatch):
    before = len(Ledger().entries("clinic"))
    assert dpsynth(*OF_RUN, "--data=clinic.csv", "--out=one").code == 0
    shared.data.unlink()
    monkeypatch.setenv("DPSYNTH_LEDGER", str(shared.root / "no-ledger"))
    done = dpsynth(*OF_RUN, "--out=two", "--json")
    assert done.code == 0, done.err
    assert _bytes(shared.root / "one") == _bytes(shared.root / "two")
    assert not (shared.root / "no-ledger").exists()
    monkeypatch.setenv("DPSYNTH_LEDGER", str(shared.root / "ledger"))
    assert set(done.json) == {"command", "shareable", "files"}
    assert len(Ledger().entries("clinic")) == before


def test_both_kinds_of_reports_are_what_the_schema_says(shared, dpsynth):
    validator = Draft202012Validator(json.loads(SCHEMA_FILE.read_text()))
    assert dpsynth(*OF_RUN, "--out=out").code == 0
    words = ["evaluate", "--run=run", "--data=clinic.csv", "--synthetic=copy", "--out=in"]
    assert dpsynth(*words, "--figures").code == 0
    for folder, kind in (("out", "shareable"), ("in", "internal")):
        facts = json.loads((shared.root / folder / "report.json").read_text())
        validator.validate(facts)
        assert facts["kind"] == kind
        page = (shared.root / folder / "report.html").read_text()
        assert ("INTERNAL" in page) == (kind == "internal")
    assert list((shared.root / "in" / "figures").glob("*.svg"))


def test_a_copy_that_the_run_did_not_make_gets_no_card_of_it(shared, dpsynth):
    path = shared.root / "copy" / "clinic.csv"
    path.write_text(path.read_text().replace("f", "m", 1))
    done = dpsynth(*OF_RUN, "--out=out")
    assert done.code == 1 and "did not make" in done.err
    assert not (shared.root / "out").exists()


def test_the_report_says_how_far_the_card_was_checked(shared, dpsynth):
    def told(out):
        page = (shared.root / out / "report.html").read_text()
        said = json.loads((shared.root / out / "report.json").read_text())["card_check"]
        assert said in page
        return said

    for out, words in (("run-card", OF_FILES), ("of-run", OF_RUN)):
        assert dpsynth(*words, f"--out={out}").code == 0
        assert told(out) == MADE
    (shared.root / "elsewhere.json").write_bytes((shared.root / "run/privacy.json").read_bytes())
    words = [w.replace("run/privacy.json", "elsewhere.json") for w in OF_FILES]
    assert dpsynth(*words, "--out=moved").code == 0
    assert told("moved") == NOT_CHECKED
    bare = [w for w in OF_FILES if not w.startswith("--card")]
    assert dpsynth(*bare, "--out=bare").code == 0
    facts = json.loads((shared.root / "bare" / "report.json").read_text())
    assert facts["card_check"] is facts["privacy"] is None


def test_a_card_of_other_files_is_refused_before_a_real_record_is_read(shared, dpsynth):
    path = shared.root / "copy" / "clinic.csv"
    path.write_text(path.read_text().replace("f", "m", 1))
    internal = [w for w in OF_FILES if w != "--shareable"]
    before = len(Ledger().entries("clinic"))
    for words in (OF_FILES, [*internal, "--train=clinic.csv", "--holdout=clinic.csv"]):
        done = dpsynth(*words, "--out=out")
        assert done.code == 1 and "the card is not of this copy" in done.err
        assert not (shared.root / "out").exists()
    assert len(Ledger().entries("clinic")) == before


@pytest.mark.parametrize(
    ("section", "facts"),
    [("implementation", {"seed": {"insecure": True}}), ("audit", {"verdict": "violated"})],
)
def test_what_must_stay_inside_is_not_shared(shared, dpsynth, section, facts):
    path = shared.root / "run" / "privacy.json"
    card = json.loads(path.read_text())
    card[section] |= facts
    path.write_text(json.dumps(card))
    done = dpsynth(*OF_FILES, "--out=out")
    assert done.code == 1 and "must stay inside" in done.err


@pytest.mark.parametrize("word", ["--unprotected=copy", "--population=x"])
def test_what_needs_real_records_does_not_go_with_it(shared, dpsynth, word):
    done = dpsynth(*OF_RUN, "--out=out", word)
    assert done.code == 2
    assert len(done.err.splitlines()) <= 3
