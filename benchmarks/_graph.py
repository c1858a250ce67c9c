"""What an ONNX graph costs, counted from the shapes of its tensors: no seconds."""

from __future__ import annotations

import json
import tempfile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from training.pose_classification.onnx_model import INPUT

Shape = list[int]


def macs(model: onnx.ModelProto, batch: int, frames: int) -> int:
    """Multiplications with addition in one run: convolutions, matrix products, einsum.

    Shapes are those that ONNX Runtime's profiler notes of the graph as it is, not optimised.

    Args:
        model: A network with input (N, C, T, V, M), in FP32 or between quantise nodes.
        batch: N.
        frames: T.
    """
    dims = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    clip = np.ones((batch, dims[1], frames, *dims[3:]), np.float32)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        session.run(None, {INPUT: clip})
        events = json.loads(Path(session.end_profiling()).read_text())
    nodes = {node.name: node for node in model.graph.node}
    return sum(
        _of_node(nodes.get(event["name"].removesuffix("_kernel_time")), event["args"])
        for event in events
        if event["cat"] == "Node" and event["name"].endswith("_kernel_time")
    )


def _of_node(node: onnx.NodeProto | None, facts: dict[str, Any]) -> int:
    kind = facts["op_name"]
    if kind not in ("Conv", "MatMul", "Gemm", "Einsum"):
        return 0
    inputs: list[Shape] = [next(iter(item.values())) for item in facts["input_type_shape"]]
    (out,) = (next(iter(item.values())) for item in facts["output_type_shape"])
    results: int = prod(out)
    if kind == "Einsum" and node is not None:
        return results * _summed(node, inputs)
    return results * (prod(inputs[1][1:]) if kind == "Conv" else inputs[0][-1])


def _summed(node: onnx.NodeProto, inputs: list[Shape]) -> int:
    equation = next(a.s.decode() for a in node.attribute if a.name == "equation").replace(" ", "")
    operands, result = equation.split("->")
    sizes = {
        letter: size
        for letters, shape in zip(operands.split(","), inputs, strict=True)
        for letter, size in zip(letters, shape, strict=True)
    }
    return prod(size for letter, size in sizes.items() if letter not in result)
