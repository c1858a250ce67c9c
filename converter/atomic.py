"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from converter.errors import InputError


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside `path`, and move it there when the block ends without an exception.

    Otherwise `path` is left as it was. Missing folders are made. A link stays, and what it points
    to is replaced. A device or a pipe cannot be replaced and is written to at once.

    Raises:
        InputError: `path` is a folder.
        OSError: It cannot be written.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder, not a file to write")
    if path.exists() and not path.is_file():
        with path.open("wb") as special:
            yield special
        return
    place = Path(os.path.realpath(path))
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        file = beside.open("wb", buffering=1 << 20)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        with file:
            yield file
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)
