"""Warnings that cannot flood a log."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)


class Complaints:
    """Warns of the first few troubles of one kind, and counts all of them.

    Args:
        kind: What they are called together, as in "broken records".
        most: How many to warn of.

    Attributes:
        count: How many there were.
    """

    def __init__(self, kind: str, most: int = 10) -> None:
        self._kind = kind
        self._most = most
        self.count = 0

    @property
    def flooded(self) -> bool:
        """Whether there were more than it warned of."""
        return self.count > self._most

    def note(self, message: str, times: int = 1) -> None:
        """Take note of one trouble that concerns `times` things."""
        if self.count < self._most:
            log.warning("%s", message)
            if self.count + times >= self._most:
                log.warning("further %s are only counted", self._kind)
        self.count += times
