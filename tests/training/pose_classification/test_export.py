from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import yaml

from converter import InputError
from tests.training.pose_classification.networks import clip, padded, small_model
from training.common.checkpoint import save_checkpoint
from training.common.spec import make_spec
from training.pose_classification import export
from training.pose_classification.cli import main
from training.pose_classification.metadata import CHECKPOINT_KEY, ModelMetadata
from training.pose_classification.onnx_model import InputShape, to_onnx
from training.pose_classification.spec import ExperimentSpec

LABELS = ["sitting_down", "getting_up", "sitting", "standing", "walking", "jumping"]
SPEC = {
    "model": {"base_channels": 8, "padding": "mask"},
    "dataset": {"label_map": {name: i for i, name in enumerate(LABELS)}},
}
Exported = tuple[torch.nn.Module, Path]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A masked ST-GCN, exported by the command line into a version's folder."""
    folder = tmp_path_factory.mktemp("export")
    net = small_model(padding="mask")
    metadata = ModelMetadata.of_spec(make_spec(ExperimentSpec, SPEC), train_digest="0123")
    checkpoint = {"state_dict": net.state_dict(), CHECKPOINT_KEY: metadata.as_dict()}
    save_checkpoint(folder / "model.pth", checkpoint, key="k")
    (folder / "spec.yaml").write_text(yaml.safe_dump(SPEC))
    path = folder / "pose_classification_tao" / "1" / "model.onnx"
    options = [f"export.checkpoint={folder}/model.pth", f"export.onnx_file={path}", "-k", "k"]
    options += [f"results_dir={folder}", "export.temperature=1.5"]
    assert main(["export", "-e", f"{folder}/spec.yaml", *options]) == 0
    return net, path


def logits(path: Path, x: torch.Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(path)
    return np.asarray(session.run(["fc_pred"], {"input": x.numpy()})[0])


@pytest.mark.parametrize(("batch", "frames"), [(1, 1), (2, 100), (5, 33), (1, 300)])
@torch.no_grad()
def test_any_batch_and_length(exported: Exported, batch: int, frames: int) -> None:
    net, path = exported
    x = clip(frames, batch=batch)
    expected = net(x).numpy()
    np.testing.assert_allclose(logits(path, x), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(logits(path, padded(x, 300)), expected, rtol=1e-4, atol=1e-5)


def test_graph(exported: Exported) -> None:
    model = onnx.load(exported[1])
    onnx.checker.check_model(model, full_check=True)
    sizes = [
        [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    ]
    assert [value.name for value in (*model.graph.input, *model.graph.output)] == [
        "input",
        "fc_pred",
    ]
    assert sizes == [["batch", 3, "frames", 34, 1], ["batch", 6]]
    assert model.opset_import[0].version == 18
    kinds = Counter(node.op_type for node in model.graph.node)
    assert not {"BatchNormalization", "Einsum", "Transpose", "Dropout"} & kinds.keys()
    assert (kinds["MatMul"], kinds["Conv"]) == (10, 22)


def test_facts(exported: Exported) -> None:
    path = exported[1]
    properties = {item.key: item.value for item in onnx.load(path).metadata_props}
    facts = json.loads(path.with_name("model.json").read_text())
    assert facts.pop("onnx_sha256") == hashlib.sha256(path.read_bytes()).hexdigest()
    assert ModelMetadata.of_mapping(properties) == ModelMetadata.of_mapping(facts)
    assert facts["classes"] == LABELS
    assert (facts["padding"], facts["layout"], facts["pose_type"]) == ("mask", "nvidia", "3dbp")
    assert (facts["temperature"], facts["train_digest"]) == (1.5, "0123")
    assert facts["version"]
    assert (path.parents[1] / "labels.txt").read_text().splitlines() == LABELS
    assert sorted(item.name for item in path.parent.iterdir()) == ["model.json", "model.onnx"]


def test_no_path_of_this_machine_is_in_the_file(exported: Exported) -> None:
    assert str(Path(torch.__file__).parent).encode() not in exported[1].read_bytes()


@pytest.mark.parametrize("model_type", ["ST-GCN++", "CTR-GCN"])
@torch.no_grad()
def test_fixed_length_and_two_persons(tmp_path: Path, model_type: str) -> None:
    net = small_model(model_type=model_type, graph_layout="ntu-rgb+d")
    metadata = ModelMetadata.of_spec(make_spec(ExperimentSpec, {}))
    path = tmp_path / "net.onnx"
    export.export_network(net, metadata, InputShape(3, 25, persons=2, frames=20), path)
    session = onnxruntime.InferenceSession(path)
    assert session.get_inputs()[0].shape == ["batch", 3, 20, 25, 2]
    x = clip(20, persons=2, joints=25)
    np.testing.assert_allclose(logits(path, x), net(x).numpy(), rtol=1e-4, atol=1e-5)
    assert (tmp_path / "labels.txt").exists()


@torch.no_grad()
def test_a_network_that_fits_pictures(tmp_path: Path) -> None:
    net = small_model(fit_picture=True, padding="mask", input_channels=2)
    spec = {"model": {"fit_picture": True, "padding": "mask"}, "dataset": {"pose_type": "2dbp"}}
    metadata = ModelMetadata.of_spec(make_spec(ExperimentSpec, spec))
    path = tmp_path / "net.onnx"
    export.export_network(net, metadata, InputShape(2, 34), path)
    x = clip(40)[:, :2] * 0.02 + 0.3
    np.testing.assert_allclose(logits(path, x), net(x).numpy(), rtol=1e-4, atol=1e-5)
    facts = {p.key: p.value for p in onnx.load(path).metadata_props}
    assert ModelMetadata.of_mapping(facts).fit_picture


def test_a_wrong_export_is_not_written(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "to_onnx", lambda net, shape: onnx.load(exported[1]))
    other = small_model(padding="mask", seed=5)
    metadata = ModelMetadata.of_spec(make_spec(ExperimentSpec, SPEC))
    with pytest.raises(RuntimeError, match="nothing written"):
        export.export_network(other, metadata, InputShape(3, 34), tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, *overrides: str) -> dict[str, object]:
    """Run the task up to the export itself; returns what it would export."""
    seen: dict[str, object] = {}

    def keep(
        net: object, metadata: object, shape: object, path: Path, calibration: Path | None
    ) -> float:
        seen.update(metadata=metadata, shape=shape, path=path, calibration=calibration)
        return 0.0

    monkeypatch.setattr(export, "export_network", keep)
    save_checkpoint(folder / "epoch_7.pth", {"state_dict": small_model().state_dict()})
    (folder / "spec.yaml").write_text(yaml.safe_dump({"model": {"base_channels": 8}}))
    options = [f"export.checkpoint={folder}/epoch_7.pth", f"results_dir={folder}", *overrides]
    code = main(["export", "-e", f"{folder}/spec.yaml", *options])
    return seen | {"code": code}


def test_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = run(tmp_path, monkeypatch)
    assert seen["path"] == tmp_path / "export" / "epoch_7.onnx"
    assert seen["shape"] == InputShape(3, 34, persons=1, frames=None)
    seen = run(tmp_path, monkeypatch, f"export.results_dir={tmp_path}/x")
    assert seen["path"] == tmp_path / "x" / "epoch_7.onnx"
    assert seen["calibration"] is None
    options = [
        "export.sequence_length=90",
        "export.num_persons=2",
        f"export.onnx_file={tmp_path}/a",
    ]
    seen = run(tmp_path, monkeypatch, *options)
    assert seen["shape"] == InputShape(3, 34, persons=2, frames=90)
    assert seen["path"] == tmp_path / "a"
    options = ["export.data_type=INT8", "export.calibration_data=clips.npy"]
    assert run(tmp_path, monkeypatch, *options)["calibration"] == Path("clips.npy")


def test_int8_wants_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, monkeypatch, "export.data_type=INT8") == {"code": 2}
    assert "export.calibration_data is not set" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["stream=bone", "pre_normalise=true", "fit_box=true"])
def test_inputs_that_the_server_does_not_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, option: str
) -> None:
    run(tmp_path, monkeypatch)
    assert "whoever runs it" not in caplog.text
    run(tmp_path, monkeypatch, f"dataset.{option}")
    assert "whoever runs it has to change them so too" in caplog.text


