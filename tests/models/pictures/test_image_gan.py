"""The GAN of pictures begins at its warm start, learns from its critic alone, and comes back."""

import numpy as np
import pytest
import torch
from test_dct_gaussian import CPU, NAMES, schema, tilt, world

from dpsynth.data.codec import codec
from dpsynth.errors import InputError
from dpsynth.models import duel
from dpsynth.models.adversary import TELLING, add_generated_half, generator_loss
from dpsynth.models.base import quiet
from dpsynth.models.duel import Duel
from dpsynth.models.image_gan import ImageGan
from dpsynth.models.nets.picture_critic import PictureCritic
from dpsynth.models.picture_adversary import RealPictures, turned
from dpsynth.models.state import State
from dpsynth.models.warm import fitting, start
from dpsynth.models.waves import Waves
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.grad import clipped_sum
from dpsynth.privacy.noise import CryptoStream
from dpsynth.privacy.plan import DPSGD, Plan, Release
from dpsynth.privacy.spectrum import Spectrum

SMALL = {
    "kept": 4, "fine": 6, "width": 16, "depth": 1, "critic_width": 4, "generated": 32,
    "save_every": 2, "ahead": 0.0,
}  # fmt: skip
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(start, "ROUNDS", 4)
    monkeypatch.setattr(fitting, "PATIENTS", 300)


def plan(noise: float = 1e-6, steps: int = 4) -> Plan:
    training = DPSGD(
        noise_multiplier=noise, clip_norm=1.0, sample_rate=0.2, expected_batch=80.0, steps=steps
    )
    releases = tuple(Release(name=n, noise_multiplier=noise) for n in NAMES)
    return Plan(epsilon=1.0, delta=1e-5, population=400, releases=releases, training=training)


def built(given, made=None, **more) -> ImageGan:
    return ImageGan(given, codec(given), made or plan(), **SMALL | more)


def opened(given, made=None, **more) -> Door:
    door = Door(world(given), plan=made or plan(), randomness=CryptoStream(), **more)
    door.use(codec(given))
    return door


def fitted(given, folder, made=None, **more) -> ImageGan:
    model = built(given, made, **more)
    model.fit(opened(given, made), State(folder), quiet, CPU)
    return model


