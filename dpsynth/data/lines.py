"""One line of a CSV file, one row: no row can reach into the next.

A quote that opens and never closes would swallow the rows after it, so that one patient's row
decided what becomes of others'. Lines are therefore read on their own: a line whose quotes don't
close on it is dropped and counted, a cell with a line break in it too.
"""

from __future__ import annotations

import io
import re
from typing import IO


class WholeLines(io.RawIOBase):
    """A binary file without the lines whose quotes don't close.

    Args:
        file: the file, at its start; its first line is the header and is kept.
        separator: between cells.

    Attributes:
        dropped: how many lines were left out so far.
    """

    def __init__(self, file: IO[bytes], separator: str) -> None:
        super().__init__()
        self.dropped = 0
        self._file, self._rest, self._ready = file, file.readline(), b""
        mark = re.escape(separator.encode())
        cell = rb'(?:"(?:[^"\r\n]|"")*"|[^"\r\n' + mark + rb"][^\r\n" + mark + rb"]*)?"
        self._row = re.compile(cell + rb"(?:" + mark + cell + rb")*")

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer with whole lines' bytes."""
        while not self._ready:
            more = self._file.read(2**20)
            lines, self._rest = self._split(self._rest + more, last=not more)
            self._ready = lines
            if not more:
                break
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _split(self, data: bytes, *, last: bool) -> tuple[bytes, bytes]:
        """What may pass, and the start of a line that is not complete yet."""
        end = len(data) if last else data.rfind(b"\n") + 1
        lines, rest = data[:end], data[end:]
        if b'"' in lines:
            kept = [line for line in lines.splitlines(keepends=True) if self._closes(line)]
            lines = b"".join(kept)
        return lines, rest

    def _closes(self, line: bytes) -> bool:
        closes = b'"' not in line or self._row.fullmatch(line.rstrip(b"\r\n")) is not None
        self.dropped += not closes
        return closes
