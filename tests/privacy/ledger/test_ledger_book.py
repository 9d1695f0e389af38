"""What the ledger promises its callers."""

import stat
from pathlib import Path

import pytest
from dp_accounting import get_epsilon_gaussian

from dpsynth.errors import BudgetError, DataError, LedgerError
from dpsynth.privacy.accountant import renyi
from dpsynth.privacy.budget import reported
from dpsynth.privacy.ledger import Cost, Ledger, as_json, table, words
from dpsynth.privacy.plan import Plan, Release


def test_the_whole_plan_is_spent_when_it_is_reserved(ledger):
    made = ledger.reserve("icu", run="d", epsilon=2.5, delta=1e-5, plan={"steps": [1, 2]})
    assert (made.run, made.epsilon, made.delta, made.resumes) == ("d", 2.5, 1e-5, 0)
    assert made.plan == {"steps": [1, 2]}
    spent = ledger.spent("icu")
    assert (spent.epsilon, spent.runs) == (5.5, 4)
    assert spent.delta == 1.3e-5  # 3 x 1e-6 + 1e-5


def test_budgets_add_up_as_the_decimals_they_were_written_as(ledger):
    ledger.join("ward", [])
    for run in range(10):
        ledger.reserve("ward", run=str(run), epsilon=0.1, delta=1e-7, plan={})
    # Ten times the float 0.1 summed one by one gives 0.9999999999999999.
    assert (ledger.spent("ward").epsilon, ledger.spent("ward").delta) == (1.0, 1e-6)


@pytest.mark.parametrize("status", ["finished", "abandoned"])
def test_an_ended_run_gives_nothing_back_and_is_not_resumed(ledger, status):
    before = ledger.spent("icu")
    ledger.finish("icu", run="b", status=status)
    assert ledger.spent("icu") == before
    with pytest.raises(LedgerError, match=f"run 'b' is {status}"):
        ledger.resume("icu", run="b")
    with pytest.raises(LedgerError, match="has ended already"):
        ledger.finish("icu", run="b", status="finished")


def test_a_resumed_run_keeps_its_own_budget(ledger):
    first, second = ledger.resume("icu", run="b"), ledger.resume("icu", run="b")
    assert (first.resumes, second.resumes) == (1, 2)
    assert (second.epsilon, second.plan, second.number) == (1.0, {"sigma": 2.0}, 3)
    assert ledger.spent("icu").epsilon == 3.0


def test_a_run_has_one_reservation(ledger):
    with pytest.raises(LedgerError, match="run 'a' already has its budget"):
        ledger.reserve("icu", run="a", epsilon=1.0, delta=0.0, plan={})
    with pytest.raises(LedgerError, match="run 'z' has no budget"):
        ledger.resume("icu", run="z")
    with pytest.raises(LedgerError, match="run 'z' has no budget"):
        ledger.finish("icu", run="z", status="finished")
    assert ledger.spent("icu").runs == 3


def test_an_unprotected_access_is_counted_beside_the_budget(ledger):
    ledger.unprotected("icu", run="a", purpose="evaluation on real records")
    ledger.unprotected("icu", run=None, purpose="--assume-public")
    spent = ledger.spent("icu")
    assert (spent.unprotected, spent.epsilon) == (2, 3.0)


@pytest.mark.parametrize("epsilon", [float("inf"), float("nan"), -1.0])
def test_a_budget_that_can_not_be_added_up_is_refused(ledger, epsilon):
    with pytest.raises(LedgerError, match="epsilon must be a finite number"):
        ledger.reserve("icu", run="d", epsilon=epsilon, delta=1e-6, plan={})
    with pytest.raises(LedgerError, match="delta must be in"):
        ledger.reserve("icu", run="d", epsilon=1.0, delta=1.0, plan={})
    with pytest.raises(ValueError, match="JSON"):
        ledger.reserve("icu", run="d", epsilon=1.0, delta=0.0, plan={"sigma": float("inf")})
    assert ledger.spent("icu").runs == 3


def test_no_reservation_passes_the_cap(ledger):
    ledger.cap("icu", epsilon=3.3, delta=1e-5)
    ledger.reserve("icu", run="d", epsilon=0.1, delta=0.0, plan={})
    ledger.reserve("icu", run="e", epsilon=0.2, delta=0.0, plan={})  # 3.3 exactly: fits
    with pytest.raises(BudgetError, match=r"spent epsilon 3.3 of its cap .* 0.01, .* 3.31"):
        ledger.reserve("icu", run="f", epsilon=0.01, delta=0.0, plan={})
    with pytest.raises(BudgetError, match="the cap's delta is too small"):
        ledger.reserve("icu", run="f", epsilon=0.0, delta=1e-5, plan={})
    with pytest.raises(BudgetError, match="0 is left"):
        ledger.check("icu", Cost(epsilon=0.01, delta=0.0))
    assert ledger.spent("icu").runs == 5
    ledger.cap("icu", epsilon=4.0, delta=1e-4)
    ledger.reserve("icu", run="f", epsilon=0.01, delta=0.0, plan={})
    assert ledger.spent("icu").cap_epsilon == 4.0


