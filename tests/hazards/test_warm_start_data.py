"""The warm start lives on the door's answers alone.

Whoever has the noisy answers, and no patient at all, gets the same questions and the same
model, bit by bit. And while the door is not answering, its records are out of reach.
"""

import contextlib
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from adversaries import ADVERSARIES, VISITS, schema, written

from dpsynth.data.codec import codec
from dpsynth.data.reader import read
from dpsynth.models.base import quiet
from dpsynth.models.state import State
from dpsynth.models.warm import WarmStart, fitting, start
from dpsynth.privacy.door import Door
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import Plan, Release

RELEASES = ("bounds", "categories", "tables", "moments", "label")
PLAN = Plan(
    epsilon=1.0,
    delta=1e-5,
    population=60,
    releases=tuple(Release(name=n, noise_multiplier=0.05, threshold_delta=1e-6) for n in RELEASES),
)
HIDDEN = ("_records", "_tokens", "_rows", "_keys")


class ReachError(AssertionError):
    """Somebody looked at patients who was not answering a charged question."""


class Watched(Door):
    """Its records are in reach only while it answers; keeps what it was asked and said."""

    answering = False
    said: dict
    asked: dict

    def __getattribute__(self, name):
        if name in HIDDEN and not Watched.answering:
            raise ReachError(name)
        return super().__getattribute__(name)

    def measure(self, name, questions):
        with answering():
            self.said[name] = super().measure(name, questions)
        self.asked[name] = [spelled(each) for each in questions]
        return [answer.copy() for answer in self.said[name]]


@contextlib.contextmanager
def answering():
    Watched.answering = True
    try:
        yield
    finally:
        Watched.answering = False


class Nobody:
    """A door without patients: says what another one said."""

    def __init__(self, said: dict) -> None:
        self.said, self.asked = said, {}

    def measure(self, name, questions):
        self.asked[name] = [spelled(each) for each in questions]
        return [answer.copy() for answer in self.said[name]]


def spelled(part):
    """A question in full, with every number of its tables."""
    if is_dataclass(part):
        return (type(part).__name__, *(spelled(getattr(part, f.name)) for f in fields(part)))
    if isinstance(part, np.ndarray):
        return (part.shape, part.dtype.str, part.tobytes())
    return tuple(spelled(each) for each in part) if isinstance(part, tuple) else part


def learnt(door, seen, book, folder) -> dict[str, np.ndarray]:
    model = WarmStart(seen, book, PLAN)
    model.fit(door, State(folder), quiet)
    return model.arrays()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(start, "ROUNDS", 3)
    monkeypatch.setattr(start, "SUMMARIES", 300)
    monkeypatch.setattr(fitting, "PATIENTS", 300)


def opened(folder, who, late: bool):
    """A watched door on the clinic with that adversary, its schema and its code book."""
    seen = schema()
    if late:
        seen = seen.model_copy(update={"label": seen.label.model_copy(update={"column": "fever"})})
    with answering():
        door = Watched(read(written(folder, who), seen)[0], plan=PLAN, randomness=CryptoStream())
        found = door.discover(seen.columns("patient") | seen.columns("visit"), VISITS)
        book = codec(seen, found)
        door.use(book)
    door.said, door.asked = {}, {}
    return door, seen, book


@pytest.mark.parametrize("late", [False, True], ids=["label of a patient", "label of a visit"])
@pytest.mark.parametrize("who", [None, *sorted(ADVERSARIES)])
def test_whoever_has_the_answers_and_no_patient_gets_the_same_model(who, late, tmp_path, quick):
    door, seen, book = opened(tmp_path / "data", who, late)
    real = learnt(door, seen, book, tmp_path / "real")
    assert list(door.said) == ["tables", "moments", "label"]
    nobody = Nobody(door.said)
    replayed = learnt(nobody, seen, book, tmp_path / "nobody")
    assert nobody.asked == door.asked  # questions too follow from earlier answers alone
    assert real.keys() == replayed.keys()
    for name, value in real.items():
        assert value.tobytes() == replayed[name].tobytes(), name
    saved = [{p.name: p.read_bytes() for p in (tmp_path / f).iterdir()} for f in ("real", "nobody")]
    assert saved[0] == saved[1]


def test_other_answers_give_another_model(tmp_path, quick):
    # Power of the test above: each release reaches the model.
    door, seen, book = opened(tmp_path / "data", None, False)
    real = learnt(door, seen, book, tmp_path / "real")
    for name, answers in door.said.items():
        moved = [
            answer + 99.0 * (np.arange(answer.size) % 3 == 1).reshape(answer.shape)
            for answer in answers[:1]
        ]  # beyond any noise
        other = door.said | {name: [*moved, *answers[1:]]}
        changed = learnt(Nobody(other), seen, book, tmp_path / name)
        assert any(
            real[key].shape != changed[key].shape or (real[key] != changed[key]).any()
            for key in real
        )


def test_reaching_for_patients_is_seen(tmp_path, quick, monkeypatch):
    # Power of the first test: a fit that looks at the door's tokens, were it only their number.
    door, seen, book = opened(tmp_path / "data", None, False)
    fit = start.fit

    def careless(*args):
        len(door._tokens)
        fit(*args)

    monkeypatch.setattr(start, "fit", careless)
    with pytest.raises(ReachError):
        learnt(door, seen, book, tmp_path / "real")
