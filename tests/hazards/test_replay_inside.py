"""Neighbour replay inside the door: no noise, forced batches, one adversarial patient.

Each answer of two neighbouring data sets, from raw files on, differs by at most what is
charged for it; for gradients the clipping norm, without slack.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from adversaries import ADVERSARIES, JOINS, VISITS, WARD, schema, written

from dpsynth.data.codec import Codec, codec
from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.models.masked import MaskedObjective
from dpsynth.models.nets.visit_net import VisitNet
from dpsynth.models.warm import questions as warm
from dpsynth.models.warm.logits import OwnLogits
from dpsynth.models.warm.score_tables import score_tables
from dpsynth.models.workload import anchor, markov_workload
from dpsynth.privacy import door as door_module
from dpsynth.privacy.door import Door, noised_size
from dpsynth.privacy.moments import ClassSums, LabelMoments, VisitMoments, known_scale
from dpsynth.privacy.plan import DPSGD, Plan, Release
from dpsynth.privacy.query import Query, Slot, joint_sensitivity

CLIP = 0.3
SCHEMA = schema()
COLUMNS = SCHEMA.columns("patient") | SCHEMA.columns("visit")
PLAN = Plan(
    epsilon=1.0,
    delta=1e-5,
    population=60,
    releases=(
        Release(name="bounds", noise_multiplier=0.5),
        Release(name="categories", noise_multiplier=0.5, threshold_delta=1e-6),
        Release(name="tables", noise_multiplier=1.0),
    ),
    training=DPSGD(
        noise_multiplier=1.0,
        clip_norm=CLIP,
        sample_rate=0.5,
        expected_batch=30.0,
        steps=9,
        views=2,
    ),
)


class Silent:
    """No noise at all; those join whose keys are told, and the adversary."""

    def __init__(self, records: Records) -> None:
        chosen = [str(key)[-1] in "048" for key in records.keys]  # even keys only
        self._joining = np.flatnonzero(np.array(chosen) | (records.keys == JOINS))

    def normal(self, size: int) -> np.ndarray:
        return np.zeros(size)

    def join(self, patients: int, rate: float) -> np.ndarray:
        return self._joining

    def two_sided_geometric(self, epsilon: float) -> int:
        return 0

    def seed(self) -> int:
        return 11


def opened(records: Records, book: Codec | None = None) -> Door:
    door = Door(records, plan=PLAN, randomness=Silent(records))
    if book is not None:
        door.use(book)
    return door


def records_of(folder, who: str | None) -> Records:
    return read(written(folder, who), SCHEMA)[0]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Records:
    return records_of(tmp_path_factory.mktemp("base"), None)


@pytest.fixture(scope="module", params=sorted(ADVERSARIES))
def joined(request, tmp_path_factory) -> Records:
    return records_of(tmp_path_factory.mktemp("joined"), request.param)


@pytest.fixture(scope="module")
def book(base) -> Codec:
    return codec(SCHEMA, opened(base).discover(COLUMNS, VISITS))


def released(records: Records, monkeypatch) -> tuple[dict, dict]:
    """Private columns' weights as the door has them, before anything is made of them."""
    grids, tables = {}, {}
    number_field, category_field = door_module.number_field, door_module.category_field

    def numbers(name, column, noisy, noise_sd):
        grids[name] = noisy
        return number_field(name, column, noisy, noise_sd)

    def texts(name, column, noisy, least):
        tables[name] = dict(noisy)
        return category_field(name, column, noisy, least)

    monkeypatch.setattr(door_module, "number_field", numbers)
    monkeypatch.setattr(door_module, "category_field", texts)
    opened(records).discover(COLUMNS, VISITS)
    return grids, tables


def test_the_noised_size_moves_by_at_most_1(base, joined):
    assert len(base) == 40
    sizes = [noised_size(each, 1.0, Silent(each)) for each in (base, joined)]
    assert sizes[1] - sizes[0] in (0, 1)


