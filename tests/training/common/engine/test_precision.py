"""ModelOpt, played by a program that notes what it is asked for."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from converter import InputError
from tests.training.common.engine.small import request
from training.common.engine.precision import calibration, write


@pytest.mark.parametrize(
    ("precision", "options"),
    [
        (
            "fp16",
            "modelopt.onnx.autocast {files} --calibration_data W/calibration --keep_io_types "
            "--providers cpu",
        ),
        (
            "int8",
            "modelopt.onnx.quantization {files} --quantize_mode int8 --high_precision_dtype fp16 "
            "--calibration_data_path W/calibration.npy --calibration_eps cpu "
            "--calibration_shapes input:1x3x100x34x1",
        ),
    ],
)
def test_modelopt_gets_real_inputs(
    network: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    options: str,
) -> None:
    data = np.random.default_rng(0).normal(size=(3, 3, 100, 34, 1)).astype(np.float32)
    np.save(tmp_path / "data.npy", data)
    wanted = request(network, precision=precision, calibration=tmp_path / "data.npy")
    monkeypatch.setitem(sys.modules, "modelopt", None)  # as if it were not installed
    with pytest.raises(InputError, match=f"^{precision} needs NVIDIA's ModelOpt: VENV="):
        write(wanted, tmp_path / "typed.onnx")
    package = ModuleType("modelopt")
    package.__spec__ = ModuleSpec("modelopt", None)
    monkeypatch.setitem(sys.modules, "modelopt", package)
    program = tmp_path / "python"
    monkeypatch.setattr(sys, "executable", str(program))

    def run(work: Path, script: str) -> None:
        work.mkdir()
        program.write_text(f'#!/bin/sh\necho "$@" > {work}/words\n{script}\n')
        program.chmod(0o755)
        write(wanted, work / "typed.onnx")

    work = tmp_path / "work"
    run(work, f"touch {work}/typed.onnx")
    files = f"--onnx_path {network} --output_path {work}/typed.onnx"
    expected = options.format(files=files).replace("W/", f"{work}/")
    assert (work / "words").read_text() == f"-m {expected}\n"
    kept = calibration(wanted, work / "typed.onnx")
    assert kept.is_dir() is (precision == "fp16")
    parts = [np.load(path)["input"] for path in sorted(kept.iterdir())] if kept.is_dir() else []
    np.testing.assert_array_equal(np.concatenate(parts) if parts else np.load(kept), data)
    with pytest.raises(RuntimeError, match=r"^ModelOpt ended with 0: last words$"):
        run(tmp_path / "absent", "echo one >&2; echo last words >&2")
    failed = tmp_path / "failed"
    with pytest.raises(RuntimeError, match=r"^ModelOpt ended with 1: no message$"):
        run(failed, f"touch {failed}/typed.onnx; exit 1")
