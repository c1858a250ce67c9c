"""Precision that is part of the ONNX file, by NVIDIA's ModelOpt.

TensorRT 11 has no precision flags: a network runs in the types it is written in. AutoCast turns
float32 into float16 where the values of real inputs allow it; quantization puts scales for int8,
found on real inputs, around convolutions and products. TensorRT 10 takes `--fp16` itself and
needs the scales for int8 only.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np

from converter import InputError
from training.common.engine.request import EngineRequest

SAMPLES = 32  # real inputs that values are looked at on


def typed_onnx(request: EngineRequest, major: int, work: Path) -> Path | None:
    """Where the ONNX with the wanted precision is to go; None: the original is taken."""
    if request.precision == "int8" or (request.precision == "fp16" and major >= 11):
        return work / f"model.{request.precision}.onnx"
    return None


def calibration(request: EngineRequest, target: Path) -> Path:
    """Where the real inputs are: an array, or for AutoCast a folder with a .npz of each."""
    return target.with_name("calibration" if request.precision == "fp16" else "calibration.npy")


def command(request: EngineRequest, target: Path) -> list[str]:
    """The command that writes it; ModelOpt works on the CPU."""
    data = calibration(request, target)
    start = [sys.executable, "-m"]
    files = ["--onnx_path", str(request.onnx), "--output_path", str(target)]
    if request.precision == "fp16":
        options = ["--calibration_data", str(data), "--keep_io_types", "--providers", "cpu"]
        return [*start, "modelopt.onnx.autocast", *files, *options]
    one = "x".join(map(str, (1, *request.shapes[1][1:])))
    options = ["--quantize_mode", "int8", "--high_precision_dtype", "fp16"]
    options += ["--calibration_data_path", str(data), "--calibration_eps", "cpu"]
    options += ["--calibration_shapes", f"{request.input}:{one}"]
    return [*start, "modelopt.onnx.quantization", *files, *options]


def write(request: EngineRequest, target: Path) -> None:
    """Write the ONNX with the wanted precision.

    Raises:
        InputError: there is no ModelOpt, or no calibration data.
        RuntimeError: ModelOpt failed.
    """
    samples = request.samples(SAMPLES)
    if importlib.util.find_spec("modelopt") is None:
        raise InputError(
            f"{request.precision} needs NVIDIA's ModelOpt: VENV=.venv-gpu scripts/setup_env.sh "
            "train gpu, and run it from there"
        )
    data = calibration(request, target)
    if request.precision == "int8":
        np.save(data, samples)
    else:
        data.mkdir()
        for number, sample in enumerate(samples):  # one a file: AutoCast holds activations of one
            np.savez(data / f"{number:03d}.npz", **{request.input: sample[None]})
    done = subprocess.run(
        command(request, target), capture_output=not request.verbose, text=True, check=False
    )
    if done.returncode != 0 or not target.exists():
        last = (done.stderr or "").strip().splitlines()[-1:] or ["no message"]
        raise RuntimeError(f"ModelOpt ended with {done.returncode}: {last[0]}")
