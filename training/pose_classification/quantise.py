"""INT8 form of an exported network for the CPU, calibrated on real sequences.

    python -m training.pose_classification.quantise model.onnx --calibration sequences.npy

writes `model.int8.onnx` and its facts beside `model.onnx`. ONNX Runtime computes it with 8-bit
integers where the processor multiplies them (AVX-512 VNNI, AVX-VNNI); without, sums may saturate,
so keep to FP32 there. TensorRT makes an INT8 engine of its own from the FP32 file.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType

from converter import InputError
from converter.command_line import Parser
from training.common.engine.request import TOLERANCES
from training.common.npy import open_npy
from training.common.outcome import exit_code
from training.common.quantisation import quantised
from training.pose_classification.metadata import FP32, INT8, ModelMetadata
from training.pose_classification.onnx_model import INPUT, OUTPUT, check_onnx_path, write_model

logger = logging.getLogger(__name__)
FloatArray = NDArray[np.float32]

BATCH = 8
SEQUENCES = 128  # to calibrate on; more change little
PRODUCTS = ["Conv", "MatMul"]
# All of a block, so that it runs from end to end on integers; pooling and classifier stay FP32.
BLOCK = [*PRODUCTS, "Add", "Mul", "Relu"]
# Channels of the first block, and of a convolution. What is narrower gains less than it costs to go
# to integers and back: 8.3 ms of a narrow ST-GCN++ became 9.0 with all in INT8, 7.3 so.
FULL_WIDTH, LEAST_WIDTH = 64, 16
# Where the logits differ too much, convolutions of more channels stay FP32, too.
WIDTHS = (LEAST_WIDTH, 2 * LEAST_WIDTH, 4 * LEAST_WIDTH)


def quantise(model: onnx.ModelProto, sequences: FloatArray) -> tuple[onnx.ModelProto, float]:
    """The INT8 form with as many convolutions on integers as its tolerance allows.

    Args:
        model: in FP32, the deployed form.
        sequences: see `to_int8`.

    Returns:
        It, and the largest difference of a logit to FP32's, as a share of the largest logit.

    Raises:
        RuntimeError: The difference is always more than INT8 explains.
    """
    for width in WIDTHS:
        form = to_int8(model, sequences, width)
        difference = compare(form, model, sequences)
        if difference <= TOLERANCES["int8"]:
            return form, difference
        logger.info("%.1e of the largest logit, with %d channels or more", difference, width)
    raise RuntimeError(
        f"logits of the INT8 form differ by {difference:.1e} of the largest, more than "
        f"{TOLERANCES['int8']:.0e}: nothing written"
    )


def to_int8(
    model: onnx.ModelProto, sequences: FloatArray, least_width: int = LEAST_WIDTH
) -> onnx.ModelProto:
    """Quantise weights and activations: QDQ, static, unsigned activations (ONNX Runtime's U8S8).

    Weights of convolutions have a scale for each output channel, the adjacency one in all (ONNX
    Runtime has no other matrix product). Activations have the range that they take on `sequences`.
    The first graph convolution stays FP32: coordinates lose most by it, and it costs least. So do
    convolutions of few channels, and in a narrow network everything but its products.

    Args:
        model: in FP32, the deployed form.
        sequences: (N, C, T, V, M) as the network is fed; at most 128 of them are used.
        least_width: channels below which a convolution stays FP32.
    """

    def options(graph: onnx.GraphProto) -> dict[str, Any]:
        return {
            "activation_type": QuantType.QUInt8,
            "op_types_to_quantize": BLOCK if _width(graph) >= FULL_WIDTH else PRODUCTS,
            "nodes_to_exclude": [*_first(graph), *_thin(graph, least_width)],
            "extra_options": {"TensorQuantOverrides": _one_scale(graph)},
        }

    with _quiet():
        return quantised(model, INPUT, list(_batches(sequences)), options)


def compare(int8: onnx.ModelProto, model: onnx.ModelProto, sequences: FloatArray) -> float:
    """Largest difference of a logit, as a share of the largest logit of `model`."""
    ours, theirs = (_logits(form, _batches(sequences)) for form in (int8, model))
    difference = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    same = float((ours.argmax(axis=1) == theirs.argmax(axis=1)).mean())
    logger.info("INT8 answers %.1f %% of %d sequences as FP32 does", 100 * same, len(ours))
    return difference


def quantise_file(path: Path, calibration: Path, output: Path) -> float:
    """Write the INT8 form of an exported network and its facts.

    Returns:
        The difference that `quantise` returns.

    Raises:
        InputError: A file cannot be used.
        RuntimeError: See `quantise`; nothing is written.
    """
    try:
        model = onnx.load(path)
    except (OSError, DecodeError) as error:
        raise InputError(f"{path}: cannot be read as ONNX: {error}") from error
    facts = {item.key: item.value for item in model.metadata_props}
    if "classes" not in facts or facts.get("data_type", FP32) != FP32:
        raise InputError(f"{path}: is not a network that `export` wrote in FP32")
    sequences = read_sequences(calibration, model)
    form, difference = quantise(model, sequences)
    write_model(form, replace(ModelMetadata.of_mapping(facts), data_type=INT8), output)
    return difference


def read_sequences(path: Path, model: onnx.ModelProto) -> FloatArray:
    """Map the sequences to calibrate on.

    Raises:
        InputError: Not a .npy of sequences that the network takes.
    """
    wanted = [size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim]
    array = open_npy(path)
    fits = array.ndim == len(wanted) and all(
        not size or size == got for size, got in zip(wanted[1:], array.shape[1:], strict=True)
    )
    if not fits or not len(array) or array.dtype.kind not in "fiu":
        shape = ", ".join(str(size or axis) for size, axis in zip(wanted, "NCTVM", strict=True))
        raise InputError(f"{path}: is {array.dtype} {array.shape}, must be numbers ({shape})")
    for index in _chosen(array):
        if not np.isfinite(array[index]).all():
            raise InputError(f"{path}: sequence {index} is not finite")
    return array


def _chosen(sequences: FloatArray) -> NDArray[np.int64]:
    """Indices of the sequences to calibrate on, evenly out of all."""
    return np.unique(np.linspace(0, len(sequences) - 1, SEQUENCES).astype(np.int64))


def _batches(sequences: FloatArray) -> Iterator[FloatArray]:
    """The chosen sequences, those of similar length together, without common padding."""
    chosen = _chosen(sequences)
    used = [np.flatnonzero(np.any(sequences[i], axis=(0, 2, 3))) for i in chosen]
    lengths = np.array([frames[-1] + 1 if len(frames) else 1 for frames in used])
    for rows in np.array_split(np.argsort(lengths, kind="stable"), -(-len(chosen) // BATCH)):
        clip = sequences[np.sort(chosen[rows])]
        yield np.ascontiguousarray(clip[:, :, : lengths[rows].max()], dtype=np.float32)


def _first(graph: onnx.GraphProto) -> list[str]:
    """Names of the first matrix product, if there is one, and the first convolution."""
    named = {node.op_type: node.name for node in reversed(graph.node)}
    return [named[product] for product in PRODUCTS if product in named]


def _channels(graph: onnx.GraphProto) -> dict[str, tuple[int, int]]:
    """Output and input channels of each convolution, in order."""
    weights = {item.name: item.dims for item in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    return {node.name: tuple(weights[node.input[1]][:2]) for node in convolutions}


def _width(graph: onnx.GraphProto) -> int:
    """Channels of the first block."""
    return next(iter(_channels(graph).values()))[0]


def _thin(graph: onnx.GraphProto, least_width: int) -> list[str]:
    """Names of the convolutions that have few channels."""
    return [name for name, widths in _channels(graph).items() if min(widths) < least_width]


def _one_scale(graph: onnx.GraphProto) -> dict[str, list[dict[str, Any]]]:
    weights = {item.name for item in graph.initializer}
    products = [node.input[1] for node in graph.node if node.op_type == "MatMul"]
    return {
        name: [{"quant_type": QuantType.QInt8, "symmetric": True}]
        for name in products
        if name in weights
    }


def _logits(model: onnx.ModelProto, batches: Iterator[FloatArray]) -> FloatArray:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.concatenate([session.run([OUTPUT], {INPUT: batch})[0] for batch in batches])


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the advice that ONNX Runtime's quantiser gives through the root logger."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    return exit_code("quantise", lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    parser = Parser(prog="quantise", description=__doc__.splitlines()[0])
    parser.add_argument("onnx", type=Path, help="an exported network in FP32")
    parser.add_argument(
        "--calibration",
        type=Path,
        required=True,
        metavar="NPY",
        help="array of real sequences (N, C, T, V, M), as the network is fed",
    )
    parser.add_argument(
        "-o", "--output", type=Path, help="file to write (default: <name>.int8.onnx beside it)"
    )
    given = parser.parse_args(argv)
    path = given.output or given.onnx.with_suffix(".int8.onnx")
    check_onnx_path(path, "--output")
    difference = quantise_file(given.onnx, given.calibration, path)
    logger.info("%s: written; logits differ by %.1e of the largest", path, difference)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