# --- populations and files ---------------------------------------------------------------


def test_a_file_is_known_again_by_its_bytes_wherever_it_lies(ledger, tmp_path, table_file):
    copy = tmp_path / "elsewhere.csv"
    copy.write_bytes(table_file.read_bytes())
    assert ledger.population_of([table_file, copy]) == "icu"


def test_an_unknown_file_is_named_with_the_cure(ledger, tmp_path, table_file):
    other = tmp_path / "refresh.csv"
    other.write_text("id,age\n3,50\n")
    with pytest.raises(LedgerError, match=r"refresh\.csv.*--population NAME$"):
        ledger.population_of([other])
    with pytest.raises(LedgerError, match=r"refresh\.csv.*--population icu$"):
        ledger.population_of([table_file, other])
    ledger.join("icu", [other])
    assert ledger.population_of([table_file, other]) == "icu"


def test_an_empty_ledger_knows_no_file(tmp_path, table_file):
    ledger = Ledger(tmp_path / "none")
    with pytest.raises(LedgerError, match="--population NAME"):
        ledger.population_of([table_file])
    assert ledger.populations() == []
    assert not ledger.root.exists()


def test_the_same_patients_get_no_second_budget_under_another_name(ledger, table_file):
    with pytest.raises(LedgerError, match="already belongs to population 'icu'"):
        ledger.join("fresh-budget", [table_file])
    with pytest.raises(LedgerError, match="only by capitals"):
        ledger.join("ICU", [])
    assert ledger.populations() == ["icu"]


def test_files_of_two_populations_are_not_mixed(ledger, tmp_path, table_file):
    other = tmp_path / "ward.csv"
    other.write_text("id\n9\n")
    ledger.join("ward", [other])
    with pytest.raises(LedgerError, match=r"different populations \(icu, ward\)"):
        ledger.population_of([table_file, other])


def test_a_folder_is_known_by_its_names_and_bytes(ledger, tmp_path):
    scans = tmp_path / "scans"
    (scans / "p1").mkdir(parents=True)
    (scans / "p1" / "a.png").write_bytes(b"1")
    ledger.join("scans", [scans])
    assert ledger.population_of([scans]) == "scans"
    (scans / "p1" / "a.png").rename(scans / "p1" / "b.png")
    with pytest.raises(LedgerError, match="does not know"):
        ledger.population_of([scans])


def test_joining_again_writes_nothing(ledger, table_file):
    before = ledger.entries("icu")
    ledger.join("icu", [table_file])
    assert ledger.entries("icu") == before


def test_a_file_that_can_not_be_read_is_an_input_error(ledger, tmp_path):
    with pytest.raises(DataError, match=r"absent\.csv"):
        ledger.join("icu", [tmp_path / "absent.csv"])


@pytest.mark.parametrize("name", ["", "../icu", ".secret", "a/b", "a b", "x" * 65])
def test_a_population_is_a_plain_word(ledger, name):
    with pytest.raises(LedgerError, match="population's name"):
        ledger.join(name, [])
    with pytest.raises(LedgerError, match="population's name"):
        ledger.spent(name)


def test_an_unknown_population_is_named_with_those_there_are(ledger):
    with pytest.raises(LedgerError, match=r"no population 'ward' \(it has: icu\)"):
        ledger.reserve("ward", run="a", epsilon=1.0, delta=0.0, plan={})


# --- what leaves the ledger --------------------------------------------------------------


def test_fingerprints_differ_between_ledgers_and_stay_in_them(ledger, tmp_path, table_file):
    other = Ledger(tmp_path / "other")
    other.join("icu", [table_file])
    prints = [b.entries("icu")[0].body["files"][0]["print"] for b in (ledger, other)]
    assert prints[0] != prints[1]
    shown = str(as_json(ledger)) + str(table(ledger, "icu"))
    assert prints[0] not in shown
    assert not any(e.hash in shown for e in ledger.entries("icu"))


def test_the_salted_head_hides_the_head_and_finds_its_entry_later(ledger):
    salt, digest = ledger.salted_head("icu")
    assert ledger.salted_head("icu") != (salt, digest)  # a fresh salt: cards can't be linked
    assert ledger.salted_head("icu", bytes.fromhex(salt)) == (salt, digest)
    assert len(bytes.fromhex(salt)) == 32
    assert ledger.entries("icu")[-1].hash not in (salt, digest)
    ledger.reserve("icu", run="later", epsilon=1.0, delta=0.0, plan={})
    assert ledger.find_head("icu", salt, digest) == 4


def test_a_chain_written_anew_no_longer_holds_a_published_head(ledger, tmp_path, table_file):
    salt, digest = ledger.salted_head("icu")
    forged = Ledger(tmp_path / "forged")
    forged.join("icu", [table_file])
    for run in ("a", "b", "c"):
        forged.reserve("icu", run=run, epsilon=0.1, delta=1e-6, plan={"sigma": 2.0})
    forged.verify("icu")  # the chain alone can't tell
    assert forged.find_head("icu", salt, digest) is None


