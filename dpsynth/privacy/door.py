"""The one door to real data: it answers charged questions, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from pandas.util import hash_array
from torch import Tensor, nn

from dpsynth.data.codec import Codec, Tokens
from dpsynth.data.field import Field
from dpsynth.data.records import Records
from dpsynth.errors import BudgetError, InputError
from dpsynth.privacy.audit import Auditor
from dpsynth.privacy.discover import (
    category_field,
    grid_counts,
    number_field,
    private_columns,
    shares,
    threshold,
)
from dpsynth.privacy.draws import RowDraws
from dpsynth.privacy.grad import clipped_sum
from dpsynth.privacy.noise import Randomness
from dpsynth.privacy.plan import Plan, Release
from dpsynth.privacy.query import Question, joint_sensitivity
from dpsynth.schema import Column, Kind


class Objective(Protocol):
    """What a model brings to a training step; it must keep nothing of what it is shown."""

    def prepare(self, rows: tuple[Tensor, ...], draws: RowDraws) -> tuple[Tensor, ...]:
        """Mask or noise each row on its own, with what `draws` has for that row."""

    def loss(self, model: Any, *rows: Tensor) -> Tensor:
        """(rows,) one loss per row, each of its own row only."""


class Door:
    """Holds the records of a run and answers what its plan holds.

    Guarantee:
        All answers together are (plan.epsilon, plan.delta)-DP for adding or removing one
        patient with all their rows, if `Randomness` draws as it says.

    Proof sketch:
        1. Tokens: a patient's tokens are a function of that patient's rows and of public or
           released code books, never of other patients.
        2. `measure`: one Gaussian mechanism on a vector of L2 sensitivity `joint_sensitivity`
           (see `Question`), with noise stddev noise_multiplier times that.
        3. `step`: each patient joins with `sample_rate`, independently; a patient moves the
           sum by at most `clip_norm` (see `clipped_sum`), also with any given masking seed,
           since maskings are each patient's own (see `RowDraws`); noise stddev is
           noise_multiplier times clip_norm; the divisor is public. An empty batch is noise
           alone, and a step.
           Weights of groups (`plan.groups`) come after clipping and are at most 1, and who joins
           is drawn without them.
        4. An auditor's canaries are patients that nobody is, always there or never: they move no
           parameter of the model, and a release's cells are drawn behind its own (see `Auditor`).
        5. Each call is charged before it answers, and a call that the plan does not hold is
           refused, so what is composed is what `accountant.event` composes.

    | case | what happens |
    |---|---|
    | no patients, one patient | same calls, same shapes, noise dominates |
    | a patient whose gradient is not finite | contributes zero |
    | more questions than planned | BudgetError, nothing answered |
    | a process that dies between charge and answer | the charge stands (see `pipeline`) |

    Args:
        records: the real records, cleaned; they never leave this object.
        plan: what may be asked.
        randomness: source of noise and of sampling.
        steps_spent: training steps that an earlier process has asked.
        spent: names of the releases that an earlier process has asked.
        device: where training steps are computed.
        auditor: watches, or none.
    """

    def __init__(
        self,
        records: Records,
        *,
        plan: Plan,
        randomness: Randomness,
        steps_spent: int = 0,
        spent: Sequence[str] = (),
        device: torch.device | str = "cpu",
        auditor: Auditor | None = None,
    ) -> None:
        if steps_spent < 0:
            raise InputError(f"steps_spent must be at least 0, got {steps_spent!r}")
        self._records = records
        self._keys = torch.from_numpy(hash_array(records.keys.astype(object)).view(np.int64))
        self._auditor = auditor
        if auditor:  # canaries stand before the patients
            self._keys = torch.cat([auditor.keys(), self._keys])
        self._plan = plan
        self._randomness = randomness
        self._device = torch.device(device)
        self._steps_left = (plan.training.steps if plan.training else 0) - steps_spent
        self._releases_left = {r.name: r for r in plan.releases if r.name not in spent}
        self._codec: Codec | None = None
        self._tokens: Tokens | None = None
        self._rows: tuple[Tensor, ...] = ()
        self._factors: Tensor | None = None

    @property
    def steps_left(self) -> int:
        """Training steps that may still be asked (public)."""
        return self._steps_left

    def use(self, codec: Codec) -> None:
        """Let answers be over the tokens of this code book, which is public or released."""
        self._codec = codec
        self._tokens = codec.encode(self._records)
        rows = _rows(self._tokens)
        if self._auditor:
            made = _rows(self._auditor.tokens(codec, self._tokens))
            rows = [torch.cat(pair) for pair in zip(made, rows, strict=True)]
        self._rows = tuple(part.to(self._device) for part in rows)
        self._factors = self._weighed(codec, self._tokens)

    def _weighed(self, codec: Codec, tokens: Tokens) -> Tensor | None:
        """(rows,) what clipped gradients are multiplied by, or none; of canaries always 1.

        So a canary is the patient who can be told best, and the audit is of that one.
        """
        groups = self._plan.groups
        if groups is None or not groups.trained:
            return None
        each = torch.from_numpy(groups.among(tokens.static, codec)).float()
        made = self._auditor.members if self._auditor else 0
        return torch.cat([torch.ones(made), each]).to(self._device)

    def discover(self, columns: Mapping[str, Column], max_visits: int) -> dict[str, Field]:
        """Code books of the columns whose bins or categories are private.

        Two joint Gaussian releases of the plan: "bounds" for numbers and counts over a fixed
        grid, "categories" for what was seen often enough (see `discover.threshold`).

        Raises:
            BudgetError: if the plan has no such release left.
        """
        found: dict[str, Field] = {}
        wanted = private_columns(columns)
        numbers = {n: c for n, c in wanted.items() if c.type in {Kind.NUMBER, Kind.COUNT}}
        texts = {n: c for n, c in wanted.items() if c.type is Kind.CATEGORY}
        if numbers:
            sd = self._charge("bounds").noise_multiplier * len(numbers) ** 0.5
            for name, column in numbers.items():
                exact = grid_counts(*shares(self._records, name, max_visits))
                found[name] = number_field(name, column, self._noised(exact, sd), sd)
            self._watch("bounds", sd, len(numbers) ** 0.5)
        if texts:
            release = self._charge("categories")
            sd = release.noise_multiplier * len(texts) ** 0.5
            least = threshold(sd, release.threshold_delta, len(texts) * max(max_visits, 1))
            for name, column in texts.items():
                values, weights = shares(self._records, name, max_visits)
                table = pd.Series(weights).groupby(values.to_numpy()).sum().sort_index()
                noisy = self._noised(table.to_numpy(), sd)
                seen = dict(zip(table.index, noisy, strict=True))
                found[name] = category_field(name, column, seen, least)
            self._watch("categories", sd, len(texts) ** 0.5)
        return found

    def measure(self, name: str, questions: Sequence[Question]) -> list[np.ndarray]:
        """Noisy answers, by one joint Gaussian release.

        Answer j has noise stddev noise_multiplier * `joint_sensitivity` / w_j in every cell.

        Raises:
            BudgetError: if the plan has no such release left.
        """
        release = self._charge(name)
        codec, tokens = self._opened()
        sensitivity = joint_sensitivity(questions)
        unit = release.noise_multiplier * sensitivity
        answers = [
            self._noised(question.answer(tokens, codec), unit / question.weight)
            for question in questions
        ]
        self._watch(name, unit, sensitivity)
        return answers

    def step(self, model: nn.Module, objective: Objective, micro_batch: int | None = None) -> None:
        """One DP-SGD step: puts the noisy mean gradient into every `param.grad`.

        Raises:
            BudgetError: if no step is left.
        """
        training = self._plan.training
        if training is None or self._steps_left < 1:
            raise BudgetError("the plan holds no further training step")
        self._opened()
        self._steps_left -= 1
        chosen = self._randomness.join(len(self._keys), training.sample_rate)
        batch = torch.from_numpy(chosen)
        keys = self._keys[batch].to(self._device)
        draws = RowDraws(keys, self._randomness.seed(), training.views)
        index = batch.to(self._device).repeat_interleave(training.views)
        rows = objective.prepare(tuple(part[index] for part in self._rows), draws)
        net, loss, rows = self._beside(model, objective, chosen, rows)
        sums = clipped_sum(
            net,
            loss,
            rows,
            clip_norm=training.clip_norm,
            views=training.views,
            micro_batch=micro_batch,
            factors=None if self._factors is None else self._factors[batch.to(self._device)],
        )
        stddev = training.noise_multiplier * training.clip_norm
        noise = torch.from_numpy(
            self._randomness.normal(sum(s.numel() for s in sums.values())).astype(np.float32)
        ).to(self._device)
        start = 0
        for name, parameter in net.named_parameters():
            if name not in sums:
                continue
            total = sums[name]
            draw = noise[start : start + total.numel()].view_as(total)
            start += total.numel()
            parameter.grad = (total + stddev * draw) / training.expected_batch
        if self._auditor:
            scale = training.expected_batch / training.clip_norm
            self._auditor.heard(net, chosen, scale)

    def _beside(
        self, model: nn.Module, objective: Objective, chosen: np.ndarray, rows: tuple[Tensor, ...]
    ) -> tuple[nn.Module, Callable[..., Tensor], tuple[Tensor, ...]]:
        """Network, loss and rows of a step, with the audit's beside them if there is one."""
        training = self._plan.training
        if self._auditor is None or training is None:
            return model, objective.loss, rows
        net, loss, who = self._auditor.watch(
            model, objective.loss, chosen, training.clip_norm, training.views
        )
        return net, loss, (who, *rows)

    def _noised(self, exact: np.ndarray, stddev: float) -> np.ndarray:
        """Every number with Gaussian noise of its own."""
        return exact + stddev * self._randomness.normal(exact.size).reshape(exact.shape)

    def _watch(self, release: str, stddev: float, sensitivity: float) -> None:
        """Draw a release's cells that no patient reaches behind its own, for the auditor."""
        if self._auditor:
            cells = self._noised(self._auditor.cells() * sensitivity, stddev)
            self._auditor.seen(release, cells / sensitivity)

    def _charge(self, name: str) -> Release:
        if name not in self._releases_left:
            raise BudgetError(f"the plan holds no release {name!r} that is still to be asked")
        return self._releases_left.pop(name)

    def _opened(self) -> tuple[Codec, Tokens]:
        if self._codec is None or self._tokens is None:
            raise BudgetError("choose a code book with `use` before asking")
        return self._codec, self._tokens


def _rows(tokens: Tokens) -> list[Tensor]:
    """Tokens as a step takes them."""
    arrays = (tokens.static, tokens.visits, tokens.length)
    rows = [torch.from_numpy(each.astype(np.int64)) for each in arrays]
    if tokens.pictures is not None:
        rows.append(torch.from_numpy(tokens.pictures))
    return rows


def noised_size(records: Records, epsilon: float, randomness: Randomness) -> int:
    """The number of patients plus two-sided geometric noise, at least 1.

    Guarantee:
        Pure epsilon-DP for adding or removing one patient: the count moves by 1.
    """
    return max(len(records) + randomness.two_sided_geometric(epsilon), 1)
