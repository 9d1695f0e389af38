"""Neighbour replay of picture runs: one patient more, who has several pictures.

Inside the door, without noise and with forced batches, from the files on: each answer that
`dct-gaussian` and `image-diffusion` ask for moves by at most what is charged for it, and the
clipped sum of a step by at most the clipping norm. Outside, with the door forced to say the same:
everything that a run of any model leaves is bit-equal.
"""

import shutil

import numpy as np
import pytest
import torch
from adversaries import JOINS
from picture_adversaries import ADVERSARIES, VISITS, schema, written
from test_replay_inside import Silent
from test_replay_pipeline import forced, told  # noqa: F401 - a fixture

from dpsynth.cli.main import run
from dpsynth.data.codec import codec
from dpsynth.data.reader import read
from dpsynth.data.records import Records
from dpsynth.data.schema_file import save_schema
from dpsynth.models.base import quiet
from dpsynth.models.dct_gaussian import DctGaussian
from dpsynth.models.edm import Gaussians
from dpsynth.models.image_diffusion import ImageDiffusion
from dpsynth.models.state import State
from dpsynth.models.warm import fitting, start
from dpsynth.models.waves import Waves
from dpsynth.pipeline import training
from dpsynth.pipeline.training import train
from dpsynth.privacy import door as door_module
from dpsynth.privacy import picture_sums
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.ledger import Ledger
from dpsynth.privacy.plan import DPSGD, Plan, Release
from dpsynth.privacy.query import joint_sensitivity

CPU = torch.device("cpu")
CLIP = 0.3
TINY = {"kept": 4, "width": 16, "depth": 1, "sampling_steps": 4, "save_every": 2, "steps": 4}
SETTINGS = {
    "dct-gaussian": {"kept": 4},
    "image-diffusion": TINY | {"batch": 16},
    "unet": TINY | {"network": "unet", "width": 8, "batch": 16},
    "image-gan": {
        "kept": 4, "fine": 6, "width": 16, "depth": 1, "critic_width": 2, "generated": 16,
        "save_every": 2, "steps": 4, "batch": 16,
    },
    "dp-merf": {"kept": 4, "frequencies": 20, "width": 16, "steps": 4},
}  # fmt: skip
STEPPING = {"image-diffusion", "unet", "image-gan"}  # those that train by DP-SGD
LABELS = ("finding", "ill")


class Overheard(Door):
    """The door, and what was asked of it."""

    def __init__(self, *args, **more) -> None:
        super().__init__(*args, **more)
        self.asked = {}

    def measure(self, name, questions):
        self.asked[name] = list(questions)
        return super().measure(name, questions)


@pytest.fixture(scope="module", autouse=True)
def quick():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start, "ROUNDS", 4)
        patch.setattr(fitting, "PATIENTS", 200)
        yield


def plan(names) -> Plan:
    return Plan(
        epsilon=1.0,
        delta=1e-5,
        population=40,
        releases=tuple(Release(name=name, noise_multiplier=1e-3) for name in names),
        training=DPSGD(
            noise_multiplier=1.0, clip_norm=CLIP, sample_rate=0.5, expected_batch=20.0,
            steps=9, views=2,
        ),
    )  # fmt: skip


def names_of(given) -> list[str]:
    budget = Budget(epsilon=1.0, delta=1e-5, population=40)
    return [each.name for each in DctGaussian.plan(given, budget, 0.0, kept=4).releases]


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """By label: the schema, its plan, all that a run asks, and the Gaussians that it makes."""
    found = {}
    base = tmp_path_factory.mktemp("base")
    files = written(base / "data", None)
    for label in LABELS:
        given = schema(label)
        made = plan(names_of(given))
        records = read(files, given)[0]
        door = Overheard(records, plan=made, randomness=Silent(records))
        door.use(codec(given))
        model = DctGaussian(given, codec(given), made, kept=4)
        model.fit(door, State(base / f"state-{label}"), quiet, CPU)
        found[label] = (given, made, records, door.asked, model._start.pictures.arrays())
    return found


@pytest.fixture(scope="module", params=sorted(ADVERSARIES))
def joined(request, tmp_path_factory):
    """The records with that adversary, by label."""
    files = written(tmp_path_factory.mktemp("joined") / "data", request.param)
    return {label: read(files, schema(label))[0] for label in LABELS}


def opened(records: Records, given, made: Plan) -> Door:
    door = Door(records, plan=made, randomness=Silent(records))
    door.use(codec(given))
    return door