def test_only_the_owner_reads_the_ledger(ledger):
    assert stat.S_IMODE(ledger.root.stat().st_mode) == 0o700
    for path in ledger.root.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_lost_secret_is_named(ledger, table_file):
    (ledger.root / ".secret").unlink()
    with pytest.raises(LedgerError, match=r"secret .* is missing"):
        ledger.population_of([table_file])
    with pytest.raises(LedgerError, match=r"secret .* is missing"):
        ledger.join("icu", [table_file])
    assert ledger.spent("icu").runs == 3


def test_the_default_place_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("DPSYNTH_LEDGER", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert Ledger().root == tmp_path / "home/.local/share/dpsynth/ledger"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert Ledger().root == tmp_path / "xdg/dpsynth/ledger"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")  # the XDG rule: ignored
    assert Ledger().root == tmp_path / "home/.local/share/dpsynth/ledger"
    monkeypatch.setenv("DPSYNTH_LEDGER", str(tmp_path / "mine"))
    assert Ledger().root == Path(tmp_path / "mine")


# --- what is shown -----------------------------------------------------------------------


def test_the_table_shows_every_entry_and_the_total(ledger):
    ledger.cap("icu", epsilon=10.0, delta=1e-5)
    ledger.resume("icu", run="a")
    ledger.finish("icu", run="a", status="finished")
    ledger.unprotected("icu", run="a", purpose="evaluation on real records")
    shown = table(ledger, "icu")
    assert [row[2] for row in shown.rows] == [
        *("join", "reserve", "reserve", "reserve", "cap", "resume", "finish", "unprotected")
    ]
    assert all(len(row) == len(shown.columns) for row in shown.rows)
    assert shown.rows[0][6] == "stays.csv"
    assert shown.rows[1][3:6] == ("a", "1", "1e-06")
    assert [row[6] for row in shown.rows[5:]] == [
        *("resumed once", "finished", "evaluation on real records")
    ]
    assert shown.rows[4][6] == "first cap"
    assert words(ledger.spent("icu")) == (
        "spent by 3 runs: epsilon 3, delta 3e-06, however each was chosen after the last; "
        "cap: epsilon 10, delta 1e-05; left: epsilon 7; 1 internal access without protection"
    )


def test_both_totals_are_shown_with_what_each_takes_to_hold(ledger):
    plan = Plan(
        epsilon=1.0,
        delta=1e-6,
        population=1000,
        releases=(Release(name="tables", noise_multiplier=4.3),),
    )
    ledger.join("ward", [])
    ledger.cap("ward", epsilon=9.0, delta=1e-6)
    for run in "ab":
        ledger.reserve(
            "ward", run=run, epsilon=1.0, delta=1e-6, plan=plan.public(), renyi=renyi(plan)
        )
    # Two Gaussians of 4.3 are one of 4.3 / sqrt 2 = 3.04: epsilon 1.45 at 1e-6 (Balle and Wang).
    facts = as_json(ledger)["ward"]["spent"]
    exact = get_epsilon_gaussian(4.3 / 2**0.5, 1e-6)
    assert exact <= facts["advance_epsilon"] <= exact + 0.01
    assert facts["advance_epsilon"] < facts["adaptive_epsilon"] < 2.0
    lines = "\n".join(table(ledger, "ward").totals)
    assert f"epsilon {reported(facts['adaptive_epsilon']):g} holds however each run was" in lines
    assert f"epsilon {reported(facts['advance_epsilon']):g} holds only if every run was" in lines
    assert "by addition: epsilon 2, delta 2e-06" in lines


def test_a_raised_cap_is_an_entry_of_its_own_and_said_to_be_one(ledger):
    for epsilon, delta in ((3.0, 1e-5), (2.0, 1e-5), (2.0, 1e-5), (2.0, 1e-4)):
        ledger.cap("icu", epsilon=epsilon, delta=delta)
    assert [row[6] for row in table(ledger, "icu").rows[4:]] == [
        "first cap",
        "lowered, was epsilon 3, delta 1e-05",
        "unchanged, was epsilon 2, delta 1e-05",
        "RAISED, was epsilon 2, delta 1e-05",
    ]


def test_an_entry_of_an_older_version_has_no_curve_and_is_added_up(ledger):
    assert "renyi" not in ledger.entries("icu")[1].body
    assert table(ledger, "icu").rows[1][6] == "no Renyi curve: added up"
    facts = as_json(ledger)["icu"]["spent"]
    assert (facts["adaptive_epsilon"], facts["advance_epsilon"]) == (3.0, 3.0)


def test_the_json_holds_the_same_facts(ledger):
    facts = as_json(ledger)["icu"]
    assert facts["spent"]["epsilon"] == 3.0
    assert facts["entries"][0]["files"] == ["stays.csv"]
    assert facts["entries"][1]["plan"] == {"sigma": 2.0}
