"""Cutting a stream of bytes into JSON records as they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from converter.deepstream import framing

LARGEST_RECORD = 1 << 22  # bytes; a record of a thousand persons has three million


class Piece(NamedTuple):
    """The text of one record.

    Attributes:
        text: The JSON text, or what stands where it should be.
        line: Number of its line, from 1; None in an array.
        number: Number of the record, from 0.
    """

    text: bytes
    line: int | None
    number: int


class RecordSplitter:
    """Tells the records of a growing text apart: one a line, or an array as DeepStream saves it.

    The form is seen from the first bytes, and again behind the end of an array. What is no record
    is handed out like one, so that whoever decodes it can complain; so is a record of more than
    `LARGEST_RECORD` bytes, in parts. (In an array one bracket too few makes such a record; the
    next one is then found by its beginning.)
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._in_array = False
        self._beginning = b""  # of the array's first record, up to its first key
        self._line = 1
        self._number = 0

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Add `data` to the stream; yields the records that this completes."""
        self._buffer += data
        while True:
            before = len(self._buffer), self._in_array
            yield from self._from_array() if self._in_array else self._from_lines()
            if before == (len(self._buffer), self._in_array):
                break
        if len(self._buffer) > LARGEST_RECORD:
            yield from self._give_up()

    def end(self) -> Iterator[Piece]:
        """End the stream; yields the last line, or what there is of an unfinished record."""
        rest, self._buffer = self._buffer.strip(framing.BETWEEN), b""
        if rest:
            yield self._piece(rest)

    def _give_up(self) -> Iterator[Piece]:
        """Hand out what has no end; go on at the next text that begins as the array did."""
        known = self._in_array and self._beginning
        following = self._buffer.find(self._beginning, 1) if known else -1
        if following < 0:
            yield from self.end()
            return
        yield self._piece(self._buffer[:following].rstrip(framing.BETWEEN))
        self._buffer = self._buffer[following:]
        yield from self.feed(b"")

    def _from_array(self) -> Iterator[Piece]:
        begin = 0
        if not self._beginning:
            self._buffer = self._buffer.lstrip(framing.BETWEEN)
            self._beginning = framing.signature(self._buffer, 0)
        for end in framing.record_ends(self._buffer).tolist():
            text = self._buffer[begin:end].lstrip(framing.BETWEEN)
            begin = end
            yield self._piece(text)
        self._buffer = self._buffer[begin:].lstrip(framing.BETWEEN)
        if self._buffer[:1] not in (b"{", b""):  # its end, or no array after all
            self._buffer = self._buffer.removeprefix(b"]")
            self._in_array = False

    def _from_lines(self) -> Iterator[Piece]:
        """Take whole lines, as far as an array."""
        if self._number == 0:
            self._buffer = self._buffer.removeprefix(framing.BOM)
        begin = 0
        while not self._starts_array(begin) and (end := self._buffer.find(b"\n", begin)) >= 0:
            line = self._buffer[begin:end].strip(framing.BETWEEN)
            begin = end + 1
            if line:
                yield self._piece(line)
            self._line += 1
        self._buffer = self._buffer[begin:]
        if self._starts_array(0):
            self._buffer = self._buffer[framing.skip_space(self._buffer, 0) + 1 :]
            self._in_array, self._beginning = True, b""

    def _starts_array(self, start: int) -> bool:
        """Tell whether the line at `start` opens an array of objects."""
        start = framing.skip_space(self._buffer, start)
        if self._buffer[start : start + 1] != b"[":
            return False
        inside = framing.skip_space(self._buffer, start + 1)
        return self._buffer[inside : inside + 1] in (b"{", b"]", b"")

    def _piece(self, text: bytes) -> Piece:
        self._number += 1
        return Piece(text, None if self._in_array else self._line, self._number - 1)
