"""Does every patient hold the schema's rules?"""

from __future__ import annotations

import numpy as np

from dpsynth.data.records import Records
from dpsynth.data.rules import broken
from dpsynth.evaluation.estimate import Estimate, not_assessable, wilson
from dpsynth.schema import Schema


def rules_broken(records: Records, schema: Schema) -> Estimate:
    """Share of patients that break any rule of the schema.

    Scenario:
        Someone works with the copy and meets a patient who can't exist: younger than at the
        visit before, or seen after death. In real records such patients are errors of entry.

    Args:
        records: synthetic patients, or real ones for the reference.
        schema: its rules; a rule about a missing value holds.

    Returns:
        0: every patient holds every rule; 1: none does. Wilson interval over patients.

    Errors:
        A schema without rules, or no patients: not assessable.
    """
    if not schema.rules:
        return not_assessable("the schema states no rules", len(records))
    wrong = np.logical_or.reduce(list(broken(records, schema).values()))
    return wilson(int(wrong.sum()), len(records))
