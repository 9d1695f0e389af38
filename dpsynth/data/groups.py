"""Hundreds of codes to a few public groups, as in the chapters of ICD."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_RANGE = re.compile(r"([A-Za-z]*)(\d+)\s*-\s*([A-Za-z]*)(\d+)")


def grouping(groups: Mapping[str, str]) -> Callable[[str], str | None]:
    """A function from a code to its group's name, or None.

    A key is a prefix ("250" holds 250 and 250.83; "V" holds V27) or a range of numbers before
    the point ("390-459" holds 459.9) or of letter codes ("E10-E14" holds E11.9 and E119). The
    longest prefix wins over shorter ones, any prefix over ranges, narrow ranges over wide ones.
    """
    prefixes: list[tuple[str, str]] = []
    ranges: list[tuple[str, int, str, int, str]] = []
    for key, name in groups.items():
        match = _RANGE.fullmatch(key.strip())
        if match is None:
            prefixes.append((key.strip().upper(), name))
        else:
            ranges.append((match[1].upper(), int(match[2]), match[3].upper(), int(match[4]), name))
    prefixes.sort(key=lambda each: (-len(each[0]), each[0]))
    ranges.sort(key=lambda each: (each[0] != each[2], each[3] - each[1], each))

    def find(code: str) -> str | None:
        code = code.strip().upper()
        for prefix, name in prefixes:
            if code.startswith(prefix):
                return name
        match = re.match(r"([A-Z]*)(\d+)", code)
        if match is None:
            return None
        letters, digits = match[1], match[2]
        for first, low, last, high, name in ranges:
            number = int(digits[: len(str(high))] if letters else digits)
            if (first, low) <= (letters, number) <= (last, high):
                return name
        return None

    return find
