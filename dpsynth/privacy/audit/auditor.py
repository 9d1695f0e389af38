"""Puts canaries into what the door does, and writes down what comes out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from dpsynth.data.codec import PAD, Codec, Tokens
from dpsynth.privacy.audit.head import PATIENT, Audited, rows_of, watched
from dpsynth.privacy.audit.transcript import Transcript


class Auditor:
    """The canaries of one run, in the door's hands.

    Canaries stand before the patients in the door's list, join steps by the same draw, pass
    through the same clipping and get the same noise; releases get cells that no patient reaches.
    None of it touches an answer: see `Audited`, and `cells`, which only lengthens the draw.

    Args:
        transcript: where what is seen goes.
    """

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._members = transcript.canaries.members
        self._canaries = len(transcript.canaries.joined)

    @property
    def members(self) -> int:
        """How many canaries stand before the patients."""
        return len(self._members)

    def keys(self) -> Tensor:
        """(members,) what canaries' own draws are keyed by."""
        return torch.from_numpy(self._members.astype(np.int64))

    def tokens(self, codec: Codec, like: Tokens) -> Tokens:
        """Records of canaries: any will do, since their loss is masked; here all first codes."""
        length = codec.max_visits if codec.regular else min(codec.max_visits, 1)
        visits = np.full((self.members, *like.visits.shape[1:]), PAD, dtype=like.visits.dtype)
        visits[:, :length] = 0
        pictures = like.pictures
        return Tokens(
            static=np.zeros((self.members, len(codec.static)), dtype=like.static.dtype),
            visits=visits,
            length=np.full(self.members, length, dtype=like.length.dtype),
            pictures=None
            if pictures is None
            else np.zeros((self.members, *pictures.shape[1:]), dtype=pictures.dtype),
        )

    def watch(
        self,
        model: nn.Module,
        loss: Callable[..., Tensor],
        chosen: np.ndarray,
        clip_norm: float,
        views: int,
    ) -> tuple[Audited, Callable[..., Tensor], Tensor]:
        """The network with its audit head, their loss, and who each row is of.

        Args:
            model, loss: of the step.
            chosen: (batch,) places in the door's list, canaries' first.
            clip_norm, views: of the step.
        """
        numbers = np.append(self._members, PATIENT)
        who = torch.from_numpy(numbers[np.minimum(chosen, self.members)].astype(np.int64))
        audited = Audited(model, self._canaries)
        device = audited.head.weight.device
        both = watched(loss, self._canaries, clip_norm, views)
        return audited, both, rows_of(who, views).to(device)

    def heard(self, audited: nn.Module, chosen: np.ndarray, scale: float) -> None:
        """Write a step down.

        Args:
            audited: after the step, its noisy mean gradient in place.
            chosen: as in `watch`.
            scale: expected batch over clipping norm: a canary that was there adds 1.
        """
        present = np.zeros(self._canaries, dtype=bool)
        present[self._members[chosen[chosen < self.members]]] = True
        assert isinstance(audited, Audited)
        gradient = audited.head.weight.grad
        assert gradient is not None
        self._transcript.note_step(present, gradient.flatten().double().cpu().numpy() * scale)

    def cells(self) -> np.ndarray:
        """True values of the cells behind every release's own, in units of its sensitivity."""
        return self._transcript.canaries.raised.astype(np.float64)

    def seen(self, release: str, cells: np.ndarray) -> None:
        """Write down what came out of them, in the same units."""
        self._transcript.note_cells(release, cells)