def shown(rows: int, channels: int = 1, size: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures and codes of one field of three codes."""
    pictures = torch.from_numpy(RNG.uniform(-1, 1, (rows, channels, size, size))).float()
    return pictures, torch.from_numpy(RNG.integers(0, 3, (rows, 1)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 28, 64])
def test_no_picture_sees_another(channels, size):
    critic = PictureCritic(size, channels, [3], 4)
    for parameter in critic.parameters():
        torch.nn.init.normal_(parameter)
    pictures, codes = shown(5, channels, size)
    critic.start_from(shown(20, channels, size)[0])
    whole = critic(pictures, codes)
    torch.testing.assert_close(critic(pictures[2:3], codes[2:3]), whole[2:3])
    assert not torch.allclose(critic(pictures, (codes + 1) % 3), whole)  # it is told the columns
    assert (whole - whole[0]).abs()[1:].min() > 0


def test_the_critics_clipped_sum_is_that_of_one_picture_after_another():
    critic = PictureCritic(8, 1, [3], 4)
    for parameter in critic.parameters():
        torch.nn.init.normal_(parameter, std=3.0)
    pictures, codes = shown(6)

    def loss(model, *rows):
        return TELLING.real(model(*rows))

    together = clipped_sum(critic, loss, (pictures, codes), clip_norm=0.1)
    apart: dict[str, torch.Tensor] = {}
    for i in range(6):
        each = torch.autograd.grad(
            loss(critic, pictures[i : i + 1], codes[i : i + 1]).sum(), list(critic.parameters())
        )
        norm = torch.cat([g.flatten() for g in each]).norm()
        for (name, _), g in zip(critic.named_parameters(), each, strict=True):
            part = g * min(1.0, 0.1 / float(norm))
            apart[name] = apart.get(name, torch.zeros_like(part)) + part
    for name, value in together.items():
        torch.testing.assert_close(value, apart[name], rtol=1e-2, atol=1e-3)  # of 0.6 at most


def test_what_is_seen_is_fixed_and_fine_detail_is_in_it():
    critic = PictureCritic(28, 1, [], 4)
    smooth = torch.zeros(1, 1, 28, 28)
    rough = smooth + 0.1 * torch.from_numpy(RNG.choice([-1.0, 1.0], (1, 1, 28, 28))).float()
    assert critic.see(rough).square().sum() > 100 * critic.see(smooth).square().sum()
    learnt = {name for name, _ in critic.named_parameters()}
    assert learnt == {"plain.weight", "plain.bias", "bent.weight", "bent.bias", "score.weight"}


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_of_a_spectrum_are_those_of_numpy(channels):
    spectrum = Spectrum(size=8, channels=channels, kept=5)
    numbers = 0.3 * RNG.normal(size=(4, spectrum.width))
    made = Waves(spectrum).pixels(torch.from_numpy(numbers).float())
    bright = ((made.clamp(-1, 1) + 1) * 127.5).permute(0, 2, 3, 1).numpy()
    assert np.abs(bright - spectrum.back(numbers)).max() < 0.6  # rounding


@pytest.mark.parametrize("upright", [True, False])
def test_a_finer_spectrum_holds_the_coarse_one(upright):
    coarse = Spectrum(size=8, channels=3, kept=3, upright=upright)
    fine = Spectrum(size=8, channels=3, kept=6, upright=upright)
    numbers = 0.3 * RNG.normal(size=(2, coarse.width))
    wide = np.zeros((2, fine.width))
    wide[:, coarse.places_in(fine)] = numbers
    np.testing.assert_array_equal(coarse.back(numbers), fine.back(wide))


def test_a_picture_is_turned_all_eight_ways_by_its_own_draw():
    pictures, _ = shown(2)
    ways = [turned(pictures, torch.tensor([(w + 0.5) / 8, 0.0])) for w in range(8)]
    for made in ways:
        torch.testing.assert_close(made[1], pictures[1])
    flat = {tuple(made[0].flatten().tolist()) for made in ways}
    assert len(flat) == 8
    assert torch.isfinite(turned(pictures, torch.tensor([1.0, 1.0]))).all()  # rounded up


def test_a_patients_loss_is_that_patients_alone():
    given = schema()
    critic = PictureCritic(8, 1, [2, 2], 4)
    for parameter in critic.parameters():
        torch.nn.init.normal_(parameter)
    tokens = codec(given).encode(world(given, 6))
    length = tokens.length.astype(np.int64)
    length[3] = 0
    arrays = (tokens.static.astype(np.int64), tokens.visits.astype(np.int64), length)
    rows = (*(torch.from_numpy(a) for a in arrays), torch.from_numpy(tokens.pictures))
    keys = torch.arange(6) + 100

    def losses(which: list[int]) -> torch.Tensor:
        real = RealPictures(upright=False)
        part = tuple(each[which] for each in rows)
        return real.loss(critic, *real.prepare(part, RowDraws(keys[which], 7)))

    whole = losses([0, 1, 2, 3, 4, 5])
    torch.testing.assert_close(losses([4, 1]), whole[[4, 1]])
    assert whole[3] == 0  # who has no picture


def test_before_it_has_learnt_it_is_its_warm_start(tmp_path):
    given = schema()
    model = fitted(given, tmp_path / "s", ahead=0.999)  # the critic never tells so many
    made = model.sample(50, {}, 3, quiet, CPU)
    rng = np.random.default_rng(3)
    tokens = model._start.facts.sample(50, rng, {})
    start_ = model._start.whole.back(model._start.spectra(tokens.visits[tokens.inside][:, 0], rng))
    apart = made.pictures[made.inside].astype(int) - start_.astype(int)
    assert np.abs(apart).max() <= 1  # rounding


def test_classes_look_as_they_do_after_training(tmp_path):
    given = schema()
    model = fitted(given, tmp_path / "s", plan(steps=30))
    made = model.sample(400, {}, 3, quiet, CPU)
    tilts = tilt(made.pictures[made.inside].astype(float))
    code = made.visits[made.inside][:, 0]
    assert tilts[code == 1].mean() == pytest.approx(68.6, abs=15)
    assert tilts[code == 0].mean() == pytest.approx(-68.6, abs=15)
    assert not made.pictures[~made.inside].any()


def test_the_generator_moves_only_while_the_critic_tells(tmp_path, monkeypatch):
    moves = []
    learn = Duel.learn_generator

    def counted(self, *words):
        moves.append(self.told)
        learn(self, *words)

    monkeypatch.setattr(Duel, "learn_generator", counted)
    fitted(schema(), tmp_path / "s", plan(steps=12), ahead=0.3, turns=3)
    assert all(told >= 0.3 for told in moves)
    assert len(moves) % 3 == 0


def test_what_it_learns_is_what_the_critic_says(tmp_path, monkeypatch):
    # A critic that likes bright pictures makes them brighter.
    def bright(critic, record, game):
        return -record[0].mean()

    given = schema()
    before = fitted(given, tmp_path / "one", ahead=0.999).sample(100, {}, 3, quiet, CPU)
    monkeypatch.setattr(duel, "generator_loss", bright)
    made = fitted(given, tmp_path / "other", plan(steps=30), rate=3e-3, leash=0.0)
    after = made.sample(100, {}, 3, quiet, CPU)
    shades = [t.pictures[t.inside].mean() for t in (before, after)]
    assert shades[1] > shades[0] + 10


def test_steps_of_the_game_tell_halves_apart():
    critic = PictureCritic(8, 1, [3], 4)
    pictures, codes = shown(64)
    real = pictures + 0.5
    critic.start_from(pictures)
    for _ in range(200):
        critic.zero_grad()
        add_generated_half(critic, (pictures, codes), 1.0, TELLING)
        sums = clipped_sum(critic, lambda m, *r: TELLING.real(m(*r)), (real, codes), clip_norm=1.0)
        with torch.no_grad():
            for name, parameter in critic.named_parameters():
                assert parameter.grad is not None
                parameter -= 0.2 * (parameter.grad + sums[name] / 64)
    assert (critic(real, codes) > 0).float().mean() > 0.9
    assert (critic(pictures, codes) < 0).float().mean() > 0.9
    taken, seen = (generator_loss(critic, (each, codes), TELLING) for each in (real, pictures))
    assert taken < np.log(2) < seen


def test_saved_and_taken_up_it_draws_the_same(tmp_path):
    given = schema(channels=3, upright=False)
    model, again = fitted(given, tmp_path / "s"), built(given)
    held = model.tensors()
    assert {name.split(".")[0] for name in held} == {"generator", "facts", "pictures", "texture"}
    again.load(held)
    one, other, third = (
        m.sample(40, {}, s, quiet, CPU) for m, s in ((model, 7), (again, 7), (again, 8))
    )
    np.testing.assert_array_equal(one.pictures, other.pictures)
    assert (one.pictures != third.pictures).any()
    assert len(model.sample(0, {}, 7, quiet, CPU)) == 0


def test_a_killed_run_goes_on_and_asks_no_more_than_the_plan(tmp_path, monkeypatch):
    given, asked = schema(), []
    original = Door.step

    def counted(self, *words):
        asked.append(1)
        if len(asked) == 3:
            raise KeyboardInterrupt
        original(self, *words)

    monkeypatch.setattr(Door, "step", counted)
    with pytest.raises(KeyboardInterrupt):
        fitted(given, tmp_path / "s")
    state = State(tmp_path / "s")
    door = opened(given, steps_spent=state.asked, spent=NAMES)
    model = built(given)
    model.fit(door, state, quiet, CPU)
    assert state.asked == 4
    assert door.steps_left == 0
    assert len(model.sample(10, {}, 1, quiet, CPU)) == 10


def test_where_nobody_has_a_picture_it_ends_all_the_same(tmp_path, monkeypatch):
    given = schema()
    sample = start.WarmStart.sample

    def nobody(self, *words):
        made = sample(self, *words)
        made.length[:] = 0
        made.visits[:] = -1
        return made

    monkeypatch.setattr(start.WarmStart, "sample", nobody)
    assert not fitted(given, tmp_path / "s").sample(5, {}, 1, quiet, CPU).pictures.any()


def test_the_plan_splits_the_whole_budget():
    budget = Budget(epsilon=3.0, delta=1e-5, population=4000)
    made = ImageGan.plan(schema(), budget, kept=4)
    assert [each.name for each in made.releases] == list(NAMES)
    assert made.training is not None and made.training.steps == 200
    assert made.training.expected_batch == 500


@pytest.mark.parametrize(("name", "value"), [("fine", 0), ("ahead", 1.0), ("turns", 0)])
def test_a_setting_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(InputError, match=name):
        built(schema(), **{name: value})


class FixedGenerator(torch.Generator):
    """Where the system would seed it, gets the same seed each time."""

    def seed(self) -> int:
        self.manual_seed(3)
        return 3


def left(folder, around: str = "") -> tuple[dict[str, torch.Tensor], Duel]:
    """What a run with fixed noise leaves, if pictures are other ones during that step."""
    torch.manual_seed(5)
    given, made = schema(), plan(0.1, steps=6)
    door = Door(world(given), plan=made, randomness=CryptoStream(insecure_seed=1))
    door.use(codec(given))
    model, duels = built(given, made, rate=0.01), []
    with pytest.MonkeyPatch.context() as patch:
        seeded = np.random.default_rng
        patch.setattr(np.random, "default_rng", lambda seed=0: seeded(seed))
        patch.setattr(torch, "Generator", FixedGenerator)
        begin = Duel.__init__

        def begun(self, *words):
            duels.append(self)
            begin(self, *words)

        patch.setattr(Duel, "__init__", begun)
        for owner, name in ((Duel, "learn_generator"), (Door, "step")):
            if name == around:
                patch.setattr(owner, name, poisoned(getattr(owner, name), door))
        model.fit(door, State(folder), quiet, CPU)
    return {name: value.clone() for name, value in model.tensors().items()}, duels[0]


def poisoned(step, door: Door):
    def instead(*words, **more):
        kept = [part.clone() for part in door._rows]
        for part in door._rows[-1:]:
            part.copy_(255 - part)
        try:
            return step(*words, **more)
        finally:
            for part, was in zip(door._rows, kept, strict=True):
                part.copy_(was)

    return instead


def test_poison_during_the_generators_step_changes_nothing(tmp_path):
    # And during the critic's step it does: the test is not blind to pictures.
    clean, _ = left(tmp_path / "clean")
    generators, _ = left(tmp_path / "generator", "learn_generator")
    critics, _ = left(tmp_path / "critic", "step")
    assert all(torch.equal(clean[name], generators[name]) for name in clean)
    assert any(not torch.equal(clean[name], critics[name]) for name in clean)


def test_nothing_of_the_critic_is_kept(tmp_path):
    held, made = left(tmp_path)
    for weights in made.critic.state_dict().values():
        for name, value in held.items():
            assert value.shape != weights.shape or not torch.equal(value, weights), name
