"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from converter.errors import InputError

_FOLDER = "is a folder, not a file to write"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def check_place(path: Path, advice: str = "") -> None:
    """Find out before long work whether `replacing` could write its result.

    Args:
        path: The file to be written.
        advice: What to change, for the end of the message.

    Raises:
        InputError: It is a folder, or there cannot be a file there.
    """
    if path.is_dir():
        raise InputError(f"{path}: {_FOLDER}{advice}")
    if is_special(path):
        return
    folder = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder{advice}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: is not writable{advice}")


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
        raise InputError(f"{path}: {_FOLDER}")
    if is_special(path):
        with _named(path), path.open("wb") as special:
            yield special
        return
    place = Path(os.path.realpath(path))
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        beside.unlink(missing_ok=True)  # left by a process of the same number, or by a stranger
        file = beside.open("xb", buffering=1 << 20)  # through no link
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        with _named(path), file:
            yield file
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Tell which file a full disk has no place for; Python does not when it writes."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL and error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


def is_special(path: Path) -> bool:
    """Whether it is a device or a pipe, which cannot be replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()
