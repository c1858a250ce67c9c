"""A file of JSON records, read a chunk of records at a time.

The file is an array of records or holds one record a line (NDJSON). It may be larger than the
memory, and is read twice: `scan` finds where to cut, `replay` cuts at the same places.
"""

from __future__ import annotations

import contextlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from converter.deepstream import framing
from converter.deepstream.explain import explain
from converter.deepstream.stream import ByteStream
from converter.deepstream.summary import Summary
from converter.errors import InputError

T = TypeVar("T")
# Decodes the JSON text of an array of records.
Decoder = Callable[[bytes], list[T]]

# Buffers of 128 KiB and more go back to the system each time, which costs more than decoding.
CHUNK_SIZE = 96 << 10
_LARGEST_RECORD = 1 << 26


def decode_text(
    decode: Decoder[T], text: bytes, path: Path, first_record: int
) -> tuple[list[T], int]:
    """Decode the text of an array of records, numbers that are nan or inf as null.

    Args:
        decode: The decoder.
        text: The JSON text.
        path: Where it comes from, for messages.
        first_record: Number of the first record of `text`, for messages.

    Returns:
        The records, and how many numbers are not finite.

    Raises:
        InputError: It is no JSON, or not what `decode` expects.
    """
    count = 0
    try:
        try:
            decoded = decode(text)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            text, count = framing.without_nan(text)
            if not count:
                raise
            decoded = decode(text)
        if not text.isascii():
            text.decode("utf-8")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise explain(path, error, text, first_record) from None
    return decoded, count


class _Chunk(NamedTuple):
    skip: int  # bytes of separators before the records
    length: int  # bytes of the records
    repair: bool  # has numbers that are not finite


