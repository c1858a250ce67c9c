import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from converter import InputError
from tests.training.bpnet.figures import POSE, crowd, draw
from tests.training.bpnet.small import small_network
from training.bpnet.calibration import CalibrationSource
from training.bpnet.cli import main
from training.bpnet.export import HEATMAPS, INPUT, PAFS, ExportOptions, export
from training.bpnet.graph_parser import GraphParser
from training.bpnet.inference_spec import InferenceSpec
from training.bpnet.networks import OnnxNetwork, load_network, map_outputs
from training.bpnet.pose_config import PoseConfig
from training.bpnet.saved_model import save_model
from training.common.onnx_session import open_session

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def network():
    """A small network that sees joints everywhere: its heatmaps have a spread of one."""
    model, info = small_network(width=16)
    with torch.no_grad():
        heatmaps = model(torch.rand(1, 3, 64, 96) - 0.5)[-1].heatmaps
        model.stage2.heatmap.out.conv.weight /= heatmaps.std(dim=(2, 3)).mean()
    return model, info


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "m.onnx"
    assert export(*network, ExportOptions(64, 96), path) < 1e-4
    return path


@pytest.fixture(scope="module")
def saved(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.pth"
    save_model(path, *network, key="sesam")
    return path


def photo(height=64, width=96):
    return draw(np.full((height, width, 3), 90, np.uint8), crowd(1, 1, width, height))


def test_tao_names_and_layout(exported):
    run = open_session(exported)
    assert [item.name for item in run.get_inputs()] == [INPUT] == ["input_1:0"]
    assert run.get_inputs()[0].shape[1:] == [64, 96, 3]
    assert isinstance(run.get_inputs()[0].shape[0], str)  # any batch size
    shapes = {item.name: item.shape[1:] for item in run.get_outputs()}
    assert shapes == {PAFS: [8, 12, 38], HEATMAPS: [8, 12, 19]}


def test_the_file_says_what_it_is(exported):
    props = {p.key: p.value for p in onnx.load(exported).metadata_props}
    sidecar = json.loads(exported.with_suffix(".json").read_text())
    assert json.loads(props["pose_config"]) == POSE.document
    assert props.items() <= sidecar.items()
    assert len(sidecar["onnx_sha256"]) == 64


@pytest.mark.parametrize(
    ("layout", "size"), [("channels_last", (0, 0)), ("channels_first", (64, 96))]
)
def test_predictions_equal_torchs(network, saved, tmp_path, layout, size):
    path = tmp_path / "m.onnx"
    export(*network, ExportOptions(*size, layout=layout), path)
    spec = InferenceSpec(input_shape=[64, 96], keep_aspect_ratio_mode="pad_image_input")
    ours, torchs = load_network(path, spec), load_network(saved, spec, "sesam")
    assert ours.fixed_shape == (None if size == (0, 0) else size)
    for found, expected in zip(ours(photo()), torchs(photo()), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    if size == (0, 0):
        assert ours(photo(128, 64))[0].shape == (16, 8, 19)


def test_an_export_runs_on_cuda_or_the_cpu_only(exported, monkeypatch):
    """ONNX Runtime for GPUs names TensorRT first, which builds an engine at every start."""
    session, asked = onnxruntime.InferenceSession, []
    there = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there)

    def opened(path, providers):
        asked.extend(providers)
        return session(path, providers=providers[-1:])

    monkeypatch.setattr(onnxruntime, "InferenceSession", opened)
    OnnxNetwork(exported, InferenceSpec())
    assert asked == [(there[1], {"device_id": 0}), there[2]]


def test_a_file_that_says_nothing_takes_joints_from_the_train_spec(exported, tmp_path, caplog):
    model = onnx.load(exported)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "m.onnx")
    assert OnnxNetwork(tmp_path / "m.onnx", InferenceSpec()).pose == POSE
    assert "using the 18 joints" in caplog.text
    train_spec = tmp_path / "train.yaml"
    pose = tmp_path / "pose.json"
    pose.write_text(
        '{"categories": [{"name": "person", "keypoints": ["a", "b"], "skeleton": [[1, 2]]}]}'
    )
    train_spec.write_text(f"dataloader: {{pose_config: {{pose_config_path: {pose}}}}}")
    with pytest.raises(InputError, match="the pose config makes 3 heatmaps and 2 PAFs"):
        OnnxNetwork(tmp_path / "m.onnx", InferenceSpec(train_spec=str(train_spec)))


