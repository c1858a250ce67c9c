"""What all command lines share: exit codes, a parser whose complaint is one line, output."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

from converter.errors import InputError

FAILED, MISTAKE, INTERRUPTED = 1, 2, 130


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises its complaint instead of printing the usage and leaving."""

    def error(self, message: str) -> NoReturn:
        """See `argparse.ArgumentParser.error`."""
        raise InputError(f"{message} (see {self.prog} --help)")


def say(line: str) -> None:
    """Print a line at once.

    Raises:
        BrokenPipeError: Nobody reads standard output any more.
    """
    try:
        print(line, flush=True)  # noqa: T201
    except BrokenPipeError:
        forget_output()
        raise


def forget_output() -> None:
    """Let go of what nobody reads; else Python tries again as it ends, and exits with 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
