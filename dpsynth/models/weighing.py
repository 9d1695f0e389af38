"""Which models can weigh groups, and the same weights for what they generate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from dpsynth.data.codec import Codec
from dpsynth.data.field import field
from dpsynth.errors import InputError
from dpsynth.privacy.weights import GroupWeights, by_code
from dpsynth.schema import Schema

Part = Literal["measurements", "training"]
Weigh = Literal["measurements", "training", "both"]
Factors = Callable[[Sequence[Tensor]], Tensor]
"""What a critic is shown of records -> (rows,) their weights."""

# What of each model can be weighed. Answers about pictures are sums by class, which hold no
# group: weighing them would tilt every picture of a class.
CAN: Mapping[str, tuple[Part, ...]] = {
    "log-linear": ("measurements",),
    "table-gan": ("measurements", "training"),
    "table-diffusion": ("measurements", "training"),
    "image-gan": ("training",),
    "image-diffusion": ("training",),
}


def chosen_weights(
    model: str,
    schema: Schema,
    groups: Mapping[str, Mapping[str, float]],
    weigh: Weigh | None = None,
) -> GroupWeights:
    """Weights that this model can use; checked against the schema, before any record is read.

    Args:
        model: registry name.
        schema: public.
        groups: weights by column and group; see `GroupWeights`.
        weigh: what is weighed; none for all that the model can.

    Raises:
        InputError: if the model, or a column, can't be weighed, or a weight is out of range.
    """
    if weigh not in (None, *get_args(Weigh)):
        raise InputError(f"weigh must be one of {', '.join(get_args(Weigh))}, got {weigh!r}")
    can = CAN.get(model, ())
    wanted = can if weigh is None else get_args(Part) if weigh == "both" else (weigh,)
    if not can or set(wanted) - set(can):
        what = ", ".join(f"{name} ({' and '.join(each)})" for name, each in CAN.items())
        raise InputError(
            f"model {model!r} can't weigh groups in {weigh or 'anything'}; these can: {what}. "
            "dpsynth generate --balance makes groups equally many with every model"
        )
    found = GroupWeights.of(groups, measured="measurements" in wanted, trained="training" in wanted)
    _check(found, schema)
    if found.trained and model == "table-diffusion" and schema.clock is None:
        raise InputError(
            "table-diffusion without visits trains on facts alone, whose shares weights would "
            "bend; use --weigh measurements"
        )
    return found


def _check(groups: GroupWeights, schema: Schema) -> None:
    """Hold the groups to the schema's per-patient columns."""
    known = schema.columns("patient")
    for name, each in groups.columns:
        if name not in known:
            some = ", ".join(known) or "the schema has none"
            raise InputError(
                f"group weights need a per-patient column ({some}), got {name!r}: say per: "
                "patient in the schema if it never changes"
            )
        if known[name].private:
            raise InputError(
                f"group weights need public groups, and those of {name!r} are private; "
                "state its categories or bins"
            )
        if schema.label is not None and name == schema.label.column:
            raise InputError(
                f"{name!r} is the label, which is drawn last and can't be weighed; "
                "use dpsynth generate --balance"
            )
        by_code(field(name, known[name]), dict(each))


def factors_of(
    groups: GroupWeights | None, codec: Codec, codes_of: Callable[[Sequence[Tensor], int], Tensor]
) -> Factors | None:
    """Weights of generated records, as the door weighs patients in training; none for 1.

    A critic that learns from halves weighed alike rests where both have the same law: groups
    that weigh less are not taken for rare.

    Args:
        groups: of the plan.
        codec: code books.
        codes_of: (what the critic is shown, place of a static field) -> (rows,) codes.
    """
    if groups is None or not groups.trained:
        return None
    tables = {k: torch.from_numpy(v).float() for k, v in groups.tables(codec).items()}

    def factors(record: Sequence[Tensor]) -> Tensor:
        found = torch.ones(len(record[0]), device=record[0].device)
        for place, table in tables.items():
            found = found * table.to(found.device)[codes_of(record, place)]
        return found

    return factors
