"""What reading changed, counted: for the steward's terminal only.

The counts depend on patients' rows. They never enter a run folder, a card, a log or an exit
code; only a schema that says `strict: true` turns them into an error (and its card says so).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from dpsynth.errors import DataError


@dataclass
class Notes:
    """Counts of what was clipped, dropped, unseen or doubled, by place in the schema.

    Attributes:
        counts: (place, what happened) to the number of cells or rows. INTERNAL.
        columns: public remarks that follow from the files' headers alone.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    columns: list[str] = field(default_factory=list)

    def add(self, place: str, what: str, number: int) -> None:
        """Count `number` more of `what` at `place`."""
        if number:
            self.counts[place, what] += int(number)

    def lines(self) -> list[str]:
        """One line per remark, for the steward's terminal."""
        counted = [f"{place}: {n:,} {what}" for (place, what), n in sorted(self.counts.items())]
        return [*self.columns, *counted]

    def stop_if_any(self) -> None:
        """What `strict: true` does.

        Raises:
            DataError: if any cell or row was changed.
        """
        if self.counts:
            (place, what), number = sorted(self.counts.items())[0]
            more = f" (and {len(self.counts) - 1} more kinds)" if len(self.counts) > 1 else ""
            raise DataError(
                f"{place}: {number:,} {what}{more}; correct the data, or set strict: false"
            )
