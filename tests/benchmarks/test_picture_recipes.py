"""Recipes of others: they run and take up, and real pictures reach them by the door alone."""

import json
import math

import numpy as np
import pytest
import torch
from test_pneumoniamnist import made
from toys import script

from dpsynth.data.codec import Codec, Tokens, codec
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.grad import clipped_sum

RUN = script("picture-recipes/run.py")  # puts the folder on the path
import dp_classifier  # noqa: E402
import dp_feta  # noqa: E402
import dp_gan  # noqa: E402
import dpdm  # noqa: E402
import recipe as recipe_module  # noqa: E402
from compare import differences  # noqa: E402
from recipe import Task, steps_within  # noqa: E402
from unet import SPREAD, UNet  # noqa: E402

TASK = Task(
    size=28, channels=1, classes=2, limit_s=0.05, seed=0,
    budget=Budget(epsilon=10.0, delta=1e-5, population=60),
)  # fmt: skip


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("torch.set_num_threads", lambda n: None)
    monkeypatch.setattr("picture_nets.STEPS", 5)
    for module in (dpdm, dp_gan):
        monkeypatch.setattr(module, "BATCH", 8)
    monkeypatch.setattr(dpdm, "LEVELS", 3)
    monkeypatch.setattr(dp_gan, "CRITIC_STEPS", 2)


def test_recipes_run_and_take_up(tmp_path, quick, capsys):
    out = tmp_path / "results.json"
    words = ["--data", str(made(tmp_path).parent), "--out", str(out), "--epsilons", "10"]
    words += ["--seeds", "1", "--limit-s", "0.05", "--made", "40"]
    RUN.main(words)
    rows = json.loads(out.read_text())["rows"]
    assert {row["model"] for row in rows} == {"dpdm", "dp-feta", "dp-gan"}
    metrics = {row["metric"] for row in rows}
    assert {"tstr_auc_cnn", "tstr_auc_logistic", "train_cpu_s", "dp_sgd_steps"} <= metrics
    assert all(math.isfinite(row["value"]) for row in rows)
    RUN.main(words)
    assert json.loads(out.read_text())["rows"] == rows
    assert "| dp-feta | 10 |" in capsys.readouterr().out


