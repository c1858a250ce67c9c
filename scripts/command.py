"""How the commands of this folder end: exit codes, and one line for everything that goes wrong."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from converter.errors import InputError
from converter.messages import presentable

FAILED, MISTAKE, INTERRUPTED = 1, 2, 130


class Parser(argparse.ArgumentParser):
    """An argparse parser whose complaint is one line, raised instead of printed."""

    def error(self, message: str) -> NoReturn:
        """See `argparse.ArgumentParser.error`."""
        raise InputError(f"{message} (--help lists the arguments)")


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
