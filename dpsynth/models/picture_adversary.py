"""The real half of what a critic of pictures learns from; the door alone shows it patients."""

from __future__ import annotations

import torch
from torch import Tensor

from dpsynth.models.adversary import TELLING
from dpsynth.models.nets.picture_critic import PictureCritic
from dpsynth.models.picture_objective import one_each
from dpsynth.models.waves import pixels_of
from dpsynth.privacy.draws import RowDraws

WAYS = 8  # of a picture without a way up


class RealPictures:
    """Of one of a patient's pictures, drawn evenly: what the critic loses by it.

    A patient's loss depends on that patient's pictures and columns only; without a picture it
    is nothing.

    Args:
        upright: whether pictures have a way up; others are turned or mirrored at random.
    """

    def __init__(self, upright: bool) -> None:
        self.upright = upright

    def prepare(self, rows: tuple[Tensor, ...], draws: RowDraws) -> tuple[Tensor, ...]:
        """Choose a picture, and turn it where it has no way up.

        Shape:
            rows: static (rows, fields), visits (rows, L, V), length (rows,), pictures
            return: pictures (rows, channels, size, size) in [-1, 1], codes (rows, fields), and
                whether there was one
        """
        static, now, picture, here = one_each(rows, draws)
        pixels = pixels_of(picture)
        if not self.upright:
            pixels = turned(pixels, draws.uniform(1)[:, 0])
        return pixels, torch.cat([static, now], 1), here

    def loss(self, model: PictureCritic, *rows: Tensor) -> Tensor:
        """(rows,) losses."""
        pictures, codes, here = rows
        return torch.where(here, TELLING.real(model(pictures, codes)), 0.0)


def turned(pictures: Tensor, uniform: Tensor) -> Tensor:
    """(rows, channels, size, size), each turned or mirrored as its uniform in [0, 1) says."""
    way = (uniform * WAYS).long().clamp(max=WAYS - 1)[:, None, None, None]
    pictures = torch.where(way % 2 == 1, pictures.flip(3), pictures)
    pictures = torch.where(way // 2 % 2 == 1, pictures.flip(2), pictures)
    return torch.where(way // 4 == 1, pictures.transpose(2, 3), pictures)
