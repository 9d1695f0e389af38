"""The fast route: one backward, in which each layer leaves per-patient gradients by its own rule.

A plain step spends one forward, one pass of input gradients and one of weight gradients. Here the
backward skips the ordinary weight gradients; each layer keeps instead what gives each patient's
squared norm and the weighted sum of gradients (`pieces`), in a form chosen from its shapes alone.
No layer needs a second backward.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from dpsynth.errors import InputError
from dpsynth.privacy.grad.norms import clip_weights
from dpsynth.privacy.grad.rows import checked_losses
from dpsynth.privacy.grad.rules import LIMITS, RULES
from dpsynth.privacy.grad.tape import Tape


def fast_sum(
    model: nn.Module,
    loss: Callable[..., Tensor],
    rows: tuple[Tensor, ...],
    clip_norm: float,
    views: int,
    factors: Tensor | None = None,
) -> dict[str, Tensor]:
    """Return the sum over patients of their clipped gradients; see `clipped_sum`."""
    tape = Tape(patients=len(rows[0]) // views, views=views)
    parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}
    with recording(model, tape):
        losses = checked_losses(loss(model, *rows), len(rows[0]))
        finite = (losses.detach().abs() < torch.inf).view(-1, views).all(1)
        tape.armed = True
        if losses.requires_grad:
            _backward(losses.sum() / views, parameters)
    squared = tape.squared()
    if not squared:
        return {n: torch.zeros_like(p) for n, p in parameters.items()}
    size = sum(p.numel() for p in parameters.values())
    weights = clip_weights(torch.stack(squared).sum(0), size, finite, clip_norm).times(factors)
    return {n: tape.weighted(p, weights) for n, p in parameters.items()}


def _backward(total: Tensor, parameters: dict[str, nn.Parameter]) -> None:
    """Run the one backward, and raise if a gradient reached a parameter past its rule."""
    past = torch.autograd.grad(total, list(parameters.values()), allow_unused=True)
    for name, gradient in zip(parameters, past, strict=True):
        if gradient is not None:
            raise InputError(
                f"parameter {name!r} is used outside the module that holds it, where no rule "
                "sees it: call the module, or use route='vmap'"
            )


@contextmanager
def recording(model: nn.Module, tape: Tape) -> Iterator[None]:
    """Let every layer with trainable parameters run by its rule, and undo that on the way out."""
    ruled = [(m, rule_of(name, m)) for name, m in model.named_modules() if _trains(m)]
    try:
        for module, rule in ruled:
            module.__dict__["forward"] = partial(rule, module, tape)
        yield
    finally:
        for module, _ in ruled:
            module.__dict__.pop("forward", None)


def rule_of(name: str, module: nn.Module) -> Callable[..., Tensor]:
    """Return the rule of a module that holds trainable parameters.

    Raises:
        InputError: there is none; it names the parameter.
    """
    key = next(k for k, p in module._parameters.items() if p is not None and p.requires_grad)
    parameter = f"{name}.{key}".lstrip(".")
    kind = next((k for k in RULES if _is(module, k)), None)
    if kind is None:
        raise InputError(
            f"parameter {parameter!r} of {type(module).__name__} has no rule on the fast route: "
            f"build it from {', '.join(k.__name__ for k in RULES)}, or use route='vmap'"
        )
    reason = LIMITS[kind](module) if kind in LIMITS else ""
    if reason:
        raise InputError(
            f"parameter {parameter!r} has no rule on the fast route, for its {kind.__name__} has "
            f"{reason}: drop that, or use route='vmap'"
        )
    return RULES[kind]


def _is(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether a module runs exactly the forward of a kind."""
    own = "forward" not in module.__dict__
    return own and isinstance(module, kind) and type(module).forward is kind.forward


def _trains(module: nn.Module) -> bool:
    """Whether a module itself holds a trainable parameter."""
    return any(p is not None and p.requires_grad for p in module._parameters.values())
