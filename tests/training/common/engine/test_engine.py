from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest

from converter import InputError
from tests.tiny_network import write_tiny_network
from tests.training.common.engine import fakes
from training.common.engine.cli import main
from training.common.engine.find import find_builder
from training.common.engine.request import EngineRequest
from training.common.engine.trtexec import TrtExec, parse_version
from training.common.engine.verify import layer_types

SIZES = {"batch": (1, 4, 16), "frames": (1, None, 300)}


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A small network in a version's folder, with its sidecar; T is called `frames`."""
    folder = tmp_path / "net" / "1"
    folder.mkdir(parents=True)
    path = write_tiny_network(folder)
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "frames"
    onnx.save(model, path)
    return path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def request(network: Path, **options: object) -> EngineRequest:
    settings = {"plan": network.with_name("model.plan"), "precision": "fp32", "sizes": SIZES}
    return EngineRequest(onnx=network, **(settings | options))


def arguments(log: Path) -> list[list[str]]:
    """Command lines that built or ran an engine."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for line in lines if line != ["--help"]]


def test_engine_is_built_checked_and_labelled(network: Path, programs: Path) -> None:
    log = fakes.install(programs)
    assert main([str(network)]) == 0
    build, small, usual = arguments(log)
    assert "--minShapes=input:1x3x1x34x1" in build
    assert "--optShapes=input:4x3x100x34x1" in build
    assert "--maxShapes=input:16x3x300x34x1" in build
    assert {"--noTF32", "--device=0", "--memPoolSize=workspace:1024M"} <= {*build}
    assert "--shapes=input:1x3x100x34x1" in small
    assert "--shapes=input:4x3x100x34x1" in usual
    plan = network.with_name("model.plan")
    facts = json.loads((network.parent / "model.plan.json").read_text())
    assert facts["tensorrt"] == "11.4.0"
    assert facts["sm"] == "89"
    assert facts["onnx_sha256"] == hashlib.sha256(network.read_bytes()).hexdigest()
    assert facts["largest_difference"] == 0.0
    assert facts["layers"] == {"all": 1}
    assert plan.read_bytes() == network.read_bytes()
    names = sorted(item.name for item in network.parent.iterdir())
    assert names == ["model.json", "model.onnx", "model.plan", "model.plan.json"]


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
    assert "Error[4]: no kernel for node_conv2d_3" in error
    assert sorted(item.name for item in network.parent.iterdir()) == ["model.json", "model.onnx"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["none.onnx"], "none.onnx: no such file"),
        (["--batch", "4", "2", "8"], "--batch: give three numbers"),
        (["--frames", "0", "2", "8"], "--frames: give three numbers"),
        (["--precision", "fp8"], "invalid choice: 'fp8'"),
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


@pytest.mark.parametrize("kind", ["auto", "docker", "trtexec"])
def test_no_tensorrt(
    network: Path, programs: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("training.common.engine.find.python_package", lambda: None)
    with pytest.raises(InputError, match="needs Docker with NVIDIA's container toolkit"):
        find_builder(kind)


def test_containers_come_first(programs: Path) -> None:
    """The server's image has no trtexec here, TensorRT's of the same release has."""
    fakes.install(programs)
    docker = programs / "docker"
    docker.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        "  info*) echo 28.2 ;;\n"
        '  *"config --images") echo nvcr.io/nvidia/tritonserver:26.10-py3 ;;\n'
        '  *nvidia/tensorrt:26.10-py3*--help) echo "[TensorRT v110300]" ;;\n'
        "  *) exit 127 ;;\n"
        "esac\n"
    )
    docker.chmod(0o755)
    found = find_builder("auto")
    assert found == TrtExec("nvcr.io/nvidia/tensorrt:26.10-py3", (11, 3, 0), container=True)
    assert find_builder("trtexec") == TrtExec(str(programs / "trtexec"), (11, 4, 0))
    command = found.command(["--onnx=/w/model.onnx"], Path("/w"), gpu=2)
    assert command[:2] == ["docker", "run"]
    assert {"--gpus=device=2", "--volume=/w:/w", "--network=none"} <= {*command}
    assert command[-2:] == ["sh", "--onnx=/w/model.onnx"]


@pytest.mark.parametrize(
    ("log", "version"),
    [
        ("&&&& RUNNING TensorRT.trtexec [TensorRT v110400] [b106] # trtexec", (11, 4, 0)),
        ("[TensorRT v101601]", (10, 16, 1)),
        ("[TensorRT v100001] # trtexec --help", (10, 0, 1)),
        ("[TensorRT v8601] #", (8, 6, 1)),
        ("bash: trtexec: command not found", None),
    ],
)
def test_version(log: str, version: tuple[int, int, int] | None) -> None:
    assert parse_version(log) == version


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
    build = next(line for line in commands if line[0] == "trtexec")
    assert [word for word in build if word in ("--noTF32", "--fp16", "--int8")] == flags
    assert not network.with_name("model.plan").exists()


def test_dry_run_of_calibrated_precision_needs_data(
    network: Path, programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(network), "--dry-run", "--precision", "fp16"]) == 2
    assert "fp16 is calibrated on real data" in capsys.readouterr().err


def test_script(network: Path) -> None:
    script = Path(__file__).parents[4] / "scripts" / "build_engine.sh"
    done = subprocess.run(
        [script, network.name, "--dry-run", "--builder", "trtexec"],
        cwd=network.parent,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    assert "trtexec --onnx=.engine/model.onnx --saveEngine=.engine/model.plan" in done.stdout


def test_samples(network: Path, tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(9, 3, 120, 34, 1))
    np.save(tmp_path / "data.npy", data)
    wanted = request(network, calibration=tmp_path / "data.npy")
    samples = wanted.samples(3)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, data[[0, 4, 8], :, :100].astype(np.float32))
    assert [inputs.shape[0] for inputs in wanted.test_inputs()] == [1, 4]


@pytest.mark.parametrize(
    "shape", [(0, 3, 120, 34, 1), (5, 3, 99, 34, 1), (5, 3, 120, 35, 1), (5, 3, 120, 34), (4,)]
)
def test_samples_that_do_not_fit(network: Path, tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "data.npy", np.zeros(shape))
    with pytest.raises(InputError, match=r"should be \(N, 3, 100 or more, 34, 1\)"):
        request(network, calibration=tmp_path / "data.npy").samples(2)


def test_samples_that_are_no_array(network: Path, tmp_path: Path) -> None:
    (tmp_path / "data.npy").write_text("text")
    with pytest.raises(InputError, match=r"cannot be read as a \.npy array"):
        request(network, calibration=tmp_path / "data.npy").samples(2)


def test_fixed_axes_stay_and_unknown_open_ones_are_refused(network: Path) -> None:
    fixed = write_tiny_network(network.parent, padding="tao", frames=300)
    assert request(fixed).shapes[0] == (1, 3, 300, 34, 1)
    model = onnx.load(fixed)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "somewhat"
    onnx.save(model, fixed)
    with pytest.raises(InputError, match="no size known for the open axis 'somewhat'"):
        _ = request(fixed).shapes


def test_usual_length_follows_the_padding(tmp_path: Path, network: Path) -> None:
    assert request(network).shapes[1] == (4, 3, 100, 34, 1)
    model = onnx.load(network)
    onnx.helper.set_model_props(model, {"padding": "tao"})
    onnx.save(model, network)
    assert request(network).shapes[1] == (4, 3, 300, 34, 1)


def test_layer_types() -> None:
    assert layer_types(fakes.INT8) == {"all": 1, "int8": 1}
    layers = [
        {"Inputs": [{"Format/Datatype": "Row major linear FP16 format"}], "Name": "int8 in a name"},
        {"Outputs": [{"Format": "N/A due to dynamic shapes", "Datatype": "Half"}]},
        {"Weights": {"Type": "Int8", "Count": 3}},
        "a name only",
    ]
    assert layer_types(json.dumps({"Layers": layers})) == {"all": 4, "fp16": 2, "int8": 1}


def test_not_an_onnx_file(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"x" * 100)
    with pytest.raises(InputError, match="ONNX Runtime cannot load it"):
        _ = request(tmp_path / "model.onnx").shapes