def test_nobody_elses_records_change(base, joined):
    others = joined.take(np.flatnonzero(joined.keys != JOINS))
    assert others.keys.tolist() == base.keys.tolist()
    assert others.static.equals(base.static)
    assert others.visits.equals(base.visits)


def test_found_bins_and_categories_move_by_at_most_1_a_column(base, joined, monkeypatch):
    grids, tables = zip(*(released(each, monkeypatch) for each in (base, joined)), strict=True)
    moved = [np.abs(grids[1][name] - grids[0][name]).sum() for name in ("weight", "marker")]
    for name in ("ward", "drug"):
        cells = tables[0][name].keys() | tables[1][name].keys()
        moved.append(sum(abs(tables[1][name].get(c, 0) - tables[0][name].get(c, 0)) for c in cells))
    assert max(moved) <= 1 + 1e-12


def test_a_category_of_ones_own_is_not_revealed(tmp_path):
    records = records_of(tmp_path, "unseen categories")
    found = opened(records).discover(COLUMNS, VISITS)
    assert not [name for each in found.values() for name in each.categories if WARD in name]
    assert found["ward"].categories == ("east", "north", "south", "other")
    assert any(WARD in str(ward) for ward in records.static["ward"])  # and was there


def test_tables_move_by_at_most_the_joint_sensitivity(base, joined, book):
    queries = markov_workload(book, anchor(SCHEMA, book))
    queries += [
        Query((Slot("static", 2), Slot("length"), Slot("last", 1)), weight=2.0),
        Query((Slot("turn"), Slot("now", 3)), weight=0.5),
    ]
    one, other = (opened(each, book).measure("tables", queries) for each in (base, joined))
    moved = [b - a for a, b in zip(one, other, strict=True)]
    assert max(np.abs(each).sum() for each in moved) <= 1 + 1e-12
    scaled = [q.weight * each.ravel() for q, each in zip(queries, moved, strict=True)]
    assert np.linalg.norm(np.concatenate(scaled)) <= joint_sensitivity(queries) + 1e-12


def asked_by_a_warm_start(base: Records, book: Codec, clip: float) -> list:
    """Its tables and moments, with look-up tables as it makes them, from the base's answers."""
    tables, label = warm.questions(book), anchor(SCHEMA, book)
    found = warm.read(book, opened(base, book).measure("tables", tables), 0.1)
    scores, last = score_tables(book, found.histograms(book), label)
    size = scores.widths[0] + scores.widths[2]
    turned = np.linalg.qr(np.random.default_rng(5).normal(size=(size, size)))[0]
    held = {"scores": scores, "clip": clip, "weight": 0.5}
    sums = ClassSums(label=label, last=last, centre=np.zeros(size), whiten=turned, **held)
    labels = []
    for field in range(len(book.visit)):
        told = len(known_scale(scores, field, 1.0))
        turned = {"centre": np.zeros(told), "whiten": np.eye(told), "clip": (clip, clip)}
        labels.append(LabelMoments(scores=scores, field=field, **turned))
    return [*tables, VisitMoments(**held), *labels, sums]


@pytest.mark.parametrize("clip", [0.1, 5.0])
def test_a_warm_starts_answers_move_by_at_most_what_is_charged(base, joined, book, clip):
    asked = asked_by_a_warm_start(base, book, clip)
    one, other = (opened(each, book).measure("tables", asked) for each in (base, joined))
    moved = [b - a for a, b in zip(one, other, strict=True)]
    assert all(np.isfinite(each).all() for each in moved)
    for question, each in zip(asked, moved, strict=True):
        assert np.linalg.norm(each) <= question.sensitivity * (1 + 1e-9)
    scaled = [q.weight * each.ravel() for q, each in zip(asked, moved, strict=True)]
    assert np.linalg.norm(np.concatenate(scaled)) <= joint_sensitivity(asked) * (1 + 1e-9)
    if JOINS in joined.keys and clip < 1:  # whoever joins is clipped: the bound is tried
        assert np.linalg.norm(moved[-1]) > 0.999 * asked[-1].sensitivity


