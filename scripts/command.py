"""How the commands of this folder begin and end: flags, folders, a line for what goes wrong."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

from converter.command_line import FAILED, INTERRUPTED, MISTAKE
from converter.errors import InputError
from converter.messages import presentable

P = ParamSpec("P")


def program(name: str) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Make a function the main one of a program: what it raises becomes one line and an exit code.

    The code is 1 for a failure, 2 for the user's mistake, 130 if interrupted.

    Args:
        name: The program's name, which begins the line on standard error.
    """

    def decorate(work: Callable[P, int]) -> Callable[P, int]:
        @wraps(work)
        def main(*args: P.args, **kwargs: P.kwargs) -> int:
            try:
                return work(*args, **kwargs)
            except KeyboardInterrupt:
                message, code = "interrupted", INTERRUPTED
            except InputError as error:
                message, code = str(error), MISTAKE
            except (RuntimeError, OSError) as error:
                message, code = str(error), FAILED
            sys.stderr.write(f"{name}: {presentable(message)}\n")
            return code

        return main

    return decorate


def count(text: str) -> int:
    """Read a flag's whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)


def make_folder(path: Path) -> None:
    """Make the folder of a command's results, before there are any to lose.

    Raises:
        InputError: It cannot be made or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{path} cannot be made ({error.strerror}): give another folder"
        ) from error
    if not os.access(path, os.W_OK):
        raise InputError(f"{path} cannot be written to: give another folder")
