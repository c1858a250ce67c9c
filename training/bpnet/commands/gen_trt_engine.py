"""`bpnet gen_trt_engine`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from training.bpnet.commands.common import TITLE, add_calibration, at_least, calibration_source
from training.common.outcome import recorded
from training.common.results import open_folder


def add(parser: argparse.ArgumentParser) -> None:
    """Build a TensorRT engine of an exported ONNX file."""
    parser.set_defaults(task=run)
    parser.add_argument(
        "-m", "--model", required=True, help="ONNX file: an FP32 export with a fixed input size"
    )
    parser.add_argument(
        "-o", "--engine_file", help="engine to write; default: beside the model, as .engine"
    )
    parser.add_argument(
        "--data_type",
        choices=("fp32", "fp16", "int8"),
        default="fp16",
        help="precision of the engine (default %(default)s)",
    )
    parser.add_argument(
        "--max_batch_size",
        type=at_least(1),
        default=16,
        help="largest batch (default %(default)s)",
    )
    parser.add_argument(
        "--opt_batch_size",
        type=at_least(1),
        default=8,
        help="batch that the engine is tuned for (default %(default)s)",
    )
    add_calibration(parser, batches=100)
    parser.add_argument(
        "--max_workspace_size",
        type=at_least(1),
        default=1024,
        help="memory that TensorRT may use while building, in MiB (default %(default)s)",
    )
    parser.add_argument(
        "--gpu_index",
        type=at_least(0),
        default=0,
        help="GPU to build on (default %(default)s)",
    )
    parser.add_argument(
        "--dry_run", action="store_true", help="only print the commands; needs no GPU"
    )
    parser.add_argument(
        "-r", "--results_dir", help="folder for status.json; default: that of the engine"
    )


def run(arguments: argparse.Namespace) -> None:
    """Build the engine."""
    from training.bpnet.gen_trt_engine import EngineOptions, build

    source = Path(arguments.model)
    plan = Path(arguments.engine_file or source.with_suffix(".engine"))
    largest = arguments.max_batch_size
    options = EngineOptions(
        arguments.data_type,
        (1, min(arguments.opt_batch_size, largest), largest),
        calibration_source(arguments),
        arguments.max_workspace_size,
        arguments.gpu_index,
        arguments.dry_run,
    )
    results = open_folder(Path(arguments.results_dir or plan.parent))
    with recorded(results.status, TITLE, "gen_trt_engine"):
        facts = build(source, plan, options)
    if facts is not None:
        sys.stdout.write(f"{plan}\n")
