"""Where a stream of records comes from: a pipe, a file that grows, or a Kafka topic."""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from converter import InputError
from converter.atomic import is_special
from converter.deepstream.splitter import Piece, RecordSplitter
from converter.deepstream.topic import SCHEME

PIPE_READ = 1 << 16  # bytes; what a pipe holds


class Arrival(NamedTuple):
    """The text of one record, and where it stood, for messages.

    Attributes:
        text: JSON text.
        place: The source, with the line or offset.
        number: Number of the record in the source, from 0.
        fault: What is wrong with it, where the source has seen that.
    """

    text: bytes
    place: Path
    number: int
    fault: str = ""


class LiveSource(Protocol):
    """A stream of records.

    Attributes:
        name: What to call it in messages.
        keeps: What is not read now can be read later, so that reading may wait.
    """

    name: str
    keeps: bool

    def poll(self, timeout: float) -> list[Arrival] | None:
        """Return what has come, after `timeout` seconds at the latest; None at the end."""

    def close(self) -> None:
        """Close it."""


def open_source(word: str) -> LiveSource:
    """Open the source that `word` names: `-`, `kafka://host:port/topic`, a file or a pipe.

    Raises:
        InputError: There is no such source.
    """
    if word == "-":
        if sys.stdin is None:
            raise refuse(word, "stdin is closed")
        return PipeSource(os.dup(sys.stdin.fileno()), "stdin")
    if word.startswith(SCHEME):
        from client.live.kafka import KafkaSource  # its library is an extra

        return KafkaSource(word)
    path = Path(word)
    if "://" in word or (word.isdecimal() and not path.exists()):  # a URL may hold a password
        raise InputError(
            "--live reads poses, not a camera or stream: python -m video.poses SOURCE --live -o - "
            "| tao_client - --live"
        )
    if is_special(path):
        return PipeSource(os.open(path, os.O_RDONLY), word)
    from client.live.follow import FileSource

    return FileSource(path)


def arrivals(pieces: Iterable[Piece], name: str) -> Iterator[Arrival]:
    """Say where pieces of the text `name` come from."""
    for text, line, number in pieces:
        yield Arrival(text, Path(name if line is None else f"{name}, line {line}"), number)


class PipeSource:
    """A pipe, or another open file; see `LiveSource`.

    Args:
        descriptor: Of the open file; closed with the source.
        name: What to call it.
    """

    def __init__(self, descriptor: int, name: str) -> None:
        self.name = name
        self.keeps = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._descriptor = descriptor
        self._splitter = RecordSplitter()
        self._ended = False

    def poll(self, timeout: float) -> list[Arrival] | None:
        """See `LiveSource.poll`."""
        if self._ended:
            return None
        if not select.select([self._descriptor], [], [], timeout)[0]:
            return []
        data = os.read(self._descriptor, PIPE_READ)
        self._ended = not data
        pieces = self._splitter.feed(data) if data else self._splitter.end()
        return list(arrivals(pieces, self.name))

    def close(self) -> None:
        """See `LiveSource.close`."""
        os.close(self._descriptor)


def refuse(word: str, why: str) -> InputError:
    """Make the error for a source that cannot be."""
    return InputError(f"{word}: {why}; --live reads -, a growing file, or {SCHEME}host:port/topic")
