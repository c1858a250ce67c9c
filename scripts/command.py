"""How the commands of this folder begin and end: flags, folders, a line for what goes wrong."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from converter.command_line import FAILED, INTERRUPTED, MISTAKE
from converter.errors import InputError
from converter.messages import presentable


def run(program: str, work: Callable[[], int]) -> int:
    """Run a command.

    Args:
        program: Its name, which begins the line on standard error.
        work: The rest; returns an exit code.

    Returns:
        That of `work`; 1 for a failure, 2 for the user's mistake, 130 if interrupted.
    """
    try:
        return work()
    except KeyboardInterrupt:
        message, code = "interrupted", INTERRUPTED
    except InputError as error:
        message, code = str(error), MISTAKE
    except (RuntimeError, OSError) as error:
        message, code = str(error), FAILED
    sys.stderr.write(f"{program}: {presentable(message)}\n")
    return code


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
