"""Errors of the processes that load data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from converter import InputError


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Take the traceback of a loading process out of the message of its `InputError`."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).strip().rsplit("InputError: ", 1)[-1]) from error
