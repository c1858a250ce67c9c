"""Keeping the figures of a benchmark, with what is needed to read them."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def write_report(name: str, figures: Mapping[str, Any]) -> None:
    """Write `results/<name>.json`: the figures, the command, the machine."""
    RESULTS.mkdir(exist_ok=True)
    facts = {
        "command": f"python -m benchmarks.{name}",
        "cpus": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[2], 2),
        "python": platform.python_version(),
    }
    (RESULTS / f"{name}.json").write_text(json.dumps({**facts, **figures}, indent=2) + "\n")