class Nothing:
    """A door behind which nobody is, without noise."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def step(self, model, objective) -> None:
        self.asked.append("step")
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)

    def measure(self, name, questions) -> list[np.ndarray]:
        self.asked.append(name)
        each = questions[0]
        return [np.zeros((each.groups, each.classes, each.channels * each.size**2 + 1))]


@pytest.mark.parametrize("name", RUN.RECIPES)
def test_a_recipe_asks_what_its_plan_holds_and_sees_no_more(name, quick):
    one = RUN.RECIPES[name](TASK)
    door = Nothing()
    one.fit(door)
    assert door.asked.count("step") == one.plan.training.steps
    assert [each for each in door.asked if each != "step"] == [r.name for r in one.plan.releases]
    pictures = one.draw(torch.tensor([0, 1, 1]))
    assert pictures.shape == (3, 1, 28, 28)
    assert pictures.isfinite().all()


def test_steps_follow_the_clock_alone(monkeypatch):
    ticks = iter([0.0, 6.0])  # 3 probes in 6 s: 2 s each
    monkeypatch.setattr(recipe_module.time, "process_time", lambda: next(ticks))
    assert steps_within(9.0, lambda: None) == 4


# Central images -----------------------------------------------------------------------------


def books() -> Codec:
    schema = RUN.SCHEMA
    return codec(schema.model_copy(update={"max_visits": 3}))


BOOK = books()


def patient(codes: list[int], shades: list[np.ndarray]) -> Tokens:
    visits, held = np.full((1, 3, 1), -1, dtype=np.int16), np.zeros((1, 3, 28, 28, 1), np.uint8)
    visits[0, : len(codes), 0] = codes
    for place, each in enumerate(shades):
        held[0, place] = each
    length = np.array([len(codes)], dtype=np.int16)
    return Tokens(static=np.zeros((1, 0), np.int16), visits=visits, length=length, pictures=held)


def together(*parts: Tokens) -> Tokens:
    return Tokens(**{k: np.concatenate([getattr(p, k) for p in parts]) for k in vars(parts[0])})


def random(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (28, 28, 1)).astype(np.uint8)


WHITE, BLACK = np.full((28, 28, 1), 255, np.uint8), np.zeros((28, 28, 1), np.uint8)
EVERYBODY = together(*(patient([i % 2], [random(i)]) for i in range(12)))
EXTREMES = [
    patient([], []),
    patient([1], [WHITE]),
    patient([0, 0, 0], [BLACK] * 3),
    patient([0, 1, 0], [WHITE, BLACK, random(99)]),
]


@pytest.mark.parametrize("bound", [0.1, 14.0, 100.0])
def test_one_patient_moves_central_images_by_their_sensitivity_at_most(bound):
    asked = dp_feta.CentralImages(size=28, channels=1, classes=2, groups=3, bound=bound)
    before = asked.answer(EVERYBODY, BOOK)
    moved = [
        np.linalg.norm(asked.answer(together(more, EVERYBODY), BOOK) - before) for more in EXTREMES
    ]
    assert max(moved) <= asked.sensitivity * (1 + 1e-9)
    assert max(moved) > 0.99 * asked.sensitivity or bound == 100.0  # a control: it bites
    assert moved[0] == 0


def test_central_images_worked_by_hand():
    # White is 28 long; half a patient's weight in each class, and half its count in bounds.
    asked = dp_feta.CentralImages(size=28, channels=1, classes=2, groups=1, bound=14.0)
    found = asked.answer(patient([0, 1], [WHITE, BLACK]), BOOK)[0]
    np.testing.assert_allclose(found[0], [0.25] * 784 + [7.0])
    np.testing.assert_allclose(found[1], [-0.25] * 784 + [7.0])


def test_moving_a_picture_keeps_its_shades():
    ramp = torch.arange(28.0).view(1, 1, 1, 28).expand(40, 1, 28, 28)
    found = dp_feta.moved(ramp, torch.Generator().manual_seed(0))
    assert found.shape == ramp.shape
    steps = found[:, 0, 10, 10] - 10  # a shift to the left by 2 shows 12 there
    assert set(steps.tolist()) == {-2.0, -1.0, 0.0, 1.0, 2.0}
    torch.testing.assert_close(found[:, 0, 0, 3:25], ramp[:, 0, 0, 3:25] + steps[:, None])


# Gradients of patients ----------------------------------------------------------------------


def rows(many: int) -> tuple[torch.Tensor, ...]:
    tokens = EVERYBODY.take(np.arange(many))
    arrays = (tokens.static, tokens.visits, tokens.length)
    found = [torch.from_numpy(each.astype(np.int64)) for each in arrays]
    found[2][2] = 0  # who has no picture
    return (*found, torch.from_numpy(tokens.pictures))


def drawn(net: torch.nn.Module) -> torch.nn.Module:
    """With weights that are not zero."""
    torch.manual_seed(0)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return net


CASES = {
    "dpdm": lambda: (drawn(UNet(1, 2, width=4)), dpdm.Denoising()),
    "dp-gan": lambda: (drawn(dp_gan.Critic(28, 1, 2, width=4)), dp_gan.Real()),
    "dp-classifier": lambda: (drawn(dp_classifier.without_dropout(1)), dp_classifier.Told()),
}


@pytest.mark.parametrize("name", CASES)
def test_a_patients_loss_is_that_patients_alone(name):
    net, objective = CASES[name]()
    whole_rows, keys = rows(6), torch.arange(6) + 100

    def losses(which: list[int]) -> torch.Tensor:
        part = tuple(each[which] for each in whole_rows)
        return objective.loss(net, *objective.prepare(part, RowDraws(keys[which], 7)))

    whole = losses([0, 1, 2, 3, 4, 5])
    torch.testing.assert_close(losses([4, 1]), whole[[4, 1]])
    assert whole[2] == 0
    assert (whole[[0, 1, 3, 4, 5]] > 0).all()


@pytest.mark.parametrize("name", CASES)
def test_gradients_by_rule_are_those_of_single_patients(name):
    net, objective = CASES[name]()
    ready = objective.prepare(rows(6), RowDraws(torch.arange(6), 7))
    fast, slow = (
        clipped_sum(net, objective.loss, ready, clip_norm=0.1, route=route)
        for route in ("fast", "vmap")
    )
    for key, value in fast.items():
        torch.testing.assert_close(value, slow[key], rtol=1e-3, atol=1e-6)
    assert math.sqrt(sum(float(v.square().sum()) for v in fast.values())) <= 0.5


def test_without_training_the_flow_draws_white_noise_of_the_public_spread():
    # D = c_skip x is the posterior mean of a Gaussian of deviation SPREAD.
    made_up = dpdm.flow(UNet(1, 2), torch.randn(64, 1, 28, 28), torch.zeros(64, dtype=torch.long))
    assert made_up.detach().std() == pytest.approx(SPREAD, rel=0.1)


def fake_half(gan: dp_gan.DpGan) -> list[torch.Tensor]:
    gan.draws.manual_seed(0)
    for parameter in gan.critic.parameters():
        parameter.grad = torch.zeros_like(parameter)
    gan._fake_half()
    return [parameter.grad.clone() for parameter in gan.critic.parameters()]


def test_made_pictures_are_clipped_like_real_ones_and_get_no_noise(quick):
    gan = dp_gan.DpGan(TASK)
    with torch.no_grad():
        for parameter in gan.critic.parameters():
            parameter.mul_(100)  # so that every gradient is clipped
    one, other = fake_half(gan), fake_half(gan)
    for each, again in zip(one, other, strict=True):
        torch.testing.assert_close(each, again, rtol=0, atol=0)
    norm = math.sqrt(sum(float(each.square().sum()) for each in one))
    assert 0.1 < norm <= dp_gan.CLIP


# The comparison -----------------------------------------------------------------------------


def test_differences_are_paired_by_seed():
    def row(model: str, seed: int, value: float) -> dict:
        metric = "tstr_auc_cnn"
        return {"model": model, "seed": seed, "epsilon": 1.0, "metric": metric, "value": value}

    ours = [row("dct-gaussian", 0, 0.9), row("dct-gaussian", 1, 0.8), row("dct-gaussian", 2, 0.7)]
    theirs = [row("dpdm", 0, 0.6), row("dpdm", 1, 0.6)]
    (found,) = differences(ours, theirs, "tstr_auc_cnn")
    # 0.3 and 0.2 of seeds 0 and 1: mean 0.25, stddev over the root of 2 is 0.05, t is 12.7062.
    assert found.seeds == 2
    assert found.mean == pytest.approx(0.25)
    assert found.half == pytest.approx(12.7062 * 0.05, rel=1e-4)
    (single,) = differences(ours, theirs[:1], "tstr_auc_cnn")
    assert single.half is None


def test_models_are_held_against_their_floor(capsys):
    over_floor = script("over_floor.py")
    over_floor.main()
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("pneumoniamnist tstr_auc_cnn image-gan 10 ") for line in lines)
