"""What exports of every task share: from torch to a checked ONNX file that says what it is."""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from training.common.results import write_atomic

OPSET = 18  # the lowest that the exporter writes without conversion


def to_onnx(
    net: nn.Module,
    example: Tensor,
    names: tuple[str, Sequence[str]],
    axes: Mapping[int, Any],
) -> onnx.ModelProto:
    """Export a network as it is.

    Args:
        net: takes one tensor.
        example: of that tensor.
        names: of the input and of the outputs.
        axes: those of the input that stay open, as `torch.export.Dim`.

    Returns:
        A checked model, without the source paths of this machine.
    """
    with _quiet_exporter(), torch.no_grad():
        program = torch.onnx.export(
            net,
            (example,),
            dynamo=True,
            input_names=[names[0]],
            output_names=list(names[1]),
            dynamic_shapes=(dict(axes),),
            opset_version=OPSET,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned nothing")
    model: onnx.ModelProto = program.model_proto
    _remove_trace(model.graph)
    onnx.checker.check_model(model, full_check=True)
    return model


def write_onnx(
    model: onnx.ModelProto, properties: Mapping[str, str], facts: Mapping[str, Any], path: Path
) -> None:
    """Write an ONNX file with what the network is inside, and `<name>.json` beside it.

    Args:
        model: the network.
        properties: what it is, as text.
        facts: the same for the JSON, which also says the digest of the file.
        path: the file; replaced if it exists.
    """
    onnx.helper.set_model_props(model, dict(properties))
    content = model.SerializeToString()
    stated = {**facts, "onnx_sha256": hashlib.sha256(content).hexdigest()}
    sidecar = json.dumps(stated, indent=2, ensure_ascii=False) + "\n"
    write_atomic(path.with_suffix(".json"), sidecar.encode())
    write_atomic(path, content)


@contextmanager
def _quiet_exporter() -> Iterator[None]:
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


def _remove_trace(graph: onnx.GraphProto) -> None:
    """Remove the source paths, of this machine, of the nodes."""
    for part in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
