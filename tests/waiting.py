"""Waiting for what another process or thread is about to do."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 120.0  # seconds; the machine may be busy


def wait_until(condition: Callable[[], bool]) -> None:
    """Return once the condition holds; fail if it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
