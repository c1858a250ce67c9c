"""The command `pose_classification {dataset_convert,train,evaluate,inference,export,...}`."""

from __future__ import annotations

from collections.abc import Sequence

from training.common.cli import Program, Task
from training.pose_classification.spec import ExperimentSpec

_PACKAGE = "training.pose_classification"
_NET = ("model", "dataset")

PROGRAM = Program(
    name="pose_classification",
    title="Pose Classification",
    schema=ExperimentSpec,
    tasks=(
        Task(
            "dataset_convert",
            "make arrays from the JSON of deepstream-bodypose-3d",
            f"{_PACKAGE}.dataset_convert",
            ("dataset_convert",),
        ),
        Task("train", "train a network", f"{_PACKAGE}.train", (*_NET, "train")),
        Task("evaluate", "measure accuracy", f"{_PACKAGE}.evaluate", (*_NET, "evaluate")),
        Task("inference", "classify sequences", f"{_PACKAGE}.inference", (*_NET, "inference")),
        Task("export", "write an ONNX model", f"{_PACKAGE}.export", (*_NET, "export")),
        Task(
            "gen_trt_engine",
            "build a TensorRT engine",
            f"{_PACKAGE}.gen_trt_engine",
            ("gen_trt_engine",),
        ),
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a task; returns the exit code."""
    return PROGRAM.main(argv)
