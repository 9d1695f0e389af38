"""Schemas of few columns, code books, and a door that knows the whole law."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dpsynth.data.codec import PAD, Codec, Tokens, codec
from dpsynth.models.state import State
from dpsynth.models.warm import WarmStart, fitting, start
from dpsynth.privacy.plan import Plan, Release
from dpsynth.schema import Clock, Column, Label, Schema, Table

ABC = Column(type="category", categories=("a", "b", "c"), missing=False)
SEX = Column(type="category", categories=("f", "m"), missing=False)
DIED = Column(type="boolean", missing=False)
PAIN = Column(type="count", bounds=(0, 4), bins=4)
MANY = Column(type="category", categories=tuple(f"code {i}" for i in range(60)), other=True)


def schema(
    facts: dict[str, Column], visit: dict[str, Column], label: str | None = None, visits: int = 5
) -> Schema:
    tables = {}
    if facts:
        tables["p"] = Table(shape="static", key="id", columns=facts)
    if visit:
        clock = Clock(column="turn", kind="order")
        tables["v"] = Table(shape="visits", key="id", time=clock, columns=visit)
    told = None
    if label is not None:
        column = {**facts, **visit}[label]
        told = Label(column=label, positive="true" if column is DIED else column.categories[0])
    return Schema(name="x", max_visits=visits, label=told, tables=tables)


def grid(
    visit: dict[str, Column], facts: dict[str, Column] | None = None, span: str = "18h"
) -> Schema:
    tables = {"p": Table(shape="static", key="id", columns=facts)} if facts else {}
    clock = Clock(column="hour", unit="hours")
    tables["e"] = Table(
        shape="events", key="id", time=clock, code="code", number="value", every="6h",
        span=span, empty="keep", columns=visit,
    )  # fmt: skip
    return Schema(name="x", tables=tables)


def plan(noise: float) -> Plan:
    releases = tuple(
        Release(name=n, noise_multiplier=noise) for n in ("tables", "moments", "label")
    )
    return Plan(epsilon=1.0, delta=1e-5, population=100, releases=releases)


class Answering:
    """Answers as the door does, with noise that follows from the name; keeps what was asked."""

    def __init__(self, tokens: Tokens, book: Codec, noise: float = 0.0, seed: int = 0) -> None:
        self.tokens, self.book, self.noise = tokens, book, noise
        self.seed, self.asked = seed, []

    def measure(self, name, questions):
        self.asked.append(name)
        rng = np.random.default_rng([self.seed, *name.encode()])
        joint = start.joint_sensitivity(questions)
        exact = [each.answer(self.tokens, self.book) for each in questions]
        return [
            e + self.noise * joint / q.weight * rng.normal(size=e.shape)
            for e, q in zip(exact, questions, strict=True)
        ]


def fitted(schema_: Schema, tokens: Tokens, folder, noise: float = 1e-9) -> WarmStart:
    book = codec(schema_)
    made = WarmStart(schema_, book, plan(noise))
    made.fit(Answering(tokens, book, noise), State(folder), lambda *_: None)
    return made


def quick(monkeypatch, rounds: int = 4, patients: int = 300) -> None:
    """Fits in no time, and not well."""
    monkeypatch.setattr(start, "ROUNDS", rounds)
    monkeypatch.setattr(start, "SUMMARIES", patients)
    monkeypatch.setattr(fitting, "PATIENTS", patients)


def patients(
    book: Codec,
    count: int,
    seed: int = 0,
    visit: Callable[[int, np.ndarray, np.random.Generator], np.ndarray] | None = None,
    longest: int | None = None,
) -> Tokens:
    """Facts and lengths at random; `visit(turn, codes before, rng)` draws (patients, fields)."""
    rng = np.random.default_rng(seed)
    length = rng.integers(0, (book.max_visits if longest is None else longest) + 1, count)
    if book.regular:
        length[:] = book.max_visits
    visits = np.full((count, book.max_visits, len(book.visit)), PAD, dtype=np.int16)
    now = np.zeros((count, len(book.visit)), dtype=np.int64)
    for turn in range(book.max_visits):
        if visit is None:
            now = np.stack([rng.integers(0, f.size, count) for f in book.visit], axis=1)
        else:
            now = visit(turn, now, rng)
        visits[:, turn] = np.where((turn < length)[:, None], now, PAD)
    facts = [rng.integers(0, f.size, count) for f in book.static]
    static = np.array(facts, dtype=np.int16).reshape(len(book.static), count).T
    return Tokens(static=static, visits=visits, length=length.astype(np.int16))


def check(tokens: Tokens, book: Codec, count: int) -> None:
    """Every code is one, and visits end where the patient's number of them says."""
    assert len(tokens) == count
    assert tokens.static.shape == (count, len(book.static))
    inside = np.arange(book.max_visits)[None] < tokens.length[:, None]
    assert (tokens.visits[~inside] == PAD).all()
    for place, each in enumerate(book.static):
        assert set(tokens.static[:, place].tolist()) <= set(range(each.size))
    for place, each in enumerate(book.visit):
        assert set(tokens.visits[inside][:, place].tolist()) <= set(range(each.size))
    if book.regular:
        assert (tokens.length == book.max_visits).all()