def test_persons_of_the_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = small_model(graph_layout="ntu-rgb+d")
    save_checkpoint(tmp_path / "ntu.pth", {"state_dict": net.state_dict()})
    options = [f"export.checkpoint={tmp_path}/ntu.pth", "model.graph_layout=ntu-rgb+d"]
    assert run(tmp_path, monkeypatch, *options)["shape"] == InputShape(3, 25, persons=2)


def test_existing_files_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.onnx").write_text("old")
    option = f"export.onnx_file={tmp_path}/old.onnx"
    assert run(tmp_path, monkeypatch, option) == {"code": 2}
    assert "exists already" in capsys.readouterr().err
    assert run(tmp_path, monkeypatch, option, "export.overwrite=true")["code"] == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("facts.json", "must end in .onnx"),
        ("epoch_7.pth/net.onnx", "epoch_7.pth: is not a folder; change export.onnx_file"),
        ("folder.onnx", "is a folder"),
    ],
)
def test_places_that_cannot_be_written_are_told_first(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    message: str,
) -> None:
    (tmp_path / "folder.onnx").mkdir()
    options = [f"export.onnx_file={tmp_path}/{name}", "export.overwrite=true"]
    assert run(tmp_path, monkeypatch, *options) == {"code": 2}
    assert message in capsys.readouterr().err


def test_checkpoint_is_required(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "spec.yaml").write_text("")
    assert main(["export", "-e", f"{tmp_path}/spec.yaml", "-r", str(tmp_path)]) == 2
    assert "export.checkpoint is not set" in capsys.readouterr().err


def test_gpu_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert export.export_device(1) == torch.device("cuda", 1)
    with pytest.raises(InputError, match=r"export\.gpu_id: 2"):
        export.export_device(2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert export.export_device(2) == torch.device("cpu")


def test_nan_reaches_the_logits(exported: Exported) -> None:
    """A broken pose must not look like padding."""
    x = clip(20)
    x[0, 0, 19, 5] = float("nan")
    got = logits(exported[1], x)
    assert np.isnan(got[0]).all()
    assert np.isfinite(got[1]).all()


def test_exporting_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    to_onnx(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 2)), InputShape(3, 1, 1, 2))
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