def own_logits(book: Codec) -> OwnLogits:
    """Of some noisy tables: what a step of the real model starts from."""
    rng = np.random.default_rng(5)
    sizes = [field.size for field in book.visit]
    facts = [i for i in range(len(book.static)) if i != anchor(SCHEMA, book)]
    static = [rng.normal(size=field.size) for field in book.static]
    counted = [] if book.regular else [len(static)]
    static.append(rng.normal(size=book.max_visits + 1))
    steps = [rng.normal(size=(size, size)) for size in sizes]
    first = [rng.normal(size=size) for size in sizes]
    chain = SimpleNamespace(static=static, first=first, step=steps)
    return OwnLogits(chain, [*facts, *counted])


def trained(book: Codec) -> tuple[VisitNet, MaskedObjective]:
    """The real network and objective, with weights so large that clipping binds."""
    objective = MaskedObjective.of(book, anchor(SCHEMA, book))
    objective.base = own_logits(book)
    net = VisitNet(
        objective.static_sizes, objective.visit_sizes, book.max_visits, width=16, depth=1
    )
    generator = torch.Generator().manual_seed(3)
    for p in net.parameters():
        p.data = torch.randn(p.shape, generator=generator)
    return net, objective


def clipped(records: Records, book: Codec) -> torch.Tensor:
    """What a step says, times the public divisor: the sum of clipped gradients."""
    net, objective = trained(book)
    opened(records, book).step(net, objective)
    whole = torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])
    return whole.double() * PLAN.training.expected_batch


def test_a_step_moves_by_at_most_the_clipping_norm(base, joined, book):
    moved = clipped(joined, book) - clipped(base, book)
    assert moved.isfinite().all()
    assert moved.norm() <= CLIP
    if JOINS in joined.keys:  # clipping binds: the bound is tried
        come = book.encode(joined.take(np.flatnonzero(joined.keys == JOINS))).length > 0
        assert moved.norm() > (0.9 * CLIP if come.all() else -1.0)  # of no visit nothing is learnt


def test_the_replay_sees_maskings_that_shift_when_a_patient_joins(
    base, book, tmp_path, monkeypatch
):
    # Power of the test above: one generator for the whole batch, as most systems have it.
    class Shared:
        def __init__(self, keys, seed, views=1):
            self.rows = len(keys) * views
            self.generator = torch.Generator().manual_seed(seed)

        def uniform(self, *shape):
            return torch.rand(self.rows, *shape, generator=self.generator)

    monkeypatch.setattr(door_module, "RowDraws", Shared)
    other = records_of(tmp_path, "maximum length")
    assert (clipped(other, book) - clipped(base, book)).norm() > CLIP


@pytest.mark.parametrize("gone", [0, 20, 39])
def test_leaving_moves_no_more_than_joining(base, book, gone):
    rest = base.take(np.delete(np.arange(40), gone))
    queries = markov_workload(book, anchor(SCHEMA, book))
    one, other = (opened(each, book).measure("tables", queries) for each in (base, rest))
    assert max(np.abs(b - a).sum() for a, b in zip(one, other, strict=True)) <= 1 + 1e-12
    assert (clipped(base, book) - clipped(rest, book)).norm() <= CLIP


def test_the_rarest_class_is_noised_like_any_other(base, book):
    # One patient more in a class of one: no table is divided by a class's size.
    queries = [Query((Slot("static", 4), Slot("first", 1)))]
    only = base.take(np.flatnonzero(base.static["died"].to_numpy() == "false"))
    one = base.take(np.append(np.flatnonzero(base.static["died"].to_numpy() == "false"), 0))
    with_, without = (opened(each, book).measure("tables", queries)[0] for each in (one, only))
    assert np.abs(with_ - without).sum() <= 1 + 1e-12
