"""The audit in the door: it changes nothing for patients, and each planted fault is caught."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from dpsynth.data.codec import codec
from dpsynth.data.records import Records
from dpsynth.privacy import door as door_module
from dpsynth.privacy.audit import Auditor, Canaries, Transcript, judged
from dpsynth.privacy.audit.canaries import CELLS
from dpsynth.privacy.audit.verdict import ALPHA
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import DPSGD, Plan, Release
from dpsynth.privacy.query import Query, Slot
from dpsynth.schema import Column, Schema, Table

SCHEMA = Schema(
    name="facts",
    tables={
        "patients": Table(
            shape="static",
            key="id",
            columns={
                name: Column(type="category", categories=("a", "b"), missing=False)
                for name in ("one", "other")
            },
        )
    },
)
CODEC = codec(SCHEMA)
STEPS = 150
PLAN = Plan(
    epsilon=5.0,
    delta=1e-5,
    population=400,
    releases=(Release(name="tables", noise_multiplier=2.0),),
    training=DPSGD(
        noise_multiplier=1.0,
        clip_norm=0.5,
        sample_rate=0.25,
        expected_batch=100.0,
        steps=STEPS,
        views=2,
    ),
)
QUESTIONS = [Query((Slot("static", 0),), weight=2.0), Query((Slot("static", 1),))]
# Coins of half the canaries; what joins is the same in every test.
FIXED = Canaries(joined=np.arange(32) % 2 == 0, raised=np.arange(CELLS) % 2 == 0, nonce=bytes(32))


def people(n: int, seed: int = 0) -> Records:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.choice(["a", "b"], n) for name in ("one", "other")})
    keys = np.array([f"p{i}" for i in range(n)], dtype=object)
    return Records(keys, frame, pd.DataFrame({"patient": [], "time": []}))


class Net(nn.Module):
    """Predicts the other column from the one; two layers, so that norms are joint."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.embed, self.out = nn.Embedding(2, 4), nn.Linear(4, 2)
        for p in self.parameters():
            p.data = torch.randn(p.shape, generator=generator)

    def forward(self, one: Tensor) -> Tensor:
        return self.out(self.embed(one))


class Guess:
    """Cross-entropy of the other column."""

    def prepare(self, rows, draws):
        return rows[0][:, 0], rows[0][:, 1]

    def loss(self, model, one, other):
        return nn.functional.cross_entropy(model(one), other, reduction="none")


def watched(tmp_path, stream, *, records=None, canaries=FIXED, steps=STEPS) -> Transcript:
    """A whole run's questions under audit."""
    transcript = Transcript(tmp_path / "seen.jsonl", canaries)
    door = Door(
        people(400) if records is None else records,
        plan=PLAN,
        randomness=stream,
        auditor=Auditor(transcript),
    )
    door.use(CODEC)
    door.measure("tables", QUESTIONS)
    net = Net()
    for _ in range(steps):
        door.step(net, Guess())
    return transcript


def verdict_of(transcript):
    found = judged(transcript, PLAN)
    failed = {f.name for f in found.findings if f.p < ALPHA / len(found.findings)}
    return found, failed


class Forced:
    """No noise; those join who are told to."""

    def __init__(self, joining) -> None:
        self.joining = np.array(joining, dtype=np.int64)

    def normal(self, size: int) -> np.ndarray:
        return np.zeros(size)

    def join(self, patients: int, rate: float) -> np.ndarray:
        return self.joining

    def seed(self) -> int:
        return 5


# --- it changes nothing ------------------------------------------------------------------


def gradients(records, joining, auditor):
    door = Door(records, plan=PLAN, randomness=Forced(joining), auditor=auditor)
    door.use(CODEC)
    net = Net()
    door.step(net, Guess())
    return [p.grad for p in net.parameters()], door


