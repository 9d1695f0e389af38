"""`benchmark` as a library function."""

from __future__ import annotations

import pytest

from dpsynth.data.schema_file import load_schema
from dpsynth.errors import InputError
from dpsynth.pipeline import benchmark
from dpsynth.pipeline.models_named import models_named


def test_a_benchmark_returns_what_it_wrote(clinic):
    rows = clinic.data.read_text().splitlines(keepends=True)
    (clinic.root / "a.csv").write_text("".join(rows[:50]))
    (clinic.root / "b.csv").write_text(rows[0] + "".join(rows[50:]))
    found = benchmark(
        ["a.csv"],
        ["b.csv"],
        ["a.csv"],
        load_schema(clinic.schema),
        "found.json",
        models=["linear", "boosting"],
        seeds=2,
        population="clinic",
    )
    assert found.file.is_file()
    assert {line.model for line in found.lines} == {"linear", "boosting"}
    first, second = found.lines
    assert first.real.value >= second.real.value
    assert found.best == first.model
    assert found.pick in {"linear", "boosting"}
    assert found.regret.value >= 0


def test_a_network_over_visits_needs_visits(clinic):
    text = clinic.schema.read_text().replace("max_visits: 3", "max_visits: 1")
    clinic.schema.write_text(text)
    with pytest.raises(InputError, match="visits in turn"):
        benchmark(
            ["clinic.csv"],
            ["clinic.csv"],
            ["clinic.csv"],
            load_schema(clinic.schema),
            "found.json",
            models=["gru"],
            population="clinic",
        )


def test_every_training_has_a_model_of_its_own(clinic, monkeypatch):
    made = models_named(["sklearn.linear_model:LogisticRegression", "linear"])
    assert list(made) == ["sklearn.linear_model:LogisticRegression", "linear"]
    assert models_named([]) == {}
