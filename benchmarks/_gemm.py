"""The machine's own peak: how fast ONNX Runtime multiplies large matrices, FP32 and INT8."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
import onnxruntime
from onnx import NodeProto, TensorProto, helper, numpy_helper

SIDE = 1536


def peaks(threads: int, rounds: int) -> dict[str, float]:
    """1e9 operations in a second at best, by data type: `fp32`, `int8` (U8 x S8)."""
    rng = np.random.default_rng(0)
    left = rng.random((SIDE, SIDE), np.float32)
    right = rng.integers(-127, 127, (SIDE, SIDE), np.int8)
    scales = {"scale": np.float32(1), "zero": np.uint8(0), "origin": np.int8(0), "w": right}
    plain = helper.make_node("MatMul", ["x", "w"], ["y"])
    quantised = helper.make_node(
        "QLinearMatMul", ["x", "scale", "zero", "w", "scale", "origin", "scale", "zero"], ["y"]
    )
    return {
        "fp32": _speed(plain, {"w": left}, TensorProto.FLOAT, left, threads, rounds),
        "int8": _speed(
            quantised,
            {"w": right, **scales},
            TensorProto.UINT8,
            left.astype(np.uint8),
            threads,
            rounds,
        ),
    }


def _speed(
    node: NodeProto,
    constants: Mapping[str, object],
    kind: int,
    x: np.ndarray,  # type: ignore[type-arg]  # either of two dtypes
    threads: int,
    rounds: int,
) -> float:
    graph = helper.make_graph(
        [node],
        "peak",
        [helper.make_tensor_value_info("x", kind, x.shape)],
        [helper.make_tensor_value_info("y", kind, x.shape)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    session.run(None, {"x": x})
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        session.run(None, {"x": x})
        best = min(best, time.perf_counter() - started)
    return 2 * SIDE**3 / best / 1e9
