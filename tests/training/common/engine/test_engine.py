from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from tests.scripts.without_python import without_python
from tests.training.common.engine import fakes
from tests.training.common.engine.small import arguments
from training.common.engine.cli import main

SCRIPT = Path(__file__).parents[4] / "scripts" / "build_engine.sh"


def test_engine_is_built_checked_and_labelled(network: Path, programs: Path) -> None:
    log = fakes.install(programs)
    assert main([str(network)]) == 0
    build, small, usual = arguments(log)
    assert "--minShapes=input:1x3x1x34x1" in build
    assert "--optShapes=input:4x3x100x34x1" in build
    assert "--maxShapes=input:16x3x300x34x1" in build
    assert {"--noTF32", "--device=0", "--memPoolSize=workspace:1024M"} <= {*build}
    assert {"--profilingVerbosity=detailed", "--skipInference"} <= {*build}
    assert "--shapes=input:1x3x100x34x1" in small
    assert "--shapes=input:4x3x100x34x1" in usual
    plan = network.with_name("model.plan")
    facts = json.loads((network.parent / "model.plan.json").read_text())
    assert facts["tensorrt"] == "11.4.0"
    assert facts["sm"] == "89"
    assert facts["shapes"]["opt"] == [4, 3, 100, 34, 1]
    assert facts["shapes"]["max"] == [16, 3, 300, 34, 1]
    assert facts["onnx_sha256"] == hashlib.sha256(network.read_bytes()).hexdigest()
    assert facts["largest_difference"] == 0.0
    assert facts["layers"] == {"all": 1}
    assert plan.read_bytes() == network.read_bytes()
    names = sorted(item.name for item in network.parent.iterdir())
    assert names == ["model.json", "model.onnx", "model.plan", "model.plan.json"]


