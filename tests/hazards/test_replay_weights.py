"""Neighbour replay with weights of groups: from raw files to answers and to a training step."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from adversaries import ADVERSARIES, JOINS
from test_replay_inside import (
    CLIP,
    COLUMNS,
    PLAN,
    SCHEMA,
    VISITS,
    Silent,
    asked_by_a_warm_start,
    opened,
    records_of,
    trained,
)

from dpsynth.data.codec import codec
from dpsynth.data.reader import read
from dpsynth.errors import InputError
from dpsynth.privacy.audit import Auditor, Canaries, Transcript
from dpsynth.privacy.door import Door
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.grad import clipped_sum
from dpsynth.privacy.plan import DPSGD
from dpsynth.privacy.query import Query, Slot, joint_sensitivity
from dpsynth.privacy.weights import GroupWeights, weighed
from dpsynth.schema import Clock, Column, Schema, Table

# Of the adversaries some are women, some men, some of a sex that is not known or not listed.
WEIGHTS = {
    "women heavy": {"sex": {"f": 1, "m": 0.05, "other": 0.05, "(missing)": 0.05}},
    "men heavy": {"sex": {"f": 0.05, "m": 1}},
    "intersections": {"sex": {"f": 0.3, "m": 1}, "age": {"..60": 0.2, "60..": 1}},
}
# A patient whose sex changes from row to row of the file, and from known to unknown.
TURNS = {
    "f then m": ([f"{JOINS},50,80,f,north,1", f"{JOINS},50,80,m,south,1"], 4),
    "m then f": ([f"{JOINS},50,80,m,north,1", f"{JOINS},50,80,f,south,1"], 4),
    "unknown then f": ([f"{JOINS},,80,,north,1", f"{JOINS},70,80,f,south,1"], 2),
}
HARD = ("1e20", "NaN", "maximum length", "unseen categories", "a copy of another")
ALL = {who: ADVERSARIES[who] for who in (*HARD, "visits without facts")} | {
    who: (facts, [f"{JOINS},{day},5,5,none,1" for day in range(days)])
    for who, (facts, days) in TURNS.items()
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return records_of(tmp_path_factory.mktemp("base"), None)


@pytest.fixture(scope="module", params=sorted(ALL))
def joined(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ADVERSARIES, request.param, ALL[request.param])
        return records_of(tmp_path_factory.mktemp("joined"), request.param)


@pytest.fixture(scope="module")
def book(base):
    return codec(SCHEMA, opened(base).discover(COLUMNS, VISITS))


@pytest.fixture(params=sorted(WEIGHTS))
def groups(request):
    return GroupWeights.of(WEIGHTS[request.param])


def test_weighed_answers_move_by_at_most_what_is_charged(base, joined, book, groups):
    asked = weighed(asked_by_a_warm_start(base, book, 0.1), groups)
    one, other = (opened(each, book).measure("tables", asked) for each in (base, joined))
    moved = [b - a for a, b in zip(one, other, strict=True)]
    for question, each in zip(asked, moved, strict=True):
        assert np.isfinite(each).all()
        assert np.linalg.norm(each) <= question.sensitivity * (1 + 1e-9)
    scaled = [q.weight * each.ravel() for q, each in zip(asked, moved, strict=True)]
    assert np.linalg.norm(np.concatenate(scaled)) <= joint_sensitivity(asked) * (1 + 1e-9)


def stepped(records, book, groups, auditor=None) -> torch.Tensor:
    """The sum of clipped and weighed gradients."""
    net, objective = trained(book)
    plan = replace(PLAN, groups=groups)
    door = Door(records, plan=plan, randomness=Silent(records), auditor=auditor)
    door.use(book)
    door.step(net, objective)
    whole = torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])
    return whole.double() * PLAN.training.expected_batch


def test_a_weighed_step_moves_by_at_most_the_weight_times_the_clipping_norm(
    base, joined, book, groups
):
    moved = stepped(joined, book, groups) - stepped(base, book, groups)
    assert moved.isfinite().all() and moved.norm() <= CLIP
    if JOINS not in joined.keys:
        return
    who = book.encode(joined.take(np.flatnonzero(joined.keys == JOINS)))
    weight = groups.among(who.static, book)[0]
    assert moved.norm() <= CLIP * weight * (1 + 1e-4)
    if who.length[0]:  # the bound is tried: it is the weight that is seen, after clipping
        assert moved.norm() > 0.9 * CLIP * weight


def test_a_weight_before_clipping_would_be_clipped_away(base, book):
    # Why it comes after: gradients are far longer than C, so C is what is left of either.
    net, objective = trained(book)
    tokens = book.encode(base)
    arrays = (tokens.static, tokens.visits, tokens.length)
    rows = [torch.from_numpy(each.astype(np.int64)) for each in arrays]
    keys = torch.arange(len(base))
    shown = objective.prepare(tuple(rows), RowDraws(keys, 5))

    def lighter(model, *rows):
        return 0.05 * objective.loss(model, *rows)

    def length(loss, factors=None):
        sums = clipped_sum(net, loss, shown, clip_norm=1e-6, factors=factors)
        return torch.cat([each.flatten() for each in sums.values()]).norm().item()

    whole = length(objective.loss)
    assert length(lighter) == pytest.approx(whole, rel=1e-3)
    light = torch.full((len(base),), 0.05)
    assert length(objective.loss, light) == pytest.approx(0.05 * whole, rel=1e-3)


def test_whoever_joins_a_step_is_drawn_without_looking_at_weights(base, book, groups):
    asked = []

    class Asked(Silent):
        def join(self, patients, rate):
            asked.append((patients, rate))
            return super().join(patients, rate)

    for each in (None, groups):
        door = Door(base, plan=replace(PLAN, groups=each), randomness=Asked(base))
        door.use(book)
        door.step(*trained(book))
    assert asked == [(40, PLAN.training.sample_rate)] * 2


def test_a_sample_rate_by_group_is_refused():
    with pytest.raises(InputError, match="one number for every patient"):
        DPSGD(
            noise_multiplier=1.0, clip_norm=1.0, sample_rate={"f": 0.1, "m": 0.05},
            expected_batch=4.0, steps=1,
        )  # fmt: skip


@pytest.mark.parametrize("factor", [0.0, -0.1, 1.0 + 1e-6, float("nan"), float("inf")])
def test_a_factor_outside_its_range_stops_the_step(base, book, factor):
    net, objective = trained(book)
    shown = torch.zeros(1, 3)
    with pytest.raises(InputError, match="factors must be in"):
        clipped_sum(net, objective.loss, (shown,), clip_norm=1.0, factors=torch.tensor([factor]))
    with pytest.raises(InputError, match="one for each patient"):
        clipped_sum(net, objective.loss, (shown,), clip_norm=1.0, factors=torch.ones(2))


def test_canaries_have_weight_1_so_that_the_audit_is_of_whoever_is_told_best(base, book, tmp_path):
    # All first codes, as canaries are, would have weight 0.05 here.
    groups = GroupWeights.of({"age": {"..60": 0.05}})
    plan = replace(PLAN, groups=groups)
    auditor = Auditor(Transcript(tmp_path / "t", Canaries.thrown(plan)))
    door = Door(base, plan=plan, randomness=Silent(base), auditor=auditor)
    door.use(book)
    assert auditor.members
    assert door._factors[: auditor.members].tolist() == [1.0] * auditor.members
    some = door._factors[auditor.members :].unique().tolist()
    assert some == pytest.approx([0.05, 1.0])


VISITS_SCHEMA = Schema(
    name="ward",
    population=10,
    max_visits=4,
    tables={
        "visits": Table(
            shape="visits",
            key="id",
            time=Clock(column="day", kind="order"),
            columns={
                "sex": Column(type="category", categories=("f", "m"), per="patient"),
                "pain": Column(type="count", bounds=(0, 10), bins=5),
            },
        )
    },
)


@pytest.mark.parametrize(
    ("turns", "weight"),
    [("fmfm", 1.0), ("mfff", 0.1), ("?fmm", 1.0), ("??m?", 0.1), ("????", 0.5), ("xxfm", 1.0)],
)
def test_a_group_that_changes_between_visits_is_the_first_known_one(tmp_path, turns, weight):
    groups = GroupWeights.of({"sex": {"f": 1, "m": 0.1, "(missing)": 0.5}})
    book = codec(VISITS_SCHEMA)
    asked = weighed(
        [Query((Slot("static", 0),)), Query((Slot("now", 0), Slot("static", 0)), weight=2.0)],
        groups,
    )
    rows = [f"p{k},{day},{'fm'[k % 2]},{day}" for k in range(6) for day in range(3)]
    joins = [f"p9,{day},{sex.replace('?', '')},5" for day, sex in enumerate(turns)]
    answers = []
    for name, lines in (("without", rows), ("with", [*rows[:5], *joins, *rows[5:]])):
        path = tmp_path / name / "visits.csv"
        path.parent.mkdir()
        path.write_text("\n".join(["id,day,sex,pain", *lines]) + "\n")
        tokens = book.encode(read([path], VISITS_SCHEMA)[0])
        answers.append([each.answer(tokens, book) for each in asked])
    moved = [b - a for a, b in zip(*answers, strict=True)]
    for each in moved:  # one weight for all of a patient's visits, never their sum
        assert np.abs(each).sum() == pytest.approx(weight)
