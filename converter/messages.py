"""What a message may show: nothing that steers a terminal, and no password."""

from __future__ import annotations

import logging
import re

_HIDDEN = r"\1***"
# What ends with @: all before a path, and where no port follows the colon, a path with it, for a
# password may hold a / that should have been escaped.
_USER = re.compile(r"(://)(?:[^/?#\s]+|[^/?#\s:\[]*:(?!\d+[/?#])\S+)(?=@)")
# Some cameras take user=NAME_password=WORD as their path.
_SECRET = re.compile(r"([?&/=][\w.]*(?:password|passwd|secret|token|key)[\w.]*=)[^&\s]*", re.I)


def printable(text: str) -> str:
    """Replace what could disturb a terminal, line breaks included."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def presentable(text: str) -> str:
    """Make one harmless line of a message, which may quote foreign data and URLs."""
    return _SECRET.sub(_HIDDEN, _USER.sub(_HIDDEN, printable(" ".join(text.splitlines()))))


class MessageFormatter(logging.Formatter):
    """Formats log records, whose messages become presentable."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """See `logging.Formatter.formatMessage`."""
        return presentable(super().formatMessage(record))
