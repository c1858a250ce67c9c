"""Records of DeepStream's JSON, written as they come: an array, or one a line (NDJSON)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from converter.atomic import replacing
from video.people import Person

STDOUT = "-"


def record(
    number: int, nanoseconds: int, people: Iterable[tuple[int, Person]], producer: str
) -> bytes:
    """Return the JSON text of one frame, without a line break.

    Args:
        number: Of the frame, from 0.
        nanoseconds: When it was taken: since the epoch if it is live, else since the start.
        people: Ids and people.
        producer: What found them.
    """
    objects = [person.to_object(object_id) for object_id, person in people]
    frame = {
        "batch_id": 0,
        "frame_num": number,
        "ntp_timestamp": nanoseconds,
        "num_obj_meta": len(objects),
        "objects": objects,
    }
    return dumps({"producer": producer, "num_frames_in_batch": 1, "batches": [frame]})


def dumps(value: Any) -> bytes:
    """JSON text on one line; arrays as lists."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


class RecordWriter:
    """Writes records to an open file.

    Args:
        file: Where to.
        lines: One record a line, each passed on at once; else one array, closed by `finish`.
    """

    def __init__(self, file: BinaryIO, lines: bool) -> None:
        self._file = file
        self._lines = lines
        self.count = 0

    def write(self, text: bytes) -> None:
        """Write one record."""
        if self._lines:
            self._file.write(text + b"\n")
            self._file.flush()
        else:
            self._file.write((b",\n" if self.count else b"[") + text)
        self.count += 1

    def finish(self) -> None:
        """Close the array."""
        if not self._lines:
            self._file.write(b"]\n" if self.count else b"[]\n")


@contextmanager
def writing(output: str, lines: bool) -> Iterator[RecordWriter]:
    """Open an output.

    Args:
        output: A path, which appears when the block ends without an exception; or `-`, standard
            output, which is always lines.
        lines: See `RecordWriter`.
    """
    if output == STDOUT:
        yield RecordWriter(sys.stdout.buffer, lines=True)
        return
    with replacing(Path(output)) as file:
        writer = RecordWriter(file, lines)
        yield writer
        writer.finish()
