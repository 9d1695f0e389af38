"""Likeness and leakage within one group: for whom is the copy cruder, and who is given away?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dpsynth.data.codec import Codec, Tokens
from dpsynth.evaluation.bias.support import PATIENTS, few_patients
from dpsynth.evaluation.estimate import REPLICATES, Estimate, not_assessable
from dpsynth.evaluation.fidelity.one_way import tv1
from dpsynth.evaluation.leakage.membership import Attack, membership_auc


def group_tv1(
    real: Tokens, other: Tokens, codec: Codec, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """One-way total variation within one group.

    Args:
        real: the real patients of the group.
        other: the copy's patients of the group, or other real ones for the reference.
        codec, replicates, seed: as in `tv1`.

    Returns:
        As `tv1`; 0: all histograms of the group are equal. Small groups lie further apart by
        chance alone: hold the value against as many real patients of the group.

    Errors:
        Fewer real patients than `support` asks for: not assessable. Nobody of the group in
        the copy: 1, with a note.
    """
    why = few_patients(len(real))
    if why:
        return not_assessable(why, len(real))
    return tv1(real, other, codec, replicates=replicates, seed=seed)


def group_membership_auc(
    made: Attack, inside: np.ndarray, *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """How well an attack ranks the members of a group before its outsiders.

    Scenario:
        Rare kinds of patients stand out. An attack that finds nothing on average may still
        recognise them.

    Args:
        made: the attack on everyone.
        inside: (attacked patients,) whether each belongs to the group.
        replicates, seed: as in `membership_auc`.

    Returns:
        As `membership_auc`; 0.5: nothing given away; 1: members are recognised always.

    Errors:
        Fewer members or outsiders in the group than `support` asks for: not assessable.

    Reference: Kulynych et al., Disparate vulnerability to membership inference attacks,
    PoPETs 2022.
    """
    member = made.member[inside]
    fewer = int(min(member.sum(), (~member).sum()))
    if fewer < PATIENTS:
        return not_assessable(
            f"{fewer} attacked members or outsiders, fewer than {PATIENTS}", len(member)
        )
    part = replace(made, member=member, score=made.score[inside])
    return membership_auc(part, replicates=replicates, seed=seed)
