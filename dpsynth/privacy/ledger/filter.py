"""Which run may still be asked under a cap: a privacy filter, for runs chosen after the last.

Accountants of one run fix all noise beforehand. Here every run may be chosen after its analyst
has seen all earlier answers, down to whether there is a further run at all, so the sum that is
held against the cap must be valid under fully adaptive composition: a **privacy filter** (Rogers
et al. 2016). In use is a Renyi filter (Feldman and Zrnic 2021; Lecuyer 2021) over a few orders,
with chances of failure beside it (Whitehouse et al. 2023).

Costs:
    A run with a curve costs rho(a) at order a, but for chance d (`Renyi.delta`). A run without
    one, of which only its (epsilon, delta) is known, costs epsilon at every order, but for
    chance delta: such a mechanism is pure but for an event of that chance (Kairouz et al. 2015),
    also where its steps are mixed with other runs' (Vadhan and Zhang 2023). That is basic
    composition, put on top.

Rule, for a cap (e, d) and k = 8 orders:
    (a) As long as no run with a curve stands in the ledger, a run is let in, be it the first
        with a curve, if epsilons and deltas of all runs add up to at most e and d.
    (b) Any run is let in if, all runs and it together, chances are at most d/2, and at one order
        a, whichever: sum of costs at a + surcharge(a, d / 2k) <= e.

Guarantee:
    Under a cap that was set before the first answer, all answers of all runs together are
    (e, d)-DP for adding or removing one patient, however each run was chosen. A cap that was
    set or raised because of what was answered promises less: for every set S of outcomes,
    P(S) <= E_Q[exp(e); S] + 2 d with that cap's e and the largest d of all caps.

Proof sketch:
    Let P and Q be the laws of all answers with and without one patient (or the other way round),
    in the order in which they are given, and L the log ratio of what was seen so far; it is
    enough that E_P[(1 - exp(e - L))+] <= d when nothing more is asked. A run's cost is the sum
    of its steps' costs, all fixed in its reservation and added before its first step, so that it
    does not matter whether steps of several runs are mixed, or a run is broken off.
    1. But for failures, M(a) = exp((a - 1) (L - sum of costs at a)) never rises in mean under P,
       since each step's cost bounds its Renyi divergence given all that was seen. It starts at
       1, so its mean is at most 1 at any stopping time.
    2. (1 - exp(e - L))+ <= exp((a - 1) (L - e)) (1 - 1/a)^(a - 1) / a for every a > 1 and L (the
       maximum of (1 - u) u^(a - 1) over u = exp(e - L) is at u = 1 - 1/a).
    3. Stopped by (b), let a be an order at which it holds; it may depend on what was answered.
       Then 2 is at most (d / 2k) M(a), which is at most the sum of that over the k orders, and
       its mean is at most d/2: why each order is given the k-th part. Failures have chance d/2.
    4. Costs never fall. So if the first run with a curve was let in by (a) alone, (b) holds
       for no further run, and that run is the last: its own (epsilon, delta) and those of the
       runs before it add up to at most e and d. Whether that is so is settled before its first
       answer. Runs before it have no curve, so L is at most the sum of their costs and M(a) at
       most 1, whatever they answered: given them, 3 holds with d/2 less their chances as it does
       from the start, and the larger of the two cases, d, bounds their mixture.
    5. Orders and weights do not depend on the cap. Under caps that follow from answers, paths
       that end by (a) and paths that end by (b) each have mean at most the largest d.
    Not covered, and counted apart: accesses without protection.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dpsynth.privacy.renyi import ORDERS, Renyi, surcharge

CHANCES = 0.5  # part of a cap's delta for what curves do not cover; the rest is the curves'


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one run may cost a patient, as its reservation says.

    Attributes:
        epsilon, delta: the run's own promise.
        renyi: its curve; none where it was not written down.
    """

    epsilon: float
    delta: float
    renyi: Renyi | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Cost:
        """Read the body of a "reserve" entry."""
        return cls(
            epsilon=body["epsilon"],
            delta=body["delta"],
            renyi=Renyi.from_public(body.get("renyi")),
        )


def added(parts: Sequence[float]) -> float:
    """Add budgets as the decimals they were written as, so that 0.1 + 0.2 is 0.3."""
    return float(sum((Decimal(repr(float(p))) for p in parts), Decimal(0)))


def chances(costs: Sequence[Cost]) -> float:
    """Chance of what curves do not cover, of all runs together."""
    return added([c.delta if c.renyi is None else c.renyi.delta for c in costs])


def by_filter(costs: Sequence[Cost], delta: float) -> float:
    """Epsilon at delta by rule (b); infinite where delta is too small for the chances."""
    if chances(costs) > CHANCES * delta:
        return math.inf
    each = (1 - CHANCES) * delta / len(ORDERS)
    bounds = (
        added([c.epsilon if c.renyi is None else c.renyi.epsilons[place] for c in costs])
        + surcharge(order, each)
        for place, order in enumerate(ORDERS)
    )
    return max(min(bounds), 0.0)


def by_addition(costs: Sequence[Cost], delta: float) -> float:
    """Epsilon at delta by rule (a); infinite where deltas add up to more."""
    fits = added([c.delta for c in costs]) <= delta
    return added([c.epsilon for c in costs]) if fits else math.inf


def spent(costs: Sequence[Cost], delta: float) -> float:
    """Epsilon at delta of all runs that were let in, as the cap counts them."""
    first = sum(c.renyi is not None for c in costs) <= 1
    return min(by_filter(costs, delta), by_addition(costs, delta) if first else math.inf)


def together(before: Sequence[Cost], asked: Cost, delta: float) -> float:
    """Epsilon at delta once `asked` is let in; it may be if this is at most the cap's epsilon."""
    costs = [*before, asked]
    first = all(c.renyi is None for c in before)
    return min(by_filter(costs, delta), by_addition(costs, delta) if first else math.inf)
