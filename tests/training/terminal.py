"""A command whose standard error is a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200", "TERM": "xterm"}


def on_a_terminal(module: str, *arguments: str | Path) -> str:
    """What `python -m module` shows there, without its colours; the bar is nowhere else."""
    terminal, side = pty.openpty()
    command: Sequence[str | Path] = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=side, env=ENVIRONMENT)
    os.close(side)
    shown = _read(terminal)
    os.close(terminal)
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0, shown
    assert b"Epoch" not in out
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


def _read(terminal: int) -> str:
    content = b""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            return content.decode(errors="replace")
        content += chunk