def test_options_reach_trtexec(
    network: Path,
    programs: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = fakes.install(programs)
    options = ["--gpu", "2", "--workspace", "77", "--builder", "trtexec", "--verbose"]
    with caplog.at_level("INFO"):
        assert main([str(network), *options]) == 0
    for words in arguments(log):
        assert "--device=2" in words
    assert "--memPoolSize=workspace:77M" in arguments(log)[0]
    assert json.loads((network.parent / "model.plan.json").read_text())["sm"] == "90"
    assert "&&&& RUNNING TensorRT.trtexec" in capfd.readouterr().out
    assert caplog.messages[-1] == f"{network.with_name('model.plan')}: written"


def test_a_new_engine_never_lies_beside_an_old_note(
    network: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    fakes.install(programs)
    note = network.with_name("model.plan.json")
    note.write_text("of an engine before")
    monkeypatch.setattr("training.common.engine.build.write_atomic", fail)
    assert main([str(network)]) == 1
    assert not note.exists()


def test_a_precision_that_trtexec_has_no_flag_for_needs_modelopt(
    network: Path,
    programs: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fakes.install(programs)
    monkeypatch.setitem(sys.modules, "modelopt", None)  # as if it were not installed
    data = programs / "data.npy"
    np.save(data, np.ones((5, 3, 120, 34, 1), np.float32))
    assert main([str(network), "--precision", "fp16", "--calibration", str(data)]) == 2
    assert "fp16 needs NVIDIA's ModelOpt" in capsys.readouterr().err
    assert not network.with_name("model.plan").exists()


def test_a_network_without_a_sidecar(network: Path, programs: Path) -> None:
    fakes.install(programs)
    network.with_name("model.json").unlink()
    plan = programs.parent / "model.plan"
    assert main([str(network), "--output", str(plan)]) == 0
    assert not plan.with_name("model.json").exists()


def test_server_start_can_read_the_note(network: Path, programs: Path) -> None:
    """`scripts/start_server.sh` reads it line by line."""
    fakes.install(programs)
    main([str(network)])
    lines = (network.parent / "model.plan.json").read_text().splitlines()
    assert '  "sm": "89",' in lines
    assert sum("onnx_sha256" in line for line in lines) == 1


def test_engine_elsewhere_takes_the_sidecar_along(network: Path, programs: Path) -> None:
    fakes.install(programs)
    plan = programs.parent / "other" / "7" / "model.plan"
    assert main([str(network), "--output", str(plan)]) == 0
    assert plan.with_name("model.json").read_bytes() == network.with_name("model.json").read_bytes()


@pytest.mark.parametrize(
    ("precision", "layers", "expected"),
    [
        ("fp16", fakes.FP32, "the engine is not fp16: of 1 layers, 0 use float16 and 0 int8"),
        ("fp32", fakes.FP16, "the engine is not fp32: of 1 layers, 1 use float16"),
        ("fp32", '{"Layers": ["a", "b"]}', None),
        ("fp32", "{}", None),
        ("fp16", fakes.FP16, None),
    ],
)
def test_precision_is_checked(
    network: Path,
    programs: Path,
    capsys: pytest.CaptureFixture[str],
    precision: str,
    layers: str,
    expected: str | None,
) -> None:
    log = fakes.install(programs, version="101601", layers=layers)
    code = main([str(network), "--precision", precision])
    flags = {"--fp16", "--noTF32"} & {*arguments(log)[0]}
    assert flags == ({"--fp16"} if precision == "fp16" else {"--noTF32"})
    assert (code, expected or "") == (1 if expected else 0, expected or "")
    assert (expected or "") in capsys.readouterr().err
    assert network.with_name("model.plan").exists() is (expected is None)


@pytest.mark.parametrize(
    ("options", "code"), [([], 1), (["--tolerance", "0.02"], 0), (["--skip-verification"], 0)]
)
def test_outputs_are_checked(
    network: Path, programs: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int
) -> None:
    fakes.install(programs, error=0.01)
    plan = network.with_name("model.plan")
    plan.write_text("older engine")
    assert main([str(network), *options]) == code
    assert (plan.read_bytes() == b"older engine") is (code == 1)
    assert ("differ from ONNX Runtime's by 1.0e-02" in capsys.readouterr().err) is (code == 1)
    assert not [item for item in network.parent.iterdir() if item.name.startswith(".")]


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_outputs_that_are_no_numbers_do_not_pass(
    network: Path, programs: Path, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    fakes.install(programs, error=float(value))
    assert main([str(network)]) == 1
    assert "outputs differ from ONNX Runtime's by nan" in capsys.readouterr().err
    assert not network.with_name("model.plan").exists()


def test_outputs_may_be_zero(network: Path, programs: Path) -> None:
    model = onnx.load(network)
    (output,) = model.graph.output
    zero = onnx.helper.make_tensor("zero", onnx.TensorProto.FLOAT, [], [0.0])
    model.graph.initializer.append(zero)
    model.graph.node.append(onnx.helper.make_node("Mul", [output.name, "zero"], ["nothing"]))
    output.name = "nothing"
    onnx.save(model, network)
    fakes.install(programs)
    assert main([str(network)]) == 0


def test_a_failing_build_leaves_nothing(
    network: Path, programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fakes.install(programs, fails=True)
    assert main([str(network)]) == 1
    assert "trtexec ended with 1: " in (error := capsys.readouterr().err)
    assert "Error[4]: no kernel for node_conv2d_3" in error  # the first, which is the cause
    assert sorted(item.name for item in network.parent.iterdir()) == ["model.json", "model.onnx"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["none.onnx"], "none.onnx: no such file"),
        (["--batch", "4", "2", "8"], "--batch: give three numbers"),
        (["--batch", "1", "9", "8"], "--batch: give three numbers"),
        (["--frames", "0", "2", "8"], "--frames: give three numbers"),
        (["--precision", "fp8"], "invalid choice: 'fp8'"),
        (["--fast"], "unrecognized arguments: --fast (see scripts/build_engine.sh --help)"),
        ([], "no NVIDIA GPU 0 here; a dry run prints"),
    ],
)
def test_mistakes(
    network: Path,
    programs: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    expected: str,
) -> None:
    first = [] if arguments[:1] == ["none.onnx"] else [str(network)]
    assert main([*first, *arguments]) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "lines", "flags"),
    [
        ([], 0, ["--noTF32"]),
        (["--precision", "fp16", "--tensorrt-major", "10"], 0, ["--fp16"]),
        (["--precision", "fp16"], 1, []),
        (["--precision", "int8"], 1, []),
        (["--precision", "int8", "--tensorrt-major", "10"], 1, ["--fp16", "--int8"]),
    ],
)
def test_dry_run_prints_commands(
    network: Path,
    programs: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    lines: int,
    flags: list[str],
) -> None:
    data = programs / "data.npy"
    np.save(data, np.ones((5, 3, 120, 34, 1), np.float32))
    assert main([str(network), "--dry-run", "--calibration", str(data), *options]) == 0
    commands = [
        shlex.split(line) for line in capsys.readouterr().out.splitlines() if line[0] != "#"
    ]
    assert [line[0] for line in commands if "modelopt" not in " ".join(line)][-2:] == [
        "trtexec",
        "mv",
    ]
    assert sum("modelopt" in " ".join(line) for line in commands) == lines
    assert commands[0] == ["mkdir", "-p", str(network.parent / ".engine")]
    build = next(line for line in commands if line[0] == "trtexec")
    assert [word for word in build if word in ("--noTF32", "--fp16", "--int8")] == flags
    assert not network.with_name("model.plan").exists()


def test_dry_run_of_calibrated_precision_needs_data(
    network: Path, programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(network), "--dry-run", "--precision", "fp16"]) == 2
    assert "fp16 is calibrated on real data" in capsys.readouterr().err


def test_dry_run_for_the_python_package_assumes_its_version(
    network: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    package = SimpleNamespace(version=(10, 16, 1), name="the Python package tensorrt 10.16.1")
    found = []

    def find(kind: str, probe: bool = True) -> object:
        found.append((kind, probe))
        return package

    monkeypatch.setattr("training.common.engine.build.find_builder", find)
    assert main([str(network), "--dry-run", "--builder", "python", "--precision", "fp16"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("# by the Python package tensorrt 10.16.1, what trtexec would do so:\n")
    assert "--fp16" in said and "modelopt" not in said
    assert found == [("python", False)]


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_of_the_script_installs_nothing(flag: str, tmp_path: Path) -> None:
    done = without_python(SCRIPT, flag, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "scripts/build_engine.sh [ONNX]" in done.stdout


def test_script(network: Path) -> None:
    done = subprocess.run(
        [SCRIPT, network.name, "--dry-run", "--builder", "trtexec"],
        cwd=network.parent,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    assert "trtexec --onnx=.engine/model.onnx --saveEngine=.engine/model.plan" in done.stdout
