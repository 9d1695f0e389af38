"""On a GPU every model trains, comes back after a kill, and generates there and on a CPU."""

import pytest
import torch
from test_fits import CPU, SCHEMAS, built, check, opened

from dpsynth.data.codec import codec
from dpsynth.models.base import quiet
from dpsynth.models.state import State, read_tensors, write_tensors


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@pytest.mark.parametrize("name", ["table-diffusion", "table-gan"])
def test_trained_there_it_generates_there_and_here(name, schema, tmp_path):
    gpu, book, state = torch.device("cuda"), codec(schema), State(tmp_path / "s")
    model = built(name, schema)
    model.fit(opened(schema, device=gpu), state, quiet, gpu)
    check(model.sample(30, {}, 7, quiet, gpu), book, 30)
    write_tensors(tmp_path / "model.safetensors", model.tensors())
    learnt = read_tensors(tmp_path / "model.safetensors")
    for where in (gpu, CPU):
        again = built(name, schema)
        again.load(learnt)
        check(again.sample(30, {}, 7, quiet, where), book, 30)
    spent = ("tables", "moments", "label", "gate")
    taken_up = built(name, schema)
    door = opened(schema, device=gpu, steps_spent=4, spent=spent)
    taken_up.fit(door, State(tmp_path / "s"), quiet, gpu)
    for key, value in taken_up.tensors().items():
        torch.testing.assert_close(value.cpu(), learnt[key].cpu(), rtol=0, atol=0)
