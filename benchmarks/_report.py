"""Keeping the figures of a benchmark, with what is needed to read them."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from converter.atomic import replacing

WIDTH = 110  # of tables that go to a file or a pipe
RESULTS = Path(__file__).parent / "results"


def console() -> Console:
    """Where tables are printed."""
    return Console(width=None if sys.stdout.isatty() else WIDTH)


def write_report(name: str, figures: Mapping[str, Any]) -> None:
    """Write `results/<name>.json`: the figures, the command, the machine."""
    facts = {
        "command": f"python -m benchmarks.{name}",
        "cpus": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[2], 2),
        "python": platform.python_version(),
    }
    text = json.dumps({**facts, **figures}, indent=2) + "\n"
    with replacing(RESULTS / f"{name}.json") as file:
        file.write(text.encode())
