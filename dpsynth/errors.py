"""Everything dpsynth raises on purpose.

    DpsynthError
    ├── InputError          bad usage or bad input; a command exits with 2
    │   ├── SchemaError     the schema is wrong or does not fit the data's columns
    │   ├── DataError       a file can't be read as the schema says
    │   ├── RunError        a run folder is missing, foreign, broken or of another version
    │   └── LedgerError     the ledger was edited, is of another version, or lacks a population
    └── PromiseError        a promise or a check failed; a command exits with 1
        ├── BudgetError     a question that the plan does not hold
        └── CardError       a privacy card that says too little to be released

A message names the thing, its value, its range and the cure. A message that a patient's row
could have changed is never raised from the door outwards: see `dpsynth.data.notes`.
"""


class DpsynthError(Exception):
    """Base of all our errors; `exit_code` is what a command returns."""

    exit_code = 2


class InputError(DpsynthError):
    """Bad usage or bad input."""


class SchemaError(InputError):
    """The schema is wrong, or does not fit the columns of the data."""


class DataError(InputError):
    """A file can't be read as the schema says."""


class RunError(InputError):
    """A run folder is missing, foreign, broken or of another version."""


class LedgerError(InputError):
    """The ledger was edited, is of another version, or lacks the population."""


class PromiseError(DpsynthError):
    """A promise or a check failed."""

    exit_code = 1


class BudgetError(PromiseError):
    """A question that the plan does not hold, or more than the plan holds of it."""


class CardError(PromiseError):
    """A privacy card that says too little to be released."""
