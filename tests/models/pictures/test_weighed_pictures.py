"""Groups weigh in the training of picture models, in both of a critic's halves, and there alone."""

import numpy as np
import pytest
import test_image_diffusion
import test_image_gan
import torch
from test_dct_gaussian import CPU, schema

from dpsynth.data.codec import codec
from dpsynth.models import duel
from dpsynth.models.adversary import add_generated_half
from dpsynth.models.base import quiet
from dpsynth.models.state import State
from dpsynth.models.warm import fitting, start
from dpsynth.models.weighing import chosen_weights
from dpsynth.privacy import door as door_module
from dpsynth.privacy.grad import clipped_sum


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(start, "ROUNDS", 4)
    monkeypatch.setattr(fitting, "PATIENTS", 300)


@pytest.mark.parametrize("name", ["image-gan", "image-diffusion"])
def test_groups_weigh_in_training_alone(name, tmp_path, monkeypatch):
    given = schema()
    module = test_image_gan if name == "image-gan" else test_image_diffusion
    groups = chosen_weights(name, given, {"sex": {"m": 0.25}})
    assert groups.trained and not groups.measured
    made = module.plan()
    object.__setattr__(made, "groups", groups)
    real, generated = [], []

    def seen(*rest, factors=None, **more):
        real.append(factors)
        return clipped_sum(*rest, factors=factors, **more)

    def half(critic, record, *rest):
        generated.append((record[1], rest[-1]))
        add_generated_half(critic, record, *rest)

    monkeypatch.setattr(door_module, "clipped_sum", seen)
    monkeypatch.setattr(duel, "add_generated_half", half)
    model = module.built(given, made)
    model.fit(module.opened(given, made), State(tmp_path / "s"), quiet, CPU)
    assert len(real) == 4
    assert torch.cat(real).unique().tolist() == [0.25, 1.0]
    assert len(generated) == (4 if name == "image-gan" else 0)
    sex = [each.name for each in codec(given).static].index("sex")
    for codes, factors in generated:
        torch.testing.assert_close(factors, torch.where(codes[:, sex] == 1, 0.25, 1.0))
    again = module.built(given, made)
    again.load(model.tensors())
    one, two = (each.sample(30, {}, 3, quiet, CPU) for each in (model, again))
    np.testing.assert_array_equal(one.pictures, two.pictures)
