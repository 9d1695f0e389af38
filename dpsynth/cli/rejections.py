"""What became of rules and conditions, in a line."""

from __future__ import annotations

from dpsynth.pipeline.sampling import Tally
from dpsynth.schema import Schema


def rejections(tally: Tally, schema: Schema) -> list[str]:
    """How many patients were thrown away, and for which rule; nothing if nothing was asked."""
    if not schema.rules and not tally.rejected:
        return []
    unit = schema.unit
    if not tally.rejected:
        return [f"Every rule of the schema holds; none of {tally.made:,} {unit}s was rejected."]
    often = sorted(tally.reasons.items(), key=lambda item: -item[1])
    told = "; ".join(f"{text}: {times:,}" for text, times in often)
    lines = [
        f"Rejected {tally.rejected:,} of {tally.made:,} {unit}s made ({100 * tally.rate:.1f} %), "
        f"so that all rules and conditions hold: {told}."
    ]
    if tally.stand_ins:
        lines.append(
            f"{tally.stand_ins:,} {unit}s stand in for ones with another number of visits or "
            "another label, of whom too few held the rules."
        )
    return lines
