"""`dpsynth ledger` for a steward and an auditor, and what a cap does to a run."""

import json

import pytest

from dpsynth.pipeline import training
from dpsynth.privacy.ledger import Ledger, prints


@pytest.fixture
def capped(trained, dpsynth):
    """One run of epsilon 1, delta 0.01, and a cap that holds no second one."""
    assert dpsynth("ledger", "cap", "clinic", "--epsilon=2", "--delta=0.01").code == 0
    return trained


def test_a_run_past_the_cap_is_refused_before_any_record_is_read(capped, dpsynth, monkeypatch):
    def read(*_):
        raise AssertionError("records were read")

    monkeypatch.setattr(training, "read", read)
    before = capped.tree()
    for words in ([], ["--population=clinic"]):
        plain = [w for w in capped.train(out="more") if not w.startswith("--population")]
        done = dpsynth(*plain, *words)
        assert done.code == 1
        [line] = done.err.splitlines()
        for part in (
            "population 'clinic' has spent epsilon 1 of its cap epsilon 2, delta 0.01",
            "this run asks epsilon 1, delta 0.01, which makes epsilon 2.",
            "and epsilon 1 is left: ask for less, or raise the cap knowingly",
        ):
            assert part in line
    assert capped.tree() == before


def test_the_reservation_itself_is_refused_where_another_run_came_between(
    capped, dpsynth, monkeypatch
):
    monkeypatch.setattr(training, "afford", lambda *_: "clinic")
    before = capped.tree()
    done = dpsynth(*capped.train(out="more"))
    assert done.code == 1 and "1 is left" in done.err
    assert capped.tree() == before


def test_a_file_is_known_by_one_reading_whether_its_population_is_named_or_not(
    clinic, dpsynth, monkeypatch
):
    read, known = [], prints.fingerprint

    def counted(path, secret):
        read.append(path)
        return known(path, secret)

    monkeypatch.setattr(prints, "fingerprint", counted)
    for times, words in enumerate((clinic.train(), clinic.train(out="more")), start=1):
        plain = [w for w in words if times == 1 or not w.startswith("--population")]
        assert dpsynth(*plain).code == 0
        assert len(read) == times


def test_a_run_may_ask_all_of_a_cap_and_then_nothing_is_left(clinic, dpsynth):
    dpsynth("ledger", "join", "clinic", clinic.data)
    dpsynth("ledger", "cap", "clinic", "--epsilon=1", "--delta=0.01")
    assert dpsynth(*clinic.train()).code == 0
    facts = dpsynth("ledger", "show", "clinic", "--json").json["populations"]["clinic"]["spent"]
    assert (facts["adaptive_epsilon"], facts["left"]) == (1.0, 0.0)
    assert dpsynth(*clinic.train(out="more")).code == 1


def test_a_raised_cap_lets_a_run_in_and_is_seen(capped, dpsynth):
    raised = dpsynth("ledger", "cap", "clinic", "--epsilon=4", "--delta=0.01")
    assert "left: epsilon 3" in raised.out
    assert dpsynth(*capped.train(out="more")).code == 0
    shown = dpsynth("ledger", "show", "clinic").out
    assert "RAISED, was epsilon 2, delta 0.01" in shown
    assert "holds however each run was chosen after seeing the last (Renyi filter) under" in shown
    assert "from before the first run on, which was not so here" in shown
    assert "holds only if every run was fixed before the first answer was seen" in shown
    facts = dpsynth("ledger", "show", "clinic", "--json").json["populations"]["clinic"]["spent"]
    assert facts["advance_epsilon"] < facts["adaptive_epsilon"] <= 4.0


def test_a_reservation_holds_the_curve_of_its_plan(trained):
    from dpsynth.privacy.accountant import renyi
    from dpsynth.privacy.plan import Plan

    [body] = [e.body for e in Ledger().entries("clinic") if e.type == "reserve"]
    assert body["renyi"] == renyi(Plan.from_public(body["plan"])).public()


def test_a_noised_size_and_its_run_may_ask_all_of_a_cap(clinic, dpsynth):
    text = clinic.schema.read_text()
    clinic.schema.write_text(text.replace("population: 40", "population: private"))
    dpsynth("ledger", "join", "clinic", clinic.data)
    dpsynth("ledger", "cap", "clinic", "--epsilon=1", "--delta=0.05")
    # A delta that is given: a default would follow from the noisy size.
    words = clinic.train("--model=markov", "--delta=0.005")
    words = [w for w in words if not w.startswith("--setting")]
    assert dpsynth(*words).code == 0
    before = Ledger().spent("clinic")
    assert before.adaptive_epsilon == 1.0
    done = dpsynth(*[w.replace("/run", "/more") for w in words])
    assert done.code == 1 and "epsilon 0 is left" in done.err
    assert Ledger().spent("clinic") == before  # not even the size was counted


def test_populations_that_share_patients_add_up(capped, dpsynth):
    other = capped.root / "ward.csv"
    other.write_text("pid\n9\n")
    dpsynth("ledger", "join", "ward", other)
    made = dpsynth("ledger", "group", "hospital", "clinic", "ward")
    assert made.out.startswith("Group hospital now holds clinic, ward: spent by 1 run: epsilon 1")
    assert dpsynth("ledger", "cap", "hospital", "--epsilon=5", "--delta=0.01").code == 0
    shown = dpsynth("ledger", "show")
    assert "group hospital: clinic, ward" in shown.out and "cap: epsilon 5" in shown.out
    facts = dpsynth("ledger", "show", "hospital", "--json").json
    assert facts["populations"] == {} and facts["groups"]["hospital"]["spent"]["runs"] == 1
    done = dpsynth("ledger", "group", "other", "ward")
    assert done.code == 2 and "'ward' is in group 'hospital' already" in done.err


def test_an_export_is_verified_without_the_ledger(capped, dpsynth, monkeypatch, tmp_path):
    assert "1 chains, 4 entries in audit.json" in dpsynth("ledger", "export", "audit.json").out
    assert dpsynth("ledger", "verify").out.startswith("Verified: 1 chains of ")
    monkeypatch.setenv("DPSYNTH_LEDGER", str(tmp_path / "none"))
    found = dpsynth("ledger", "verify", "audit.json", "--json").json
    assert found == {"command": "ledger verify", "verified": True, "chains": 1, "entries": 4}
    facts = json.loads((capped.root / "audit.json").read_text())
    facts["populations"]["clinic"]["entries"][1]["body"]["epsilon"] = 0.1
    (capped.root / "audit.json").write_text(json.dumps(facts))
    done = dpsynth("ledger", "verify", "audit.json")
    assert done.code == 2 and "clinic was changed at entry 2" in done.err
    assert len(done.err.splitlines()) == 1


def test_an_edited_ledger_does_not_verify(capped, dpsynth):
    entries = capped.root / "ledger" / "clinic" / "entries.jsonl"
    entries.write_bytes(entries.read_bytes().replace(b'"epsilon":1.0', b'"epsilon":0.5', 1))
    for words in (["verify"], ["export", "audit.json"]):
        done = dpsynth("ledger", *words)
        assert done.code == 2 and "changed at line 2" in done.err
    assert not (capped.root / "audit.json").exists()
