"""What has been spent on each population of patients, by every run, for good."""

from dpsynth.privacy.ledger.book import Ledger
from dpsynth.privacy.ledger.chain import Entry
from dpsynth.privacy.ledger.filter import Cost
from dpsynth.privacy.ledger.show import Table, as_json, table, words
from dpsynth.privacy.ledger.sums import Reservation, Scope, Spent

__all__ = [
    "Cost",
    "Entry",
    "Ledger",
    "Reservation",
    "Scope",
    "Spent",
    "Table",
    "as_json",
    "table",
    "words",
]
