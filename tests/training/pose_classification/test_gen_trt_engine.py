from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.common.engine import fakes
from tests.training.pose_classification.networks import small_model
from training.common.engine import precision
from training.common.engine.python_api import PythonApi
from training.common.engine.request import EngineRequest
from training.common.onnx_session import open_session
from training.common.spec import make_spec
from training.pose_classification.cli import main
from training.pose_classification.export import export_network
from training.pose_classification.metadata import ModelMetadata
from training.pose_classification.onnx_model import InputShape
from training.pose_classification.spec import ExperimentSpec

SHAPE = InputShape(3, 34)


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("net") / "1" / "model.onnx"
    spec = make_spec(ExperimentSpec, {"model": {"padding": "mask"}})
    export_network(small_model(padding="mask"), ModelMetadata.of_spec(spec), SHAPE, path)
    return path


def run(folder: Path, *overrides: str) -> int:
    (folder / "spec.yaml").write_text(f"results_dir: {folder}/results\n")
    return main(["gen_trt_engine", "-e", f"{folder}/spec.yaml", *overrides])


def test_options_reach_tensorrt(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    log = fakes.install(tmp_path, version="101601", layers=fakes.FP16)
    options = {
        "onnx_file": network,
        "trt_engine": tmp_path / "out" / "model.plan",
        "gpu_id": 2,
        "tensorrt.data_type": "FP16",
        "tensorrt.workspace_size": 512,
        "tensorrt.min_batch_size": 2,
        "tensorrt.opt_batch_size": 3,
        "tensorrt.max_batch_size": 5,
        "tensorrt.opt_sequence_length": 50,
        "tensorrt.max_sequence_length": 200,
    }
    assert run(tmp_path, *(f"gen_trt_engine.{key}={value}" for key, value in options.items())) == 0
    commands = [json.loads(line) for line in log.read_text().splitlines()]
    build = next(line for line in commands if line != ["--help"])
    assert {
        "--minShapes=input:2x3x1x34x1",
        "--optShapes=input:3x3x50x34x1",
        "--maxShapes=input:5x3x200x34x1",
        "--memPoolSize=workspace:512M",
        "--device=2",
        "--fp16",
    } <= {*build}
    assert (tmp_path / "out" / "model.plan.json").exists()
    status = (tmp_path / "results" / "gen_trt_engine" / "status.json").read_text()
    assert '"largest_difference": 0.0' in status


def test_dry_run(network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [f"gen_trt_engine.onnx_file={network}", "gen_trt_engine.dry_run=true"]
    assert run(tmp_path, *options) == 0
    assert f"mv {network.parent}/.engine/model.plan {network.parent}/model.plan" in (
        capsys.readouterr().out
    )


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 2
    assert "gen_trt_engine.onnx_file is not set" in capsys.readouterr().err
    assert run(tmp_path, "gen_trt_engine.onnx_file=none.onnx", "gen_trt_engine.dry_run=true") == 2
    assert "none.onnx" in capsys.readouterr().err


def request(network: Path, folder: Path, kind: str) -> EngineRequest:
    np.save(folder / "data.npy", SHAPE.example(4, 120, seed=3).numpy())
    return EngineRequest(
        onnx=network,
        plan=folder / "model.plan",
        precision=kind,
        sizes={"batch": (1, 4, 16), "frames": (1, None, 300)},
        calibration=folder / "data.npy",
    )


# TensorRT-RTX builds engines for a named GPU on machines without one; what it accepts is what
# TensorRT accepts. Install it by: pip install tensorrt-rtx-cu13
@pytest.mark.skipif(not has("tensorrt_rtx"), reason="tensorrt-rtx-cu13 is not installed")
def test_tensorrt_accepts_the_network(network: Path, tmp_path: Path) -> None:
    builder = PythonApi("tensorrt_rtx")
    plan = builder.serialise(request(network, tmp_path, "fp32"), network, "SM89")
    assert len(plan) > network.stat().st_size / 2


@pytest.mark.skipif(not has("tensorrt_rtx"), reason="tensorrt-rtx-cu13 is not installed")
@pytest.mark.parametrize("fit_picture", [False, True])
def test_tensorrt_accepts_st_gcn_plus_plus(tmp_path: Path, fit_picture: bool) -> None:
    path = tmp_path / "model.onnx"
    net = small_model(model_type="ST-GCN++", graph_layout="ntu-rgb+d", fit_picture=fit_picture)
    metadata = ModelMetadata.of_spec(make_spec(ExperimentSpec, {}))
    export_network(net, metadata, InputShape(3, 25, persons=2), path)
    sizes = {"batch": (1, 4, 16), "frames": (1, 300, 300)}
    wanted = EngineRequest(path, tmp_path / "model.plan", "fp32", sizes)
    assert PythonApi("tensorrt_rtx").serialise(wanted, path, "SM89")


@pytest.mark.skipif(not has("modelopt"), reason="nvidia-modelopt is not installed")
@pytest.mark.parametrize("kind", ["fp16", "int8"])
def test_precision_is_put_into_the_network(network: Path, tmp_path: Path, kind: str) -> None:
    torch.set_num_threads(1)
    wanted = request(network, tmp_path, kind)
    typed = precision.typed_onnx(wanted, 11, tmp_path)
    assert typed is not None
    precision.write(wanted, typed)
    feed = SHAPE.example(2, 100, seed=7).numpy()
    (expected,) = wanted.reference.run(None, {"input": feed})
    (got,) = open_session(typed).run(None, {"input": feed})
    assert got.dtype == np.float32
    difference = np.abs(got - expected).max() / np.abs(expected).max()
    assert 1e-6 < difference < {"fp16": 0.01, "int8": 0.5}[kind]
    if has("tensorrt_rtx"):
        assert PythonApi("tensorrt_rtx").serialise(wanted, typed, "SM89")