def test_the_network_learns_what_it_would_learn_without_canaries(tmp_path):
    records, members = people(30), FIXED.members
    alone, _ = gradients(records, range(30), None)
    auditor = Auditor(Transcript(tmp_path / "seen.jsonl", FIXED))
    beside, _ = gradients(records, range(len(members) + 30), auditor)
    for one, other in zip(alone, beside, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


def test_answers_to_questions_are_the_same_with_cells_behind_them(tmp_path):
    answers = []
    for auditor in (None, Auditor(Transcript(tmp_path / "seen.jsonl", FIXED))):
        door = Door(
            people(30), plan=PLAN, randomness=CryptoStream(insecure_seed=3), auditor=auditor
        )
        door.use(CODEC)
        answers.append(door.measure("tables", QUESTIONS))
    for one, other in zip(*answers, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_canary_adds_its_whole_weight_and_a_patient_none(tmp_path):
    transcript = Transcript(tmp_path / "seen.jsonl", FIXED)
    gradients(people(30), [0, 2, *range(16, 40)], Auditor(transcript))
    # Members are canaries 0, 2, 4, ...; places 0 and 2 of the door's list are canaries 0 and 4.
    expected = np.zeros(32)
    expected[[0, 4]] = 1.0
    np.testing.assert_allclose(transcript.heard[0], expected, atol=2e-3)
    np.testing.assert_array_equal(transcript.present[0], expected == 1)


def adversaries():
    """One patient more, of any kind that has a record; and none."""
    return [people(30), people(31), people(31, seed=9), people(0)]


@pytest.mark.parametrize("records", adversaries())
def test_nothing_that_the_audit_writes_depends_on_patients(tmp_path, records):
    texts = []
    for name, chosen in (("a", people(30)), ("b", records)):
        transcript = Transcript(tmp_path / f"{name}.jsonl", FIXED)
        everyone = [1, 3, *range(16, 16 + len(chosen))]
        _, door = gradients(chosen, everyone, Auditor(transcript))
        door.measure("tables", QUESTIONS)
        texts.append((tmp_path / f"{name}.jsonl").read_text())
    assert texts[0] == texts[1]


def test_one_patient_moves_the_sum_by_at_most_the_norm_with_canaries_beside(tmp_path):
    norms = []
    for place in range(30):
        sums = []
        for gone in (None, 16 + place):
            auditor = Auditor(Transcript(tmp_path / "seen.jsonl", FIXED))
            joining = [i for i in range(46) if i != gone]
            grads, _ = gradients(people(30), joining, auditor)
            sums.append(torch.cat([g.flatten() for g in grads]) * PLAN.training.expected_batch)
        norms.append(float((sums[0] - sums[1]).norm()))
    assert max(norms) <= PLAN.training.clip_norm


# --- honest runs, and faulty ones --------------------------------------------------------


def test_an_honest_run_is_consistent_and_the_bound_is_near_the_claim(tmp_path):
    found, failed = verdict_of(watched(tmp_path, CryptoStream()))
    assert (found.word, failed) == ("consistent", set())
    assert 0.6 * found.claimed < found.bound < 1.05 * found.claimed
    assert found.commitment == FIXED.commitment


def test_without_training_the_releases_alone_are_audited(tmp_path):
    transcript = watched(tmp_path, CryptoStream(), steps=0)
    plan = Plan(epsilon=5.0, delta=1e-5, population=400, releases=PLAN.releases)
    found = judged(transcript, plan)
    assert found.word == "consistent"
    assert (found.claimed, found.bound) == (None, None)
    assert {f.name for f in found.findings} == {
        "noise of tables: size",
        "noise of tables: Gaussian",
        "noise of tables: no repeats",
    }


def test_too_little_to_tell_is_inconclusive(tmp_path):
    found = judged(watched(tmp_path, CryptoStream(), steps=2), PLAN)
    assert (found.word, found.why) == ("inconclusive", "too few canaries joined too few steps")


class Weak(CryptoStream):
    """Noise that is 0.7 of what it should be."""

    def normal(self, size):
        return 0.7 * super().normal(size)


class Repeating(CryptoStream):
    """A generator of noise that is set back before every draw."""

    def normal(self, size):
        return CryptoStream(insecure_seed=1).normal(size)


class Turns(CryptoStream):
    """Shuffled batches: everybody once in four steps."""

    def __init__(self):
        super().__init__()
        self.left = []

    def join(self, patients, rate):
        if not self.left:
            order = np.argsort(self.uniform(patients))
            self.left = [np.sort(part) for part in np.array_split(order, round(1 / rate))]
        return self.left.pop()


class Doubled(CryptoStream):
    """Twice as many patients in a step as was paid for."""

    def join(self, patients, rate):
        return super().join(patients, 2 * rate)


@pytest.mark.parametrize(
    ("stream", "named"),
    [
        (Weak, {"noise of tables: size", "noise of the steps: size"}),
        (Repeating, {"noise of the steps: no repeats"}),
        (Turns, {"sampler: not in turns"}),
        (Doubled, {"sampler: how often"}),
    ],
)
def test_a_fault_is_caught_by_the_check_that_is_meant_for_it(tmp_path, stream, named):
    found, failed = verdict_of(watched(tmp_path, stream()))
    assert found.word == "violated"
    assert named <= failed
    assert all(name in found.why for name in named)


def test_clipping_at_twice_the_norm_is_caught(tmp_path, monkeypatch):
    honest = door_module.clipped_sum

    def loose(*args, clip_norm, **more):
        return honest(*args, clip_norm=2 * clip_norm, **more)

    monkeypatch.setattr(door_module, "clipped_sum", loose)
    found, failed = verdict_of(watched(tmp_path, CryptoStream()))
    assert found.word == "violated"
    assert "a step tells no more of a canary than claimed" in failed
    assert found.bound > found.claimed


# --- the transcript ----------------------------------------------------------------------


def test_the_transcript_is_its_owners_and_survives_a_torn_line(tmp_path):
    kept = watched(tmp_path, CryptoStream(), steps=3)
    assert kept.path.stat().st_mode & 0o077 == 0
    with kept.path.open("a") as file:
        file.write('{"present": [1, 2], "hea')
    again = Transcript(kept.path)
    assert again.canaries.commitment == FIXED.commitment
    np.testing.assert_array_equal(again.present, kept.present)
    np.testing.assert_array_equal(again.heard, kept.heard)
    np.testing.assert_array_equal(again.cells["tables"], kept.cells["tables"])
    again.note_step(kept.present[0], kept.heard[0])
    assert len(Transcript(kept.path).heard) == 4


def test_coins_are_new_each_time_and_bound_by_their_hash():
    one, other = Canaries.thrown(PLAN), Canaries.thrown(PLAN)
    assert len(one.joined) == 32  # 8 % of 400
    assert one.commitment != other.commitment
    flipped = Canaries(joined=~one.joined, raised=one.raised, nonce=one.nonce)
    assert flipped.commitment != one.commitment
