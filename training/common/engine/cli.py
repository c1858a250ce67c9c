"""Build a TensorRT engine from an ONNX file, and check it against ONNX Runtime."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from converter import ConvertConfig, InputError
from converter.command_line import Parser
from training.common.engine.build import make_engine
from training.common.engine.find import KINDS, NEWEST_MAJOR, ROOT
from training.common.engine.request import PRECISIONS, EngineRequest
from training.common.outcome import exit_code

NAME = "build_engine"
SERVED = ROOT / "model_repository" / "pose_classification_tao" / "1" / "model.onnx"


def main(argv: Sequence[str] | None = None) -> int:
    """Build an engine, or print how; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format=f"{NAME}: %(message)s")
    return exit_code(NAME, lambda: _run(_parser().parse_args(argv)))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="scripts/build_engine.sh", description=__doc__)
    add = parser.add_argument
    range_of = ("MIN", "OPT", "MAX")
    add(
        "onnx",
        nargs="?",
        type=Path,
        default=SERVED,
        metavar="ONNX",
        help="network in FP32; default: pose_classification_tao/1/model.onnx of model_repository",
    )
    add(
        "--precision",
        choices=PRECISIONS,
        default="fp32",
        help="precision of the engine (default %(default)s)",
    )
    add(
        "--calibration",
        type=Path,
        metavar="NPY",
        help="array of real inputs, for fp16 and int8",
    )
    add("--output", type=Path, metavar="PLAN", help="default: model.plan beside the ONNX")
    add(
        "--batch",
        type=int,
        nargs=3,
        metavar=range_of,
        default=(1, 4, 16),
        help="smallest batch, the one to tune for, and the largest (default 1 4 16)",
    )
    add(
        "--frames",
        type=int,
        nargs=3,
        metavar=range_of,
        help="the same for the frames of a sequence (default 1 to 300, tuned for 100 or, where the "
        "network does not ignore padding, 300)",
    )
    add(
        "--workspace",
        type=int,
        default=1024,
        metavar="MIB",
        help="memory that TensorRT may use while building (default %(default)s)",
    )
    add("--gpu", type=int, default=0, help="index of the GPU (default %(default)s)")
    add(
        "--tolerance",
        type=float,
        help="largest difference from ONNX Runtime that passes, as a share of the largest logit "
        "(default 0.001 for fp32, 0.02 for fp16, 0.2 for int8)",
    )
    add(
        "--builder",
        choices=KINDS,
        default="auto",
        help="which TensorRT to use: that of the server's container, trtexec, or Python's package "
        "(default: the first of these that is there)",
    )
    add(
        "--tensorrt-major",
        type=int,
        default=NEWEST_MAJOR,
        metavar="VERSION",
        help="version to assume for --dry-run without TensorRT (default %(default)s)",
    )
    add("--skip-verification", action="store_true", help="do not check the engine")
    add("--dry-run", action="store_true", help="only print the commands; needs no GPU")
    add("-v", "--verbose", action="store_true", help="show TensorRT's log")
    return parser


def _run(options: argparse.Namespace) -> int:
    if not options.onnx.is_file():
        raise InputError(f"{options.onnx}: no such file")
    largest = ConvertConfig().sequence_length_max
    sizes = {"batch": options.batch, "frames": options.frames or (1, None, largest)}
    for name, (smallest, usual, biggest) in sizes.items():
        if not 1 <= smallest <= (usual or biggest) <= biggest:
            raise InputError(f"--{name}: give three numbers from 1 up, none below the one before")
    request = EngineRequest(
        onnx=options.onnx,
        plan=options.output or options.onnx.with_name("model.plan"),
        precision=options.precision,
        sizes={name: tuple(size) for name, size in sizes.items()},
        calibration=options.calibration,
        workspace=options.workspace,
        gpu=options.gpu,
        tolerance=options.tolerance,
        verify=not options.skip_verification,
        verbose=options.verbose,
    )
    facts = make_engine(request, options.builder, options.dry_run, options.tensorrt_major)
    if facts is not None:
        logging.getLogger(__name__).info("%s: written", request.plan)
    return 0
