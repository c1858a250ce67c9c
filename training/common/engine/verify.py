"""Is the engine what was asked for: its precision, and its outputs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from training.common.engine.find import Builder
from training.common.engine.request import TOLERANCES, EngineRequest
from training.common.engine.trtexec import LAYERS

_TYPES = {"fp16": re.compile(r"\b(FP16|Half)\b", re.I), "int8": re.compile(r"\bInt8\b", re.I)}


def layer_types(information: str) -> Counter[str]:
    """Count the layers of an engine that touch float16 or int8, and all.

    Args:
        information: JSON of TensorRT's engine inspector at detailed verbosity.

    Returns:
        Layers by `fp16`, `int8` and `all`.
    """
    layers = json.loads(information).get("Layers", [])
    counts = Counter({"all": len(layers)})
    for layer in layers:
        formats = " ".join(_formats(layer))
        counts.update(name for name, pattern in _TYPES.items() if pattern.search(formats))
    return counts


def _formats(value: Any, key: str = "") -> Iterator[str]:
    """Texts of all tensors' formats and types in a layer."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _formats(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from _formats(part, key)
    elif isinstance(value, str) and ("Format" in key or "type" in key.lower()):
        yield value


def check_precision(request: EngineRequest, work: Path) -> dict[str, int]:
    """See that the engine computes in the precision that was asked for.

    Raises:
        RuntimeError: it does not; TensorRT itself ignores a precision without a word.
    """
    counts = layer_types((work / LAYERS).read_text())
    lower = {name for name in _TYPES if counts[name]}
    expected = set() if request.precision == "fp32" else {request.precision}
    if request.precision == "int8":
        lower.discard("fp16")  # what is not quantised runs in it
    if lower != expected:
        raise RuntimeError(
            f"the engine is not {request.precision}: of {counts['all']} layers, {counts['fp16']} "
            f"use float16 and {counts['int8']} int8"
        )
    return dict(counts)


def check_outputs(request: EngineRequest, builder: Builder, work: Path) -> float:
    """Compare the engine's outputs with ONNX Runtime's of the original network.

    Returns:
        The largest difference, as a share of the largest value of an output.

    Raises:
        RuntimeError: it is above the tolerance.
    """
    session = request.reference
    names = [output.name for output in session.get_outputs()]
    differences = []
    for feed in request.test_inputs():
        expected = dict(zip(names, session.run(names, {request.input: feed}), strict=True))
        got = builder.run(request, work, feed)
        for name, values in expected.items():
            difference = np.abs(got[name].reshape(values.shape) - values).max()
            differences.append(difference / (np.abs(values).max() or 1))
    worst = float(np.max(differences))  # nan if there is one, as Python's max may not be
    tolerance = request.tolerance or TOLERANCES[request.precision]
    if not worst <= tolerance:
        raise RuntimeError(
            f"the engine's outputs differ from ONNX Runtime's by {worst:.1e} of the largest, more "
            f"than {tolerance:.1e} for {request.precision}"
        )
    return worst
