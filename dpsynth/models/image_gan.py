"""A GAN of pictures whose generator refines the spectra of a noisy warm start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dpsynth.data.codec import Codec, Tokens
from dpsynth.models.adversary import TELLING
from dpsynth.models.base import Progress, dpsgd, planned
from dpsynth.models.class_noise import ClassNoise
from dpsynth.models.dct_gaussian import need_pictures
from dpsynth.models.duel import Duel
from dpsynth.models.image_gan_settings import Settings
from dpsynth.models.nets.picture_critic import PictureCritic
from dpsynth.models.nets.spectrum_refiner import NOISE, SpectrumRefiner
from dpsynth.models.packing import under
from dpsynth.models.picture_adversary import RealPictures, turned
from dpsynth.models.picture_start import PictureStart, illustrated, with_one_visit
from dpsynth.models.settings import chosen
from dpsynth.models.state import State
from dpsynth.models.waves import Waves, pictures_of
from dpsynth.models.weighing import factors_of
from dpsynth.privacy.budget import Budget
from dpsynth.privacy.door import Door
from dpsynth.privacy.plan import Plan
from dpsynth.schema import Schema

STANDARD = 2048  # generated pictures that what the critic sees is standardised by

Drawn = tuple[Tensor, Tensor]  # spectra (rows, numbers) and codes (rows, fields)


class ImageGan:
    """Columns from `warm.WarmStart`; pictures given them by a GAN that begins at `spectra.Spectra`.

    The generator adds to a drawn spectrum, also to finer frequencies that are noise there;
    before training it adds nothing. The critic's real half comes from the door, clipped per
    patient and noisy; the generated half is added without noise. The generator learns from the
    critic alone, and only while the critic tells what is generated. All that is learnt is a
    function of the door's answers; the critic is dropped at the end.

    Args:
        schema, codec, plan: public, or released.
        settings: fields of `Settings`.
    """

    def __init__(self, schema: Schema, codec: Codec, plan: Plan, **settings: Any) -> None:
        assert codec.picture is not None
        self.settings = chosen(Settings, "image-gan", settings)
        self.plan_, self.codec, self.picture = plan, codec, codec.picture
        self._start = PictureStart(
            schema, codec, plan, self.settings.kept, self.settings.texture_share
        )
        coarse, whole = self._start.pictures.spectrum, self._start.whole
        fine = replace(coarse, kept=min(max(self.settings.fine, coarse.kept), coarse.size))
        self.waves = Waves(whole)
        self._places = torch.from_numpy(fine.places_in(whole))
        self.sizes = [each.size for each in (*codec.static, *codec.visit)]
        self.generator = SpectrumRefiner(
            fine.width, self.sizes, self.settings.width, self.settings.depth
        )

    @staticmethod
    def plan(schema: Schema, budget: Budget, count_epsilon: float = 0.0, **settings: Any) -> Plan:
        """Columns, Gaussians, then the critic's DP-SGD, after what private columns need."""
        wanted = chosen(Settings, "image-gan", settings)
        need_pictures(schema, "image-gan")
        batch = wanted.batch or min(max(budget.population // 8, 64), 1024)
        training = dpsgd(budget, batch, clip_norm=wanted.clip_norm, steps=wanted.steps)

        releases = PictureStart.releases(
            schema,
            wanted.facts_share,
            wanted.pictures_share,
            wanted.kept,
            wanted.texture_share,
        )
        return planned(schema, budget, releases, count_epsilon=count_epsilon, training=training)

    def fit(self, door: Door, state: State, progress: Progress, device: torch.device) -> None:
        """Ask for columns and Gaussians, then train critic and generator in turn."""
        self._start.fit(door, state, progress)
        training, asked = self.plan_.training, self.settings
        assert training is not None
        draws = torch.Generator(device=device)
        draws.seed()
        pool = self._pool(np.random.default_rng(), device)
        self.generator.to(device)
        critic = self._critic(next(pool)[0])
        factors = factors_of(self.plan_.groups, self.codec, lambda shown, at: shown[1][:, at])
        duel = Duel(self.generator, critic, self._play, asked, TELLING, factors)
        restored = state.restore()
        if restored is None:
            state.checkpoint(duel.packed(), 0)
        else:
            duel.unpack(restored[0])
        real = RealPictures(self.picture.upright)
        for step in range(state.asked, training.steps):
            duel.rates(step / training.steps)
            state.asking(step)
            door.step(duel.critic, real)
            duel.learn_critic(next(pool), draws)
            if duel.tell() >= asked.ahead:
                for _ in range(asked.turns):
                    duel.learn_generator(next(pool), draws)
            done = step + 1
            if done % asked.save_every == 0 or done == training.steps:
                state.checkpoint(duel.packed(), done)
            progress("training", done, training.steps)
        self.generator = duel.kept

    def tensors(self) -> dict[str, Tensor]:
        """The averaged generator, the Gaussians and the columns' chain; nothing of the critic."""
        held = {f"generator.{k}": v for k, v in self.generator.state_dict().items()}
        return held | self._start.tensors()

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up what `tensors` gave."""
        self.generator.load_state_dict(under("generator", tensors))
        self._start.load(tensors)

    def sample(
        self,
        patients: int,
        where: Mapping[int, int],
        seed: int,
        progress: Progress,
        device: torch.device,
        chunk: int = 2048,
    ) -> Tokens:
        """Columns first, then a picture for each visit."""
        self.generator.to(device).eval()
        rng, draws = np.random.default_rng(seed), torch.Generator(device=device)
        draws.manual_seed(seed)
        tokens = self._start.facts.sample(patients, rng, where)
        spectra, codes = self._drawn(tokens, rng, device)

        def made(part: slice) -> np.ndarray:
            with torch.no_grad():
                (pixels, _), _ = self._play((spectra[part], codes[part]), draws)
            return pictures_of(pixels)

        return illustrated(tokens, self.picture, made, chunk, progress)

    def by_class(self) -> tuple[ClassNoise, ...]:
        """What noise left of each class's mean picture."""
        return self._start.by_class()

    def _critic(self, drawn: Tensor) -> PictureCritic:
        """At its start: what it sees is standardised by the warm start's pictures."""
        size, channels = self.picture.size, self.picture.channels
        critic = PictureCritic(size, channels, self.sizes, self.settings.critic_width)
        critic.to(drawn.device).start_from(self.waves.pixels(drawn))
        return critic

    def _play(self, drawn: Drawn, draws: torch.Generator) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Pictures and codes as the critic is shown them; the strain, what is added, squared."""
        spectra, codes = drawn
        rows, device = len(spectra), spectra.device
        noise = torch.randn((rows, NOISE), generator=draws, device=device)
        places = self._places.to(device)
        added = self.generator(spectra[:, places], noise, codes)
        pixels = self.waves.pixels(spectra.index_add(1, places, added))
        if not self.picture.upright:
            pixels = turned(pixels, torch.rand(rows, generator=draws, device=device))
        return (pixels, codes), added.square().mean()

    def _pool(self, rng: np.random.Generator, device: torch.device) -> Iterator[Drawn]:
        """Draws of the warm start without end; the first is a large one, and more come of each."""
        rows, first = self.settings.generated, True
        while True:
            made = with_one_visit(self._start.facts.sample(max(8 * rows, STANDARD), rng))
            spectra, codes = self._drawn(made, rng, device)
            if first:
                yield spectra, codes
                first = False
            for _ in range(8):
                some = torch.from_numpy(rng.integers(0, len(codes), rows)).to(device)
                yield spectra[some], codes[some]

    def _drawn(self, tokens: Tokens, rng: np.random.Generator, device: torch.device) -> Drawn:
        """Spectra from the warm start, and codes, of all pictures of those patients."""
        patient, turn = np.nonzero(tokens.inside)
        codes = np.concatenate([tokens.static[patient], tokens.visits[patient, turn]], axis=1)
        of_class = self._start.pictures.classes.of(tokens, patient, turn)
        spectra = torch.from_numpy(self._start.spectra(of_class, rng).astype(np.float32))
        return spectra.to(device), torch.from_numpy(codes.astype(np.int64)).to(device)
