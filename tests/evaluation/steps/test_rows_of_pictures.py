"""The whole evaluation of copies with pictures: nothing about them is passed over in silence."""

import json

import numpy as np
import pytest

from dpsynth.cli.summary import summary
from dpsynth.data.records import Records
from dpsynth.evaluation import fidelity, leakage, utility
from dpsynth.evaluation.fidelity import picture_features
from dpsynth.evaluation.fidelity.picture_features import trained
from dpsynth.evaluation.report import write_report
from dpsynth.evaluation.run import evaluate
from dpsynth.evaluation.verdict import verdicts

NAMES = [
    *fidelity.PICTURES, *fidelity.LOOKS, *fidelity.MANIFOLD, *fidelity.VARIETY,
    *utility.PICTURES,
    *leakage.PICTURES, *leakage.SEEN_PICTURES, *leakage.MOVED_PICTURES, *leakage.READERS,
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def quick():
    """A network that learnt less: enough to see, in seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(picture_features, "PATIENTS", 100)
        patch.setattr(picture_features, "STEPS", 30)
        trained.cache_clear()
        yield
    trained.cache_clear()


@pytest.fixture(scope="module")
def people(pictured_tokens):
    make, book = pictured_tokens

    def records(patients: int, seed: int) -> Records:
        return book.decode(make(patients, seed), np.random.default_rng(seed))

    return records


@pytest.fixture(scope="module")
def judged(people, picture_schema, pictured_tokens):
    """How copies by name are judged."""
    train, holdout = people(300, 1), people(300, 2)

    def judge(copy: Records):
        return evaluate(train, holdout, copy, picture_schema, pictured_tokens[1])

    fresh = people(300, 3)
    grey = np.full_like(fresh.pictures, 128)
    moved = train.pictures[..., ::-1, :].copy()
    moved[..., 1:, :] = moved[..., :-1, :].copy()
    return {
        "fresh": judge(fresh),
        "moved": judge(Records(train.keys, train.static, train.visits, moved)),
        "copied": judge(train),
        "grey": judge(Records(fresh.keys, fresh.static, fresh.visits, grey)),
        "empty": judge(fresh.take(np.zeros(0, dtype=np.int64))),
    }


def test_every_metric_of_pictures_is_there_with_its_references(judged):
    for found in judged.values():
        for name in NAMES:
            row = found.get(name)
            assert row is not None
            few = "ten for each of 20" in row.real.note  # of an empty copy it is not asked
            assert few or (row.real.assessable and row.control.assessable), name


def test_fresh_pictures_get_good_marks(judged):
    _, useful, _, leak = verdicts(judged["fresh"])
    assert useful.level == "good" and "pictures of real patients" in useful.why[0]
    assert leak.level == "good"
    reached = {r.metric: r.reached for r in judged["fresh"].rows if r.metric in NAMES}
    assert min(reached[name] for name in fidelity.PICTURES) > 0.8


def test_each_class_has_a_row_of_its_own(judged):
    rows = {r.group: r for r in judged["fresh"].rows if r.metric == "class_kid"}
    assert set(rows) == {"ill false", "ill true"}
    for row in rows.values():
        assert row.family == "bias" and row.value.assessable
        assert row.value.high < row.control.low  # pictures of the other class are told apart
    assert not judged["empty"].get("class_kid", "ill true").value.assessable


def test_classes_with_few_patients_are_not_assessed(people, picture_schema, pictured_tokens):
    found = evaluate(
        people(90, 1), people(60, 2), people(90, 3), picture_schema, pictured_tokens[1]
    )
    row = found.get("class_kid", "ill true")
    assert "fewer than 40 real patients held out" in row.value.note
    assert "fewer than 40" in row.real.note


def test_a_plain_copy_is_found_by_its_pictures(judged):
    # Eight kinds of patients by columns: only the pictures can tell who was trained on.
    *_, leak = verdicts(judged["copied"])
    assert leak.level == "poor"
    assert any("Pictures near trained-on ones" in why for why in leak.why)


def test_a_flipped_and_shifted_copy_is_found(judged):
    *_, leak = verdicts(judged["moved"])
    assert any("flipped or shifted" in why for why in leak.why)
    # Half of the training patients are compared, so half of the copy is seen to be one.
    assert judged["moved"].get("picture_copies").value.value == pytest.approx(0.5, abs=0.05)
    assert judged["moved"].get("near_ratio").value.high > 0.9  # pixel by pixel it is not


def test_pictures_that_show_nothing_are_worth_nothing(judged):
    _, useful, _, leak = verdicts(judged["grey"])
    assert useful.level == "unknown" and "all alike" in useful.why[0]
    assert leak.level == "good"
    assert judged["grey"].get("picture_tstr_auc").value.value == 0.5
    assert judged["grey"].get("shade_tv").reached < 0.5


def test_a_copy_of_nobody_is_not_assessed_and_does_not_crash(judged):
    for name in ("shade_tv", "near_ratio"):
        assert not judged["empty"].get(name).value.assessable
    assert any("Pictures: " in line for line in summary(judged["fresh"]))


def test_the_report_tells_of_pictures(judged, tmp_path):
    page, data = write_report(judged["fresh"], tmp_path, title="Scans")
    text = page.read_text()
    for title in ("Shades of pictures", "Mean picture of each class", "Reading real pictures"):
        assert title in text
    assert "Pictures near trained-on ones" in text
    found = json.loads(data.read_text())
    assert set(NAMES) <= {row["metric"] for row in found["rows"]}
    assert "INTERNAL" in text and "Pictures of class true" in text
    assert [each["name"] for each in found["figures"]["pictures"]] == ["false", "true"]
    assert {"picture_roc", "picture_calibration"} <= {p["name"] for p in found["figures"]["plots"]}


def test_records_without_pictures_have_no_such_rows(clinic, clinic_plan, clinic_codec):
    found = evaluate(clinic(60, 1), clinic(60, 2), clinic(60, 3), clinic_plan, clinic_codec)
    assert not {row.metric for row in found.rows} & set(NAMES)
    assert not any("Pictures: " in line for line in summary(found))
