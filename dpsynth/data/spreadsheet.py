"""Text that a spreadsheet would run: made harmless on export, restored on reading."""

from __future__ import annotations

import re

_ACTIVE = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def neutral(text: str) -> str:
    """The text with an apostrophe before it if a spreadsheet would run it; numbers stay."""
    if text.startswith(_ACTIVE) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def original(text: str) -> str:
    """What `neutral` was given."""
    bare = text[1:]
    return bare if text.startswith("'") and neutral(bare) == text else text
