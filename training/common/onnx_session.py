"""ONNX files, run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime

from converter import InputError

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


def open_session(path: Path, gpu: int | None = None) -> onnxruntime.InferenceSession:
    """Load a network.

    Args:
        path: the file.
        gpu: index of the GPU to run on, where ONNX Runtime has CUDA; None: the CPU. TensorRT's
            provider, which would build an engine at every start, is not used.

    Raises:
        InputError: ONNX Runtime cannot load the file.
    """
    providers: list[Any] = [CPU]
    if gpu is not None and CUDA in onnxruntime.get_available_providers():
        providers.insert(0, (CUDA, {"device_id": gpu}))
    try:
        return onnxruntime.InferenceSession(path, providers=providers)
    except Exception as error:  # ONNX Runtime's exceptions have no common base
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: ONNX Runtime cannot load it: {reason}") from None
