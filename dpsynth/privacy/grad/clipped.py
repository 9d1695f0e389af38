"""The clipped sum of per-patient gradients: the only thing training learns from patients."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from dpsynth.errors import InputError
from dpsynth.privacy.grad.fast import fast_sum
from dpsynth.privacy.grad.guard import frozen_buffers, full_precision, refuse_mixing
from dpsynth.privacy.grad.rows import count_patients
from dpsynth.privacy.grad.vmap import vmap_sum

Route = Literal["fast", "vmap"]


def clipped_sum(
    model: nn.Module,
    loss: Callable[..., Tensor],
    rows: tuple[Tensor, ...],
    *,
    clip_norm: float,
    views: int = 1,
    route: Route = "fast",
    micro_batch: int | None = None,
    factors: Tensor | None = None,
) -> dict[str, Tensor]:
    """Return the sum over patients of their clipped gradients.

    Args:
        model: the network; no module in it may mix rows.
        loss: `loss(model, *rows)` gives one loss for each row, shape (rows,). The losses of
            one patient's rows must not depend on another's.
        rows: tensors (patients * views, ...); the views of one patient lie next to each other.
        clip_norm: L2 bound on one patient's gradient, all parameters together.
        views: augmentations or maskings of each patient; a patient's loss is their mean, so
            that averaging comes before clipping.
        route: "fast" (one backward, a rule for each kind of layer) or "vmap" (slow, general).
        micro_batch: patients at a time, to save memory; the sum is the same up to rounding.
        factors: (patients,) in (0, 1], by which each patient's clipped gradient is multiplied;
            public weights of groups, looked up by the patient's own record. None for 1.

    Returns:
        For the name of each trainable parameter, the sum, in float32.

    Formal guarantee:
        Let `f(D)` be the returned dictionary read as one vector, for the rows of the patients D.
        If the model and the loss keep the rows of different patients apart, then for every D and
        every patient p, `|f(D + p) - f(D)|_2 <= clip_norm`.

        Proof sketch. `f(D)` is the sum over p of `w_p g_p`, where `g_p` depends on p's rows and the
        parameters alone (nothing mixes rows; no buffer changes; nothing outlives the call), and so
        does `w_p = min(1, clip_norm (1 - MARGIN) / n_p)`. `n_p` bounds `|g_p|_2` from above, over
        all parameters: each layer's squared norm is exact but for rounding, which two-level
        sums (`norms`) and an allowance for cancellation (`pieces.SLACK`) outweigh, for products are
        in float32 whatever the user allows elsewhere (`full_precision`); a parameter used more than
        once is summed over its uses first; and a parameter that any gradient reaches past its rule
        stops the step. Hence `|w_p g_p|_2 <= clip_norm (1 - MARGIN)`, and MARGIN is
        left for the rounding of the sum. Splitting in micro-batches only reorders the sum. A factor
        v_p of at most 1 comes after clipping: `|v_p w_p g_p|_2 <= |w_p g_p|_2`, and v_p is of the
        patient's own record. Multiplied before clipping, it would be clipped away.

        The proof is about the numbers as computed, up to two roundings that MARGIN is meant for
        and no proof covers: of the final sum, and of one patient's gradient, which a processor may
        round differently in a batch of another size.

    Edge cases:
        ============================================  ===========================================
        the patient's rows                            what they add
        ============================================  ===========================================
        loss, gradient or its norm infinite or NaN    exactly zero
        gradient zero                                 exactly zero
        gradient finite, its square over 3e38         exactly zero
        no patient at all                             zeros for every parameter, model not called
        parameter that no loss reaches                zeros for that parameter
        one bad view among several                    exactly zero for the whole patient
        ============================================  ===========================================

    Raises:
        InputError: an argument out of range, a factor above 1 among them; a module that mixes
            patients; on the fast route, a trainable parameter without a rule, or one that is used
            past its module, or a loss that takes gradients itself.
        PromiseError: a buffer changed.

    What can't be checked here: that the loss, and layers without parameters, keep rows apart; and
    that a layer whose input has rows first by its size has rows first by its meaning. A test that
    compares both routes on made-up rows shows either fault.
    """
    if not 0 < clip_norm < float("inf"):
        raise InputError(f"clip_norm must be positive and finite, got {clip_norm!r}")
    if micro_batch is not None and micro_batch < 1:
        raise InputError(f"micro_batch must be at least 1 patient, got {micro_batch!r}")
    if route not in ("fast", "vmap"):
        raise InputError(f"route must be 'fast' or 'vmap', got {route!r}")
    patients = count_patients(rows, views)
    _check_factors(factors, patients)
    refuse_mixing(model)
    rows = tuple(r.detach() for r in rows)
    step = (micro_batch or patients or 1) * views
    route_sum = fast_sum if route == "fast" else vmap_sum
    total: dict[str, Tensor] = {}
    with frozen_buffers(model), full_precision(), torch.enable_grad():
        for start in range(0, patients * views, step):
            piece = tuple(r[start : start + step] for r in rows)
            some = None if factors is None else factors[start // views : (start + step) // views]
            found = route_sum(model, loss, piece, clip_norm, views, some)
            total = {n: g + total[n] if total else g.float() for n, g in found.items()}
    return total or {
        n: torch.zeros_like(p, dtype=torch.float32)
        for n, p in model.named_parameters()
        if p.requires_grad
    }


def _check_factors(factors: Tensor | None, patients: int) -> None:
    """Refuse what would let a patient weigh more than the clipping norm."""
    if factors is None:
        return
    if factors.shape != (patients,):
        raise InputError(f"factors must be one for each patient, got shape {tuple(factors.shape)}")
    if not bool(((factors > 0) & (factors <= 1)).all()):
        raise InputError("factors must be in (0, 1]: one above 1 would pass the clipping norm")
