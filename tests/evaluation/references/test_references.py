"""SDV's models as references: tokens in, tokens out, no way into a release."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from dpsynth.data.codec import PAD, Codec
from dpsynth.errors import InputError
from dpsynth.evaluation.controls import schema_guess
from dpsynth.evaluation.references import REFERENCES
from dpsynth.models import MODELS
from dpsynth.pipeline.training import train


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_gives_tokens_of_the_code_book(name, clinic, clinic_codec):
    pytest.importorskip("sdv")
    real = clinic_codec.encode(clinic(60, 1))
    held = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    made = REFERENCES[name](real, clinic_codec, 25, seed=3, epochs=1)
    # SDV's global generators are as they were.
    np.testing.assert_array_equal(np.random.get_state()[1], held[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), held[1])
    assert len(made) == 25
    assert made.visits.shape == (25, 4, len(clinic_codec.visit))
    inside = np.arange(4)[None] < made.length[:, None]
    assert (made.visits[~inside] == PAD).all()
    for place, field in enumerate(clinic_codec.visit):
        assert set(made.visits[inside][:, place]) <= set(range(field.size))
    for place, field in enumerate(clinic_codec.static):
        assert set(made.static[:, place]) <= set(range(field.size))
    clinic_codec.decode(made, np.random.default_rng(0))
    again, other = (
        REFERENCES[name](real, clinic_codec, 25, seed=seed, epochs=1) for seed in (3, 4)
    )
    assert (again.static == made.static).all()
    assert (again.visits == made.visits).all()
    assert (other.visits != made.visits).any()


def test_par_needs_visits(clinic_codec):
    lone = Codec(static=clinic_codec.static, visit=(), max_visits=0)
    real = schema_guess(lone, 20, False, np.random.default_rng(0))
    with pytest.raises(InputError, match="needs visits"):
        REFERENCES["par"](real, lone, 10)


@pytest.mark.parametrize("name", REFERENCES)
def test_without_sdv_one_line_says_how_to_get_it(name, clinic, clinic_codec, monkeypatch):
    for module in ("sdv", "sdv.metadata", "sdv.sequential", "sdv.single_table"):
        monkeypatch.setitem(sys.modules, module, None)
    real = clinic_codec.encode(clinic(20, 1))
    with pytest.raises(InputError, match=r"pip install 'dpsynth\[sdv\]'$"):
        REFERENCES[name](real, clinic_codec, 5)


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_is_no_model_and_cannot_be_trained_for_release(name, clinic_plan, tmp_path):
    assert name not in MODELS
    with pytest.raises(InputError, match=f"{name}.*without privacy") as refused:
        train(["x.csv"], clinic_plan, tmp_path / "run", epsilon=1.0, model=name)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()
