"""What exports of every task share."""

from __future__ import annotations

import logging
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

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


@contextmanager
def quiet_exporter() -> Iterator[None]:
    """Silence what torch's ONNX exporter says about itself."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def without_trace(model: Any) -> Any:
    """Remove from an `onnx.ModelProto` the source paths, of this machine, of its nodes.

    Returns:
        The same model.
    """
    graph = model.graph
    for part in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    return model
