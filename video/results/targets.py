"""Where a command may write: to a file that is none of those it reads."""

from __future__ import annotations

import os
from pathlib import Path

from converter.atomic import check_place, is_special
from converter.errors import InputError


def check_target(target: Path, *inputs: Path | None) -> None:
    """Find out before the work what could not be written after it.

    Args:
        target: The file to write or replace.
        inputs: The files that are read; None is none.

    Raises:
        InputError: The target is no file that can be made, or would replace an input.
    """
    check_place(target)
    if any(path is not None and same_file(path, target) for path in inputs):
        raise InputError(f"{target}: would replace an input; give the output another name")


def check_film(target: Path) -> None:
    """Find out whether an MP4 can be written, which takes going back in the file.

    Raises:
        InputError: The target is a device or a pipe.
    """
    if is_special(target):
        raise InputError(f"{target}: an MP4 cannot be written to a device or a pipe")


def same_file(one: Path, other: Path) -> bool:
    """Tell whether two names are of one file, which need not be there yet."""
    if one.exists() and other.exists():
        return one.samefile(other)
    return os.path.realpath(one) == os.path.realpath(other)
