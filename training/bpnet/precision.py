"""FP16 and INT8 forms of an exported network; its inputs and outputs stay FP32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx
from onnxruntime.quantization import QuantType
from onnxruntime.transformers.float16 import convert_float_to_float16

from training.bpnet.arrays import Array
from training.common.quantisation import quantised


def to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Weights and arithmetic in FP16."""
    converted: onnx.ModelProto = convert_float_to_float16(model, keep_io_types=True)
    return converted


def to_int8(model: onnx.ModelProto, name: str, batches: Sequence[Array]) -> onnx.ModelProto:
    """Convolutions in INT8 between quantise and dequantise nodes, calibrated on real images.

    Weights are scaled per output channel, activations per tensor by their extremes. The first
    convolution and depthwise ones stay FP32: they lose most by it and cost next to nothing.

    Args:
        model: in FP32.
        name: of its input.
        batches: inputs to calibrate on.
    """
    return quantised(model, name, batches, _options)


def _options(graph: onnx.GraphProto) -> dict[str, Any]:
    return {
        "activation_type": QuantType.QInt8,
        "op_types_to_quantize": ["Conv"],
        "nodes_to_exclude": _delicate(graph),
    }


def _delicate(graph: onnx.GraphProto) -> list[str]:
    """Names of the first convolution and of those that are grouped."""
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    grouped = [
        node.name
        for node in convolutions
        if any(item.name == "group" and item.i > 1 for item in node.attribute)
    ]
    return [convolutions[0].name, *grouped]
