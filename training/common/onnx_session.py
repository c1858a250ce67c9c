"""ONNX files, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnxruntime

from converter import InputError

CPU = "CPUExecutionProvider"


def open_session(path: Path, providers: Sequence[str] = (CPU,)) -> onnxruntime.InferenceSession:
    """Load a network.

    Raises:
        InputError: ONNX Runtime cannot load the file.
    """
    try:
        return onnxruntime.InferenceSession(path, providers=list(providers))
    except Exception as error:  # ONNX Runtime's exceptions have no common base
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: ONNX Runtime cannot load it: {reason}") from None
