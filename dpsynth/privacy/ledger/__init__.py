"""What has been spent on each population of patients, by every run, for good."""

from dpsynth.privacy.ledger.book import Ledger
from dpsynth.privacy.ledger.chain import Entry
from dpsynth.privacy.ledger.show import Table, as_json, table
from dpsynth.privacy.ledger.sums import Reservation, Spent

__all__ = ["Entry", "Ledger", "Reservation", "Spent", "Table", "as_json", "table"]