def moved_by(questions, name, one: Door, other: Door) -> list[np.ndarray]:
    pair = zip(one.measure(name, questions), other.measure(name, questions), strict=True)
    return [b - a for a, b in pair]


def test_nobody_elses_pictures_change(asked, joined):
    for label in LABELS:
        base, more = asked[label][2], joined[label]
        others = more.take(np.flatnonzero(more.keys != JOINS))
        assert others.keys.tolist() == base.keys.tolist()
        assert others.static.equals(base.static) and others.visits.equals(base.visits)
        np.testing.assert_array_equal(others.pictures, base.pictures)
        assert not (more.pictures == 200).all(axis=(1, 2, 3)).any()  # what lies outside


@pytest.mark.parametrize("label", LABELS)
def test_every_answer_moves_by_at_most_what_is_charged(asked, joined, label):
    given, made, base, questions, _ = asked[label]
    assert {"means", "lengths", "spread", "texture"} <= questions.keys() == set(names_of(given))
    doors = [opened(each, given, made) for each in (base, joined[label])]
    for name, some in questions.items():
        moved = moved_by(some, name, *doors)
        assert all(np.isfinite(each).all() for each in moved)
        for question, each in zip(some, moved, strict=True):
            assert np.linalg.norm(each) <= question.sensitivity * (1 + 1e-9), name
        scaled = [q.weight * each.ravel() for q, each in zip(some, moved, strict=True)]
        assert np.linalg.norm(np.concatenate(scaled)) <= joint_sensitivity(some) * (1 + 1e-9)


def clipped(records: Records, given, made: Plan, arrays) -> torch.Tensor:
    """What a step of the real model says, times the public divisor; clipping binds."""
    model = ImageDiffusion(given, codec(given), made, **TINY)
    model.objective.gaussians = Gaussians.of(arrays["means"], arrays["roots"], CPU)
    generator = torch.Generator().manual_seed(3)
    for p in model.net.parameters():
        p.data = torch.randn(p.shape, generator=generator)
    opened(records, given, made).step(model.net, model.objective)
    whole = [p.grad.flatten() for p in model.net.parameters() if p.grad is not None]
    return torch.cat(whole).double() * made.training.expected_batch


