"""Populations that share patients have one sum and one cap."""

import shutil

import pytest

from dpsynth.errors import BudgetError, LedgerError
from dpsynth.privacy.ledger import Ledger, as_json, table


@pytest.fixture
def hospital(ledger) -> Ledger:
    """3 spent in icu, 2 in ward, in one group; 1 in another house."""
    for name, epsilon in (("ward", 2.0), ("abroad", 1.0)):
        ledger.join(name, [])
        ledger.reserve(name, run=name, epsilon=epsilon, delta=0.0, plan={})
    ledger.group("hospital", ["icu", "ward"])
    return ledger


def test_sums_of_a_group_are_over_all_its_populations(hospital):
    assert hospital.groups() == {"hospital": ["icu", "ward"]}
    assert hospital.spent("icu") == hospital.spent("ward") == hospital.scope("hospital").spent()
    assert (hospital.spent("icu").epsilon, hospital.spent("icu").runs) == (5.0, 4)
    assert hospital.scope("icu").spent().epsilon == 3.0
    assert hospital.spent("abroad").epsilon == 1.0


def test_the_cap_of_a_group_stops_every_population_of_it(hospital):
    hospital.cap("hospital", epsilon=5.5, delta=1e-5)
    hospital.reserve("ward", run="x", epsilon=0.5, delta=0.0, plan={})
    with pytest.raises(BudgetError, match=r"group 'hospital' has spent epsilon 5.5 of its cap"):
        hospital.reserve("icu", run="y", epsilon=0.1, delta=0.0, plan={})
    hospital.reserve("abroad", run="y", epsilon=9.0, delta=0.0, plan={})


def test_the_cap_of_a_population_holds_beside_its_groups(hospital):
    hospital.cap("hospital", epsilon=50.0, delta=1e-5)
    hospital.cap("ward", epsilon=2.0, delta=1e-5)
    with pytest.raises(BudgetError, match="population 'ward'"):
        hospital.reserve("ward", run="x", epsilon=0.1, delta=0.0, plan={})
    hospital.reserve("icu", run="x", epsilon=0.1, delta=0.0, plan={})


def test_a_group_grows_and_nobody_leaves_it(hospital):
    hospital.group("hospital", ["abroad", "icu"])
    hospital.group("hospital", ["abroad"])
    assert hospital.groups() == {"hospital": ["icu", "ward", "abroad"]}
    assert hospital.spent("icu").epsilon == 6.0
    assert [e.type for e in hospital.entries("hospital")] == ["group", "group"]
    with pytest.raises(LedgerError, match="'icu' is in group 'hospital' already"):
        hospital.group("other", ["icu"])
    assert hospital.groups() == {"hospital": ["icu", "ward", "abroad"]}


def test_names_are_plain_and_stand_for_one_thing(hospital):
    for name, told in (
        ("ward", "'ward' is the name of a population"),
        ("WARD", "is the name of a population"),
        ("Hospital", "only by capitals"),
        ("../x", "a population's name is"),
    ):
        with pytest.raises(LedgerError, match=told):
            hospital.group(name, ["abroad"])
    with pytest.raises(LedgerError, match="'hospital' is the name of a group"):
        hospital.join("hospital", [])
    with pytest.raises(LedgerError, match="no population 'nobody'"):
        hospital.group("more", ["nobody"])
    with pytest.raises(LedgerError, match="no population 'hospital'"):
        hospital.reserve("hospital", run="x", epsilon=0.1, delta=0.0, plan={})
    assert hospital.populations() == ["abroad", "icu", "ward"]


def test_a_group_that_was_removed_or_changed_is_missed(hospital):
    kept = hospital.root.parent / "kept"
    shutil.move(hospital.root / ".groups" / "hospital", kept)
    for ask in (hospital.verify, hospital.spent):
        with pytest.raises(LedgerError, match=r"is in group 'hospital', whose part .* removed"):
            ask("icu")
    with pytest.raises(LedgerError, match="is in group 'hospital'"):
        hospital.reserve("icu", run="x", epsilon=0.1, delta=0.0, plan={})
    hospital.verify("abroad")
    shutil.move(kept, hospital.root / ".groups" / "hospital")
    hospital.verify("icu")


def test_a_population_of_a_group_that_was_removed_is_missed(hospital):
    shutil.rmtree(hospital.root / "ward")
    for name in ("icu", "hospital"):
        with pytest.raises(LedgerError, match="no population 'ward'"):
            hospital.verify(name)


def test_a_groups_chain_does_not_pass_for_a_populations(hospital):
    shutil.copytree(hospital.root / ".groups" / "hospital", hospital.root / "clinic")
    with pytest.raises(LedgerError, match="changed at line 1"):
        hospital.verify("clinic")


def test_groups_are_shown(hospital):
    hospital.cap("hospital", epsilon=50.0, delta=1e-5)
    facts = as_json(hospital)
    assert facts["icu"]["group"] == "hospital" and facts["icu"]["spent"]["epsilon"] == 3.0
    assert facts["hospital"]["populations"] == ["icu", "ward"]
    assert facts["hospital"]["spent"]["epsilon"] == facts["hospital"]["spent"]["advance_epsilon"]
    shown = table(hospital, "hospital")
    assert shown.title == "group hospital: icu, ward"
    assert shown.rows[0][6] == "icu, ward"
    assert "cap: epsilon 50, delta 1e-05; left: epsilon 45" in shown.totals
    assert "group hospital" in table(hospital, "icu").title
