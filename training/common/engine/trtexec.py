"""TensorRT's command `trtexec`, on this machine or in a container."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.common.engine.request import EngineRequest, FloatArray

PLAN, LAYERS = "model.plan", "layers.json"
# C++ writes `nan`, `-nan`, `inf` and `-inf`, which are no JSON; none of them passes a check.
_NOT_FINITE = re.compile(r"([\[,:]\s*)-?(?:nan|inf)\b")
_IN_CONTAINER = 'PATH="$PATH:/usr/src/tensorrt/bin:/opt/tensorrt/bin"; exec trtexec "$@"'


@dataclass(frozen=True)
class TrtExec:
    """A `trtexec` that was found.

    Attributes:
        program: its path, or the name of a container image that has it.
        version: (major, minor, patch) of its TensorRT.
        container: `program` is an image.
    """

    program: str
    version: tuple[int, int, int]
    container: bool = False

    @property
    def name(self) -> str:
        """For messages."""
        return f"trtexec of {self.program}"

    def command(self, arguments: Sequence[str], work: Path, gpu: int) -> list[str]:
        """The whole command line; in a container it sees the folder `work` only."""
        if not self.container:
            return [self.program, *arguments, f"--device={gpu}"]
        docker = ["docker", "run", "--rm", f"--gpus=device={gpu}", "--network=none"]
        docker += [f"--user={os.getuid()}:{os.getgid()}", f"--volume={work}:{work}"]
        return [*docker, "--entrypoint=sh", self.program, "-c", _IN_CONTAINER, "sh", *arguments]

    def build_command(self, request: EngineRequest, onnx: Path, work: Path) -> list[str]:
        """What builds the engine: from `onnx`, which is in `work`, to `work/model.plan`."""
        names = ("minShapes", "optShapes", "maxShapes")
        arguments = [
            f"--onnx={onnx}",
            f"--saveEngine={work / PLAN}",
            *(
                f"--{name}={request.input}:{'x'.join(map(str, shape))}"
                for name, shape in zip(names, request.shapes, strict=True)
            ),
            f"--memPoolSize=workspace:{request.workspace}M",
            "--profilingVerbosity=detailed",
            f"--exportLayerInfo={work / LAYERS}",
            "--skipInference",
        ]
        if request.precision == "fp32":
            arguments.append("--noTF32")
        elif self.version[0] <= 10:
            arguments.append("--fp16")
            if request.precision == "int8":
                arguments.append("--int8")
        return self.command(arguments, work, request.gpu)

    def build(self, request: EngineRequest, onnx: Path, work: Path) -> None:
        """Write `work/model.plan` and `work/layers.json`."""
        execute(self.build_command(request, onnx, work), request.verbose)

    def run(self, request: EngineRequest, work: Path, feed: FloatArray) -> dict[str, FloatArray]:
        """Run `work/model.plan` on one input; returns its outputs by name."""
        feed.tofile(work / "input.bin")
        arguments = [
            f"--loadEngine={work / PLAN}",
            f"--shapes={request.input}:{'x'.join(map(str, feed.shape))}",
            f"--loadInputs={request.input}:{work / 'input.bin'}",
            f"--exportOutput={work / 'output.json'}",
            "--iterations=1",
            "--warmUp=0",
            "--duration=0",
        ]
        execute(self.command(arguments, work, request.gpu), request.verbose)
        outputs = json.loads(_NOT_FINITE.sub(r"\1NaN", (work / "output.json").read_text()))
        return {
            output["name"]: np.asarray(output["values"], dtype=np.float32).reshape(
                [int(size) for size in str(output["dimensions"]).split("x")]
            )
            for output in outputs
        }


def parse_version(log: str) -> tuple[int, int, int] | None:
    """The version in `[TensorRT v110400]`, with which trtexec begins: 11.4.0."""
    found = re.search(r"\[TensorRT v(\d{4,6})\]", log)
    if not found:
        return None
    number = int(found[1])
    if number < 100_000:  # before version 10, as in v8601 for 8.6.1
        return number // 1000, number // 100 % 10, number % 100
    return number // 10_000, number // 100 % 100, number % 100


def execute(command: Sequence[str], verbose: bool) -> None:
    """Run a command.

    Raises:
        RuntimeError: it failed; with the first error that it printed.
    """
    done = subprocess.run(
        command, stdout=None if verbose else subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        lines = (done.stdout or "").strip().splitlines()
        errors = [line for line in lines if "[E]" in line] or lines[-1:] or ["no message"]
        raise RuntimeError(f"{Path(command[0]).name} ended with {done.returncode}: {errors[0]}")