@pytest.mark.parametrize("label", LABELS)
def test_a_step_moves_by_at_most_the_clipping_norm(asked, joined, label):
    given, made, base, _, arrays = asked[label]
    one, other = (clipped(each, given, made, arrays) for each in (base, joined[label]))
    moved = other - one
    assert moved.isfinite().all()
    assert moved.norm() <= CLIP * (1 + 1e-5)  # sums are in 32 bits
    come = codec(given).encode(joined[label]).length[joined[label].keys == JOINS]
    # The bound is tried by whoever has a picture; of none nothing is learnt.
    assert (moved.norm() > 0.5 * CLIP) if come.any() else (moved == 0).all()


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Records with a patient of many pictures, who is cut to the maximum."""
    files = written(tmp_path_factory.mktemp("crowd") / "data", "far past the maximum")
    records = read(files, schema())[0]
    length = codec(schema()).encode(records).length
    assert length[records.keys == JOINS].tolist() == [VISITS] and length.max() == VISITS
    return records


@pytest.fixture(scope="module")
def white(tmp_path_factory):
    """Records with a patient whose pictures are far from all others."""
    return read(written(tmp_path_factory.mktemp("white") / "data", "all white"), schema())[0]


def test_the_replay_sees_pictures_that_each_count_as_a_patient(asked, white, monkeypatch):
    # Planted: no sharing among a patient's pictures, as where the unit is the image.
    given, made, base, questions, _ = asked["finding"]
    plain = picture_sums.shared

    def careless(*words):
        for code, apart, share in plain(*words):
            yield code, apart, np.ones_like(share)

    monkeypatch.setattr(picture_sums, "shared", careless)
    doors = [opened(each, given, made) for each in (base, white)]
    # The bound of "means" is too wide to be tried by this picture, and it has no texture.
    for name in ("lengths", "spread"):
        some = questions[name]
        moved = moved_by(some, name, *doors)
        over = [np.linalg.norm(m) / q.sensitivity for q, m in zip(some, moved, strict=True)]
        assert max(over) > 1.1, name


def test_the_replay_sees_noise_that_shifts_when_a_patient_joins(asked, crowd, monkeypatch):
    # Planted: one generator for the whole batch, as most systems have it.
    class Shared:
        def __init__(self, keys, seed, views=1):
            self.rows = len(keys) * views
            self.generator = torch.Generator().manual_seed(seed)

        def uniform(self, *shape):
            return torch.rand(self.rows, *shape, generator=self.generator)

    monkeypatch.setattr(door_module, "RowDraws", Shared)
    given, made, base, _, arrays = asked["finding"]
    one, other = (clipped(each, given, made, arrays) for each in (base, crowd))
    assert (other - one).norm() > CLIP


def test_the_replay_sees_pictures_held_against_those_of_others(asked, white, monkeypatch):
    # Planted: each frequency is standardised over the batch, as batch normalisation does; thirty
    # times as large as usual, so that what a picture shows outweighs the noise put on it.
    plain = Waves.of

    def stretched(self, pictures):
        found = plain(self, pictures)
        return 30 * (found - found.mean(0)) / (found.std(0) + 1e-6)

    monkeypatch.setattr(Waves, "of", stretched)
    given, made, base, _, arrays = asked["finding"]
    one, other = (clipped(each, given, made, arrays) for each in (base, white))
    assert (other - one).norm() > CLIP


ALONE = {}  # what the run without an adversary left, by model


def replayed(folder, kept, who, model) -> dict:
    torch.manual_seed(5)
    progress = []
    done = train(
        written(folder / "data", who),
        schema(),
        folder / "run",
        epsilon=2.0,
        model="image-diffusion" if model == "unet" else model,
        settings=SETTINGS[model],
        population="scans",
        holdout_rate=0.25,
        audit=False,  # draws coins of its own; see tests/privacy/audit for what it leaves
        ledger=Ledger(folder / "book"),
        device="cpu",
        progress=lambda *step: progress.append(step),
    )
    return {"progress": progress, "run": done.run, **told(folder / "run", kept)}


@pytest.mark.parametrize(
    ("who", "model"),
    [
        *((who, "image-diffusion") for who in sorted(ADVERSARIES)),
        *(
            (who, model)
            for model in ("dct-gaussian", "dp-merf", "image-gan", "unet")
            for who in ("far past the maximum", "unreadable", "all of a rare class")
        ),
    ],
)
def test_one_patient_more_changes_nothing_that_a_run_leaves(forced, tmp_path, who, model):  # noqa: F811
    if model not in ALONE:
        ALONE[model] = replayed(tmp_path / "one", forced, None, model)
        shutil.rmtree(forced)
    alone = ALONE[model]
    together = replayed(tmp_path / "other", forced, who, model)
    assert "run/model.safetensors" in alone
    assert any("checkpoint" in name for name in alone) == (model in STEPPING)
    assert alone.keys() == together.keys()
    for name in alone:
        assert alone[name] == together[name], name


def test_the_replay_sees_one_number_of_the_pictures(forced, tmp_path, monkeypatch):  # noqa: F811
    # Planted: progress tells of how many pictures were read.
    plain = training.read

    def careless(*words):
        records, notes = plain(*words)
        monkeypatch.setattr(training, "SEEN", len(records.pictures), raising=False)
        return records, notes

    fit = DctGaussian.fit

    def telling(self, door, state, progress, device):
        progress("pictures", training.SEEN, 100)
        fit(self, door, state, progress, device)

    monkeypatch.setattr(training, "read", careless)
    monkeypatch.setattr(DctGaussian, "fit", telling)
    alone = replayed(tmp_path / "one", forced, None, "dct-gaussian")
    together = replayed(tmp_path / "other", forced, "all black", "dct-gaussian")
    assert alone["progress"] != together["progress"]


@pytest.mark.parametrize("who", ["unreadable", "no files", "other depths and sizes"])
def test_the_command_says_the_same_whatever_a_picture_file_holds(forced, tmp_path, who, capsys):  # noqa: F811
    outputs = []
    save_schema(schema(), tmp_path / "schema.yaml")
    for name, adversary in (("one", None), ("other", who)):
        torch.manual_seed(5)
        files = written(tmp_path / name / "data", adversary)
        words = ["train", *map(str, files), "--schema", str(tmp_path / "schema.yaml")]
        words += ["--epsilon", "2", "--model", "dct-gaussian", "--out", str(tmp_path / "run")]
        words += ["--population", "scans", "--device", "cpu", "--setting", "kept=4"]
        assert run(words) == 0
        said = capsys.readouterr()
        lines = said.err.splitlines()  # internal ones are for the steward's eyes only
        outputs.append((said.out, [x for x in lines if not x.startswith("internal: ")]))
        shutil.rmtree(tmp_path / "run")
        shutil.rmtree(tmp_path / "ledger")
    assert outputs[0] == outputs[1]
    assert "epsilon 2" in outputs[0][0]
