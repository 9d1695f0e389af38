"""What has been spent on each population of patients, by every run, for good."""

from dpsynth.privacy.ledger.book import Ledger
from dpsynth.privacy.ledger.chain import Entry
from dpsynth.privacy.ledger.filter import Cost
from dpsynth.privacy.ledger.scopes import Chains, Scope
from dpsynth.privacy.ledger.show import Table, as_json, table, words
from dpsynth.privacy.ledger.sums import Reservation, Spent

__all__ = [
    "Chains",
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
