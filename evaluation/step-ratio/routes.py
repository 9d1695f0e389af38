"""The ways to a clipped sum of gradients that are timed, each as a step without arguments."""

from collections.abc import Callable

import torch
from networks import Rows, Task
from opacus.grad_sample import GradSampleModule, GradSampleModuleFastGradientClipping
from torch import Tensor, nn

from dpsynth.privacy.grad import clipped_sum

CLIP_NORM = 0.1
Step = Callable[[], object]


def plain(model: nn.Module, task: Task, rows: Rows, views: int) -> Step:
    """Make the step without privacy: forward, mean loss, backward."""
    parameters = list(model.parameters())
    return lambda: torch.autograd.grad(task.loss(model, *rows).mean(), parameters)


def fast(model: nn.Module, task: Task, rows: Rows, views: int) -> Step:
    """Make our step of one backward."""
    return lambda: clipped_sum(model, task.loss, rows, clip_norm=CLIP_NORM, views=views)


def vmap(model: nn.Module, task: Task, rows: Rows, views: int) -> Step:
    """Make our general step."""
    return lambda: clipped_sum(
        model, task.loss, rows, clip_norm=CLIP_NORM, views=views, route="vmap"
    )


def opacus_hooks(model: nn.Module, task: Task, rows: Rows, views: int) -> Step:
    """Make opacus's default step: gradients of every row, averaged over views, clipped, summed."""
    private = GradSampleModule(model, loss_reduction="sum")

    def step() -> list[Tensor]:
        task.loss(private, *rows).sum().backward()
        each = [p.grad_sample for p in private.parameters()]
        if views > 1:
            each = [g.view(-1, views, *g.shape[1:]).mean(1) for g in each]
        norms = torch.stack([g.flatten(1).norm(dim=1) for g in each], 1).norm(dim=1)
        weights = (CLIP_NORM / (norms + 1e-6)).clamp(max=1)
        total = [torch.einsum("p,p...->...", weights, g) for g in each]
        for p in private.parameters():
            p.grad_sample = p.grad = None
        return total

    return step


def opacus_ghost(model: nn.Module, task: Task, rows: Rows, views: int) -> Step:
    """Make opacus's ghost-clipping step: norms in a first backward, the sum in a second.

    It has no notion of views, so that it is timed with one view only.
    """
    private = GradSampleModuleFastGradientClipping(
        model, max_grad_norm=CLIP_NORM, use_ghost_clipping=True, loss_reduction="sum"
    )

    def step() -> None:
        losses = task.loss(private, *rows)
        losses.sum().backward(retain_graph=True)
        weights = private.get_clipping_coef()
        for p in private.parameters():
            p.grad = p._norm_sample = None
        private.disable_hooks()
        (weights * losses).sum().backward()
        private.enable_hooks()
        for p in private.parameters():
            p.grad = None

    return step


ROUTES = {
    "plain": plain,
    "fast": fast,
    "vmap": vmap,
    "opacus-hooks": opacus_hooks,
    "opacus-ghost": opacus_ghost,
}
ONE_VIEW_ONLY = {"opacus-ghost"}
