"""Shell scripts where nothing can be installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def without_python(script: Path, flag: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script from its own folder; were it to make its environment, it would fail."""
    return subprocess.run(
        [f"./{script.name}", flag],
        cwd=script.parent,
        env={**os.environ, "VENV": str(folder / "venv"), "PYTHON": "false"},
        capture_output=True,
        text=True,
    )
