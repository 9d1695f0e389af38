"""The whole evaluation: every value between its references, whatever the copy is like."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from dpsynth.data.codec import Tokens, codec
from dpsynth.data.records import Records
from dpsynth.errors import DataError
from dpsynth.evaluation import bias, fidelity, leakage, utility
from dpsynth.evaluation.absent import completed, missing_columns
from dpsynth.evaluation.evaluation import Evaluation
from dpsynth.evaluation.run import evaluate
from dpsynth.evaluation.verdict import verdicts

N = 400


@pytest.fixture(scope="module")
def data(clinic, clinic_plan, clinic_codec):
    return clinic_plan, clinic_codec, clinic(N, 1), clinic(N, 2)


@pytest.fixture(scope="module")
def fresh(data, clinic) -> Evaluation:
    """A perfect copy: other patients of the same clinic."""
    plan, book, train, holdout = data
    return evaluate(train, holdout, clinic(N, 3), plan, book)


@pytest.fixture(scope="module")
def copied(data) -> Evaluation:
    """The worst leak: the training patients themselves."""
    plan, book, train, holdout = data
    return evaluate(train, holdout, train, plan, book)


def test_every_metric_of_every_table_is_there(fresh):
    found = {row.metric for row in fresh.rows}
    tables = (fidelity.METRICS, fidelity.TIMING, utility.METRICS, leakage.METRICS)
    tables += (bias.METRICS, bias.RATES, bias.SHRUNK, bias.TESTED, bias.ADDED)
    tables += (utility.FAMILIES, utility.CALIBRATION, utility.TRANSFER)
    tables += (utility.CONTEST, utility.INFERENCE)
    tables += (leakage.COPIES, leakage.SECRETS, leakage.NEAR, leakage.LEGACY)
    change = {*fidelity.CHANGE, *fidelity.UNSEEN} - {"missing_over_time"}  # nothing is missing
    records = {*fidelity.RECORDS, *fidelity.NEIGHBOURS} - {"missing_tv"}
    assert found == set().union(*tables, change, records)


def test_no_metric_is_without_its_two_references(fresh):
    for row in fresh.rows:
        if row.value.assessable:
            assert row.real.assessable, row.metric
            assert row.control.assessable, row.metric
        assert row.real_name
        assert row.control_name
        assert row.reading.endswith(".")


def test_intervals_hold_their_value(fresh):
    for row in fresh.rows:
        for each in (row.value, row.real, row.control):
            if each.assessable:
                assert each.low <= each.value <= each.high


def test_references_tell_good_from_bad(fresh):
    # Where a control could not be told from real patients the metric would be worth nothing.
    headline = ("tv1", "tv2", "transition_tv", "length_tv", "c2st_auc", "gap_ks", "tstr_auc")
    for name in (*headline, "membership_auc"):
        row = fresh.get(name)
        worse = row.control.low if row.better == "lower" else -row.control.high
        good = row.real.high if row.better == "lower" else -row.real.low
        assert worse > good, name


def test_fresh_patients_of_the_same_clinic_get_good_marks(fresh):
    like, useful, _, leak = verdicts(fresh)
    assert like.level == "good"
    assert useful.level == "good"
    assert leak.level == "good"


def test_a_copy_of_the_training_patients_is_caught(copied):
    like, _, _, leak = verdicts(copied)
    assert like.level == "good"
    assert leak.level == "poor"
    assert copied.get("copy_rate").value.value == 1.0


def test_a_seed_fixes_everything_but_the_clock(data, clinic):
    plan, book, train, holdout = data
    some = [each.take(np.arange(80)) for each in (train, holdout, clinic(80, 3))]
    first, again = (evaluate(*some, plan, book, seed=5).to_json() for _ in range(2))
    for each in (first, again):
        del each["seconds"]
    assert again == first


def test_json_has_no_nan(fresh):
    text = json.dumps(fresh.to_json(), allow_nan=False)
    row = json.loads(text)["rows"][0]
    assert {"metric", "family", "group", "value", "low", "high", "n", "real", "control"} <= set(row)


def test_progress_counts_to_the_end(data):
    plan, book, train, holdout = data
    seen: list[tuple[str, int, int]] = []
    some = [each.take(np.arange(60)) for each in (train, holdout, train)]
    evaluate(*some, plan, book, progress=lambda *said: seen.append(said))
    assert [done for _, done, _ in seen] == list(range(len(seen)))
    assert seen[-1][1] == seen[-1][2]


@pytest.mark.parametrize("patients", [0, 1, 7])
def test_hardly_any_synthetic_patients_never_crash(data, patients):
    plan, book, train, holdout = data
    some = [each.take(np.arange(150)) for each in (train, holdout)]
    made = evaluate(*some, train.take(np.arange(patients)), plan, book)
    json.dumps(made.to_json(), allow_nan=False)
    assert made.synthetic == patients
    assert len(verdicts(made)) == 4
    if not patients:
        assert "there are no synthetic patients" in made.notes
        assert made.get("tv1").value.value == 1.0


def test_absent_columns_are_noted_and_count_as_missing(data, copied):
    plan, book, train, holdout = data
    poor = Records(
        train.keys, train.static.drop(columns="age"), train.visits.drop(columns=["therapy"])
    )
    some = [each.take(np.arange(150)) for each in (train, holdout, poor)]
    made = evaluate(*some, plan, book)
    assert any("'age'" in note for note in made.notes)
    assert any("'therapy'" in note for note in made.notes)
    assert made.get("tv1").value.low > copied.get("tv1").value.high


def test_completing_adds_only_what_is_absent(data):
    _, book, train, _ = data
    poor = Records(train.keys, train.static, train.visits.drop(columns=["time"]))
    assert missing_columns(poor, book) == ["time"]
    made = completed(poor, book)
    assert not missing_columns(made, book)
    assert made.visits["time"].max() == 3
    assert completed(train, book) is train


def test_real_records_must_be_complete(data):
    plan, book, train, holdout = data
    poor = Records(train.keys, train.static.drop(columns="age"), train.visits)
    with pytest.raises(DataError, match="lack age"):
        evaluate(poor, holdout, train, plan, book)
    with pytest.raises(DataError, match="empty"):
        evaluate(train, holdout.take(np.array([], dtype=int)), train, plan, book)


def test_without_label_or_groups_the_rest_is_measured(data):
    plan, _, train, holdout = data
    table = plan.tables["patients"]
    columns = {
        name: column.model_copy(update={"sensitive": False})
        for name, column in table.columns.items()
    }
    tables = {**plan.tables, "patients": table.model_copy(update={"columns": columns})}
    bare = plan.model_copy(update={"label": None, "tables": tables})
    some = [each.take(np.arange(80)) for each in (train, holdout, train)]
    made = evaluate(*some, bare, codec(bare))
    assert {row.family for row in made.rows} == {"fidelity", "leakage"}
    assert [v.level for v in verdicts(made)][1:3] == ["unknown", "unknown"]
    assert len(made.notes) == 3  # no label, no groups, no coins


def test_one_class_in_the_copy_gets_no_mark_for_use(data):
    plan, book, train, holdout = data
    same = Records(train.keys, train.static.assign(died="false"), train.visits)
    some = [each.take(np.arange(120)) for each in (train, holdout, same)]
    made = evaluate(*some, plan, book)
    row = made.get("tstr_auc")
    assert row.value.value == 0.5
    assert row.reached is None
    assert verdicts(made)[1].level == "unknown"


def test_static_data_and_grids_are_measured(grid_codec, grid_plan):
    rng = np.random.default_rng(0)
    sides = []
    for _ in range(3):
        tokens = Tokens(
            static=rng.integers(0, 2, (120, 1)).astype(np.int16),
            visits=rng.integers(0, 2, (120, 3, 1)).astype(np.int16),
            length=np.full(120, 3, dtype=np.int16),
        )
        sides.append(grid_codec.decode(tokens, rng))
    made = evaluate(*sides, grid_plan, grid_codec)
    assert made.get("length_tv") is None
    assert made.get("gap_ks") is None
    assert made.visits is None
    assert math.isfinite(made.get("transition_tv").value.value)
    book = grid_codec.__class__(static=grid_codec.static, visit=(), max_visits=0)
    flat = grid_plan.model_copy(update={"tables": {"patients": grid_plan.tables["patients"]}})
    only = [Records(s.keys, s.static, s.visits.iloc[:0]) for s in sides]
    made = evaluate(*only, flat, book)
    single = {"tv1", "c2st_auc", "c2st_p", "category_coverage", *fidelity.NEIGHBOURS}
    assert {row.metric for row in made.rows if row.family == "fidelity"} <= single
    assert made.transitions == ()