def test_heatmaps_and_pafs_of_equal_number_are_told_apart_by_name():
    """Three joints and a background, two limbs of two channels."""
    category = {"name": "person", "keypoints": ["a", "b", "c"], "skeleton": [[1, 2], [2, 3]]}
    pose = PoseConfig.from_document({"categories": [category]})
    for order in ((PAFS, HEATMAPS), (HEATMAPS, PAFS)):
        assert map_outputs(dict.fromkeys(order, 4), pose, Path("m")) == [HEATMAPS, PAFS]
    assert map_outputs({"b": 38, "a": 19}, POSE, Path("m")) == ["a", "b"]
    with pytest.raises(InputError, match=r"m: its outputs have \['19', '20'\] channels"):
        map_outputs({"a": 19, "b": 20}, POSE, Path("m"))


def test_half_precision(network, tmp_path):
    assert export(*network, ExportOptions(64, 64, data_type="fp16"), tmp_path / "m.onnx") < 2e-2
    model = onnx.load(tmp_path / "m.onnx")
    weights = [w for w in model.graph.initializer if len(w.dims) == 4]
    assert {w.data_type for w in weights} == {onnx.TensorProto.FLOAT16}
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_int8_is_calibrated_on_a_folder(network, tmp_path, caplog):
    images = tmp_path / "images"
    images.mkdir()
    for index in range(2):
        cv2.imwrite(str(images / f"{index}.png"), photo())
    (images / "broken.jpg").write_bytes(b"broken")
    options = ExportOptions(
        64, 96, data_type="int8", calibration=CalibrationSource(images, count=4)
    )
    difference = export(*network, options, tmp_path / "m.onnx")
    assert 1e-5 < difference < 0.5
    kinds = [node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node]
    assert kinds.count("QuantizeLinear") > 20
    assert "broken.jpg" in caplog.text
    assert "on 2 images instead of 4" in caplog.text


def test_sdk_form_enlarges_the_pafs(network, tmp_path):
    options = ExportOptions(64, 64, sdk_upsampling=4, batch=1)
    export(*network, options, tmp_path / "m.onnx")
    run = open_session(tmp_path / "m.onnx")
    assert run.get_inputs()[0].shape == [1, 64, 64, 3]
    shapes = {item.name: item.shape for item in run.get_outputs()}
    assert shapes == {"conv2d_transpose_1/BiasAdd:0": [1, 32, 32, 38], HEATMAPS: [1, 8, 8, 19]}
    with pytest.raises(InputError, match="without --sdk_compatible_model"):
        OnnxNetwork(tmp_path / "m.onnx", InferenceSpec())(photo(64, 64))


def test_people_in_the_graph(network, tmp_path):
    model, info = network
    export(model, info, ExportOptions(64, 96, people=7), tmp_path / "m.onnx")
    image = torch.rand(2, 64, 96, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    peaks, scores = open_session(tmp_path / "m.onnx").run(
        ["peaks", "limb_scores"], {INPUT: image.numpy()}
    )
    assert peaks.shape == (2, 18, 7, 3)
    assert scores.shape == (2, 19, 7, 7)
    assert peaks[..., 2].max() > 0.1  # the chance network sees something, so this is a comparison
    with torch.inference_mode():
        maps = model(image.permute(0, 3, 1, 2))[-1]
        expected = GraphParser(POSE, 7)(*maps)
    np.testing.assert_allclose(peaks[..., 2], expected[0][..., 2].numpy(), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"height": 60}, "height 60 must be a multiple of 8"),
        ({"data_type": "int8"}, "needs --cal_image_dir"),
        ({"people": 5, "sdk_upsampling": 4}, "leave out --sdk_compatible_model"),
        ({"people": 5, "height": 0, "width": 0}, "--people needs a fixed input size"),
        ({"people": 5, "height": 16, "width": 16}, "16x16 pixels have only 4 cells"),
        ({"people": 5, "data_type": "fp16"}, "--people needs --data_type fp32"),
    ],
)
def test_options_that_do_not_go_together(network, tmp_path, options, says):
    with pytest.raises(InputError, match=says):
        export(*network, ExportOptions(**options), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_command(saved, tmp_path, capsys):
    output = tmp_path / "out" / "m.onnx"
    command = ["export", "-m", str(saved), "-k", "sesam", "-o", str(output), "-d", "64,96,3"]
    assert main([*command, "-t", "tfonnx", "-i", "channels_first"]) == 0
    assert str(output) in capsys.readouterr().out
    assert open_session(output).get_inputs()[0].shape[1:] == [3, 64, 96]
    assert main([*command[:-1], "64,96"]) == 2
    assert "give HEIGHT,WIDTH,3" in capsys.readouterr().err