class RecordFile:
    """The records of a file. Numbers that are nan or inf are read as null.

    Args:
        path: The file.
        summary: `scan` counts records and numbers that are not finite, and notes damage.

    Attributes:
        path: The file.
        fraction: Share 0..1 of the file that the present pass has read.
        lines: Whether it holds one record a line; known when `scan` has begun.
        ending: The end of the array, and what follows it; known when `scan` is through.
    """

    def __init__(self, path: Path, summary: Summary) -> None:
        self.path = path
        self._summary = summary
        self.fraction = 0.0
        self._chunks: list[_Chunk] = []
        self._identity: tuple[int, ...] = ()
        self.lines = False
        self.ending = b""
        self._beginning = b""

    def scan(self, decode: Decoder[T]) -> Iterator[list[T]]:
        """Yield the decoded records, a chunk at a time.

        Raises:
            InputError: The file is unreadable, no JSON, or not what `decode` expects.
        """
        with ByteStream(self.path) as stream:
            self._identity = stream.identity
            buffer = stream.read(CHUNK_SIZE)
            at_end = len(buffer) < CHUNK_SIZE
            start = self._start(buffer)
            while not at_end and buffer[start : start + 1] != b"]":
                if taken := self._take(decode, buffer, start):
                    decoded, end = taken
                    self.fraction = stream.position / stream.size
                    yield decoded
                    buffer, start = buffer[end:], 0
                wanted = max(CHUNK_SIZE, len(buffer))
                piece = stream.read(wanted)
                at_end = len(piece) < wanted
                buffer += piece
                start = self._next(buffer, start)
            self.fraction = 1.0
            finish = self._finish_lines if self.lines else self._finish_array
            yield from finish(decode, buffer, start)
            if any(piece.strip() for piece in iter(lambda: stream.read(CHUNK_SIZE), b"")):
                raise InputError(f"{self.path}: there is text after the closing ]")
            if stream.torn:
                self._summary.damage = "the gzip data is cut short"

    def replay(self, decode: Decoder[T]) -> Iterator[list[T]]:
        """Yield the records of `scan` again, in the same chunks, decoded in another way.

        Raises:
            InputError: The file has changed since `scan`.
        """
        for _, text in self.texts():
            yield decode(b"[%b]" % text)

    def texts(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the text of the records of `scan`, in the same chunks, behind what precedes it.

        With `ending`, the texts are those of an array; what separates lines becomes commas.

        Raises:
            InputError: The file has changed since `scan`.
        """
        with ByteStream(self.path) as stream:
            if stream.identity != self._identity:
                raise InputError(f"{self.path}: has changed while it was being read; run again")
            between = b"["
            for chunk in self._chunks:
                before = stream.read(chunk.skip)
                text = stream.read(chunk.length)
                self.fraction = stream.position / stream.size
                if chunk.repair:
                    text = framing.without_nan(text)[0]
                if self.lines:
                    before = between if (text := _array_items(text)) else b""
                    between = b",\n" if text else between
                yield before, text

    def _start(self, head: bytes) -> int:
        """Tell the form of the file from its head; returns where the first record starts."""
        start = len(framing.BOM) if head.startswith(framing.BOM) else 0
        start = framing.skip_space(head, start)
        first = head[start : start + 1]
        if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            raise InputError(f"{self.path}: is UTF-16 text; save it as UTF-8")
        if first not in (b"[", b"{", b""):
            raise InputError(f"{self.path}: holds neither a JSON array of records nor JSON lines")
        self.lines = first == b"{"
        if first == b"[":
            start = framing.skip_space(head, start + 1)
        elif first:
            self._check_line(head[start:])
        self._beginning = framing.signature(head, start)
        return start

    def _check_line(self, head: bytes) -> None:
        """See that the first record does not go on behind its line."""
        line, _, rest = head.partition(b"\n")
        if rest.strip() and framing.is_torn(line.rstrip(framing.BETWEEN)):
            raise InputError(
                f"{self.path}: record 0 does not end on its line: "
                "a record must stand on one line, or put the records into an array"
            )

    def _next(self, buffer: bytes, start: int) -> int:
        """Return where the next record starts: behind the separator, if that is still to skip."""
        if start or self.lines or not self._chunks:
            return start
        after = framing.skip_space(buffer, 0)
        if after == len(buffer):
            return 0
        comma = buffer[after : after + 1] == b","
        return framing.skip_space(buffer, after + comma)

    def _take(self, decode: Decoder[T], buffer: bytes, start: int) -> tuple[list[T], int] | None:
        """Decode the complete records of `buffer`; returns them and where they end, if any."""
        guess = None if self.lines else framing.likely_end(buffer, start, self._beginning)
        if guess is not None:
            with contextlib.suppress(InputError):  # a wrong guess, or the sure end fails too
                return self._decode(decode, buffer, start, guess), guess
        end = buffer.rfind(b"\n") + 1 if self.lines else framing.sure_end(buffer, start)
        if end:
            return self._decode(decode, buffer, start, end), end
        if buffer[start : start + 1] not in b"{" + framing.BETWEEN or len(buffer) > _LARGEST_RECORD:
            raise InputError(
                f"{self.path}: record {self._summary.records} is not a JSON object of at most "
                f"{_LARGEST_RECORD >> 20} MiB"
            )
        return None

    def _decode(self, decode: Decoder[T], buffer: bytes, start: int, end: int) -> list[T]:
        """Decode the records between `start` and `end` and remember where they are."""
        records = memoryview(buffer)[start:end]
        text = b"".join((b"[", _array_items(records) if self.lines else records, b"]"))
        decoded, count = decode_text(decode, text, self.path, self._summary.records)
        self._chunks.append(_Chunk(start, end - start, count > 0))
        self._summary.not_finite += count
        self._summary.records += len(decoded)
        return decoded

    def _finish_array(self, decode: Decoder[T], buffer: bytes, start: int) -> Iterator[list[T]]:
        end = framing.sure_end(buffer, start)
        if end is not None:
            yield self._decode(decode, buffer, start, end)
        rest = buffer[start if end is None else end :]
        tail = rest.lstrip(framing.BETWEEN).rstrip()
        self.ending = rest if rest.strip() == b"]" else b"]"
        if not tail:
            opened = self._summary.records or b"[" in buffer[:start]
            self._summary.damage = "the closing ] is missing" if opened else "the file is empty"
        elif framing.is_torn(tail):
            self._summary.damage = (
                f"the last record is incomplete, its {len(tail)} bytes are dropped"
            )
        elif tail != b"]":
            if tail.startswith(b"]"):
                raise InputError(f"{self.path}: there is text after the closing ]")
            raise InputError(
                f"{self.path}: {tail[:20].decode(errors='replace')!r} is neither record "
                f"{self._summary.records} nor the closing ]"
            )

    def _finish_lines(self, decode: Decoder[T], buffer: bytes, start: int) -> Iterator[list[T]]:
        text = buffer.rstrip()
        self.ending = b"]\n"
        try:
            decoded = self._decode(decode, text, start, len(text))
        except InputError:
            last = max(start, text.rfind(b"\n") + 1)
            if not framing.is_torn(text[last:]):
                raise
            dropped = len(text) - last
            self._summary.damage = f"the last line is incomplete, its {dropped} bytes are dropped"
            if last == start:
                return
            decoded = self._decode(decode, text, start, last)
        yield decoded


def _array_items(lines: bytes | memoryview) -> bytes:
    """Return records that stand on lines as the items of an array."""
    items = (line.strip(framing.BETWEEN) for line in bytes(lines).splitlines())
    return b",\n".join(item for item in items if item)
