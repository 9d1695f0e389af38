"""The rows about groups: plants that they must find, and what they say of small cells."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.data.records import Records
from dpsynth.evaluation.case import Case, Side
from dpsynth.evaluation.evaluation import Row
from dpsynth.evaluation.steps import groups, propagation, within_groups
from dpsynth.evaluation.steps.groups import split

N = 1600


def unfair(records: Records, seed: int) -> Records:
    """The same patients, but that the label of women is dealt out at random."""
    rng = np.random.default_rng(seed)
    static = records.static.copy()
    women = np.flatnonzero(static["sex"] == "f")
    column = static.columns.get_loc("died")
    static.iloc[women, column] = static.iloc[rng.permutation(women), column].to_numpy()
    return Records(records.keys, static, records.visits)


@pytest.fixture(scope="module")
def made(clinic, clinic_plan, clinic_codec):
    """Makes a case from a copy, and maybe one without noise."""
    drawn = [clinic(N, seed) for seed in (1, 2, 3, 4)]

    def case(copy: str, bare: str | None = None) -> Case:
        kinds = {"fair": drawn[2], "unfair": unfair(drawn[3], 0)}
        sides = [
            Side(records=each, tokens=clinic_codec.encode(each))
            for each in (*drawn[:2], kinds[copy], kinds[bare or copy])
        ]
        return Case(
            train=sides[0],
            holdout=sides[1],
            synthetic=sides[2],
            unprotected=sides[3] if bare else None,
            schema=clinic_plan,
            codec=clinic_codec,
            seed=0,
        )

    return case


def get(rows: list[Row], metric: str, group: str) -> Row:
    (found,) = (each for each in rows if (each.metric, each.group) == (metric, group))
    return found


def test_a_gap_that_privacy_adds_is_told_from_the_generators(made):
    # The copy without noise is fair, so all of the gap is of privacy. Women are ranked nearly by
    # chance, an AUC lost of about 0.3; its standard error is about 0.03.
    rows = propagation.split_rows(made("unfair", "fair"))
    assert get(rows, "gap_by_privacy", "sex").value.low > 0
    generator = get(rows, "gap_by_generator", "sex").value
    assert generator.low < 0.1
    assert get(rows, "gap_by_privacy", "sex").value.value > generator.value + 0.1


def test_a_gap_that_the_generator_adds_is_told_from_privacys(made):
    rows = propagation.split_rows(made("unfair", "unfair"))
    assert get(rows, "gap_by_generator", "sex").value.low > 0
    assert get(rows, "gap_by_privacy", "sex").value.value == 0


def test_the_parts_are_the_gap_of_the_copy(made):
    case = made("unfair", "fair")
    rows, whole = propagation.split_rows(case), groups.group_rows(case)
    names = ("gap_already_there", "gap_by_generator", "gap_by_privacy")
    parts = sum(get(rows, name, "sex").value.value for name in names)
    assert parts == pytest.approx(get(whole, "auc_gap", "sex").value.value)


def test_an_unfair_copy_is_found_and_a_fair_one_is_not(made):
    unlike, alike = made("unfair"), made("fair")
    assert get(propagation.tested_rows(unlike), "worst_gap", "sex").value.note == "p = 0.005"
    assert get(propagation.added_rows(unlike), "auc_gap_added", "sex").value.low > 0
    fair = get(propagation.added_rows(alike), "auc_gap_added", "sex")
    assert fair.value.low <= 0
    assert abs(fair.value.value) < 0.1
    assert abs(fair.real.value) < 0.1


def test_an_unfair_copy_washes_out_what_ties_groups_to_the_label(made):
    # Labels of women are dealt out among women: sex keeps its tie to death, age loses half.
    rows = propagation.amplified_rows(made("unfair"))
    assert abs(get(rows, "bias_amplification", "sex").value.value) < 0.1
    found = get(rows, "bias_amplification", "age")
    assert found.value.high < 0
    assert found.control.value < found.value.value


def test_intersections_are_listed_and_small_ones_not_assessable(made):
    case = made("fair")
    rows = groups.share_rows(case)
    names = [each.name for each in split(case).crossed["sex x age"]]
    found = [get(rows, "group_share", name) for name in names]
    # Control: half of the sexes, two of eleven codes of age.
    assert found[1].control.value == pytest.approx(1 / 2 * 2 / 11)
    few = Case(
        train=case.train,
        holdout=case.holdout.take(np.arange(150)),
        synthetic=case.synthetic,
        schema=case.schema,
        codec=case.codec,
        seed=0,
    )
    small = [each for each in groups.share_rows(few) if "," in each.group]
    assert small
    for each in small:
        assert not each.value.assessable
        assert each.value.note == f"{each.value.n} patients, fewer than 50"
        assert each.real.assessable
    assert sum(each.value.n for each in small) == 150


def test_rows_of_every_group_are_made_once(made):
    case = made("fair")
    rows = [
        row
        for part in (groups, propagation, within_groups)
        for _, s in part.steps(case)
        for row in s()
    ]
    keys = [(row.metric, row.group) for row in rows]
    assert len(keys) == len(set(keys))
    assert "gap_by_privacy" not in {name for name, _ in keys}


def test_a_collapsed_group_is_found(made):
    # All women of the copy are the first of them.
    case = made("fair")
    tokens = case.synthetic.tokens
    women = split(case).single["sex"][0].members(tokens, case.codec)
    same = case.synthetic.take(np.where(women, np.flatnonzero(women)[0], np.arange(N)))
    poor = Case(
        train=case.train,
        holdout=case.holdout,
        synthetic=same,
        schema=case.schema,
        codec=case.codec,
        seed=0,
    )
    rows = within_groups.likeness_rows(poor)
    assert get(rows, "group_tv1", "sex f").value.low > get(rows, "group_tv1", "sex f").real.high
    men = get(rows, "group_tv1", "sex m")
    assert men.value.low < men.real.high


def test_a_group_that_was_copied_is_found(made):
    # The men of the copy are trained-on patients: five standard errors of an AUC of 500 against
    # 500 are below 0.1.
    case = made("fair")
    men = split(case).single["sex"][1]
    own = np.flatnonzero(men.members(case.train.tokens, case.codec))
    poor = Case(
        train=case.train,
        holdout=case.holdout,
        synthetic=case.train.take(own),
        schema=case.schema,
        codec=case.codec,
        seed=0,
    )
    rows = within_groups.leakage_rows(poor)
    assert get(rows, "group_membership_auc", "sex m").value.low > 0.6
    assert abs(get(rows, "group_membership_auc", "sex f").value.value - 0.5) < 0.1


def test_remarks_say_of_whom_an_attribute_is_unknown(made):
    case = made("fair")
    assert groups.remarks(case)[0].startswith("sensitive attribute 'sex': missing for 0.0%")
    assert propagation.remarks(case) == []
    assert "delete it" in propagation.remarks(made("fair", "unfair"))[0]
    static = case.synthetic.records.static.copy()
    static.loc[: N // 4 - 1, "age"] = np.nan
    records = Records(case.synthetic.records.keys, static, case.synthetic.records.visits)
    gaps = Case(
        train=case.train,
        holdout=case.holdout,
        synthetic=Side(records=records, tokens=case.codec.encode(records)),
        schema=case.schema,
        codec=case.codec,
        seed=0,
    )
    assert "25.0% of the copy; 4 groups, ranges" in groups.remarks(gaps)[1]


def test_remarks_say_how_groups_were_made_and_what_is_not_compared(made):
    case = made("fair")
    sex, age, unnamed = groups.remarks(case)
    assert "2 groups, one for each category" in sex
    assert "fewer than" not in sex
    assert "ranges of the schema's bins" in age
    assert "not absent" in unnamed
    few = Case(
        train=case.train,
        holdout=case.holdout.take(np.arange(60)),
        synthetic=case.synthetic,
        schema=case.schema,
        codec=case.codec,
        seed=0,
    )
    assert groups.remarks(few)[0].endswith("2 of fewer than 50 holdout patients")
