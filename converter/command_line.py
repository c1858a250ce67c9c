"""What all command lines share: exit codes, and a parser whose complaint is one line."""

from __future__ import annotations

import argparse
from typing import NoReturn

from converter.errors import InputError

FAILED, MISTAKE, INTERRUPTED = 1, 2, 130


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises its complaint instead of printing the usage and leaving."""

    def error(self, message: str) -> NoReturn:
        """See `argparse.ArgumentParser.error`."""
        raise InputError(f"{message} (see {self.prog} --help)")
