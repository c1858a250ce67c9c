"""Which version of this program is running, for what it writes."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = "tao-pose-triton"


def program_version() -> str:
    """`git describe` of the checkout this runs from, else the version of the package."""
    root = Path(__file__).parents[2]
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "describe", "--tags", "--always", "--dirty"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
            return done.stdout.strip()
        except (OSError, subprocess.SubprocessError):
            pass
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return "unknown"
