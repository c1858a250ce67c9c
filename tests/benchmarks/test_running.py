"""The benchmarks' own machinery: one failure stops no other, figures are kept, odds are counted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnx
import pytest
import torch
from onnx import TensorProto, helper

from benchmarks import __main__ as every
from benchmarks import _report, gpu, network
from benchmarks._graph import macs
from benchmarks._served import Answers
from training.pose_classification.build import build_model
from training.pose_classification.deploy import DeployNet
from training.pose_classification.spec import ModelSpec


def test_one_that_fails_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = {"benchmarks.client": 1, "benchmarks.nw_ucla": 2}
    started: list[str] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        started.append(command[2])
        return subprocess.CompletedProcess(command, codes.get(command[2], 0))

    monkeypatch.setattr(subprocess, "run", run)
    assert every.main([]) == 1
    assert {"benchmarks.client", "benchmarks.network", "benchmarks.server"} <= set(started)
    assert not any(name.startswith("benchmarks._") for name in started)
    said = capsys.readouterr().out
    assert "failed: client\n" in said
    assert said.count("left out") == 1
    del codes["benchmarks.client"]
    assert every.main([]) == 0


def test_an_interruption_ends_them_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", run)
    assert every.main(["client", "network"]) == 130
    assert capsys.readouterr().out == "== client\ninterrupted\n"


def test_a_benchmark_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        every.main(["client", "netwrok"])
    assert "no benchmark is called 'netwrok'; there are bpnet_" in capsys.readouterr().err


def test_arrays_are_looked_for_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        network.main(["--quick", "--arrays", str(tmp_path)])
    assert f"{tmp_path}/test.npy: no such file" in capsys.readouterr().err


def test_figures_are_kept_with_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_report, "RESULTS", tmp_path / "results")
    _report.write_report("network", {"rows": [{"ms": 1.5}]})
    kept = json.loads((tmp_path / "results/network.json").read_text())
    assert kept["command"] == "python -m benchmarks.network"
    assert kept["cpus"] >= 1
    assert kept["rows"] == [{"ms": 1.5}]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main([]) == 0
    assert "nothing measured" in capsys.readouterr().out


@pytest.mark.parametrize("listed", [False, True])
def test_an_onnx_runtime_without_its_cuda_is_left_out(
    monkeypatch: pytest.MonkeyPatch, listed: bool
) -> None:
    """It may be built for another CUDA than is here; then its session is one of the CPU."""
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(gpu.onnxruntime, "get_available_providers", lambda: providers[not listed :])
    session = SimpleNamespace(get_providers=lambda: providers[1:])
    monkeypatch.setattr(gpu.onnxruntime, "InferenceSession", lambda *_, **__: session)
    monkeypatch.setattr(gpu, "to_onnx", lambda *_: onnx.ModelProto())
    assert gpu.onnx_run(torch.nn.Identity(), torch.zeros(1)) is None


def test_every_shape_and_type_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself: torch compiles eight forms of one network, and then only runs it."""
    compiled: list[torch.fx.GraphModule] = []

    def backend(graph: torch.fx.GraphModule, _: object) -> Any:
        compiled.append(graph)
        return graph.forward

    compile_it = torch.compile
    monkeypatch.setattr(torch, "compile", lambda net: compile_it(net, backend=backend))
    spec = ModelSpec.model_validate({"base_channels": 8, "padding": "mask"})
    trained = build_model(spec, 6).eval()
    deployed = DeployNet(trained)
    for batch in range(1, 5):
        for way, _, run in gpu.runs(trained, deployed, batch, 8, torch.device("cpu"), False):
            if way == "torch.compile":
                run()
        assert len(compiled) == batch


def test_rates_and_quantiles() -> None:
    answers = Answers(seconds=2.0, accepted=[0.010] * 98 + [0.5, 0.6], refused=[0.001])
    assert answers.rate() == 50
    assert answers.p(0.5) == pytest.approx(10)
    assert answers.p(0.995) > 500


def test_multiplications_are_counted_by_hand() -> None:
    tensor, node = helper.make_tensor_value_info, helper.make_node
    weight = helper.make_tensor("w", TensorProto.FLOAT, [5, 3, 2, 1], [0.0] * 30)
    matrix = helper.make_tensor("a", TensorProto.FLOAT, [2, 4, 4], [0.0] * 32)
    squeeze = helper.make_tensor("axes", TensorProto.INT64, [1], [4])
    graph = helper.make_graph(
        [
            node("Squeeze", ["input", "axes"], ["x"], name="squeeze"),
            node("Conv", ["x", "w"], ["y"], name="conv"),
            node("Einsum", ["y", "a"], ["z"], name="einsum", equation="nctv,kvw->nctw"),
        ],
        "counted",
        [tensor("input", TensorProto.FLOAT, ["N", 3, "T", 4, 1])],
        [tensor("z", TensorProto.FLOAT, ["N", 5, None, 4])],
        [weight, matrix, squeeze],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    outputs = 2 * 5 * 9 * 4  # N, channels, frames, joints
    assert macs(model, batch=2, frames=10) == outputs * 3 * 2 + outputs * 2 * 4
