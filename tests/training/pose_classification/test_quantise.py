"""INT8: the graph computes on integers, answers as FP32 does, and says what it is."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from converter import InputError
from tests.training.pose_classification.networks import clip, padded, small_model
from training.common.spec import make_spec
from training.pose_classification import quantise
from training.pose_classification.deploy import DeployNet
from training.pose_classification.export import export_network
from training.pose_classification.metadata import ModelMetadata
from training.pose_classification.onnx_model import InputShape, to_onnx
from training.pose_classification.quantise import main, quantise_file, to_int8
from training.pose_classification.spec import ExperimentSpec

Files = tuple[Path, Path]
SHAPE = InputShape(3, 34)
SPEC = {"model": {"padding": "mask"}, "dataset": {"label_map": {f"class{i}": i for i in range(6)}}}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A masked network in FP32, and sequences of several lengths."""
    folder = tmp_path_factory.mktemp("quantise")
    metadata = ModelMetadata.of_spec(make_spec(ExperimentSpec, SPEC))
    path = folder / "model.onnx"
    export_network(small_model(padding="mask"), metadata, SHAPE, path)
    clips = [padded(clip(frames, batch=1, seed=frames), 60) for frames in range(20, 60)]
    np.save(folder / "clips.npy", torch.cat(clips).numpy())
    return path, folder / "clips.npy"


@pytest.fixture(scope="module")
def int8(files: Files) -> Path:
    path, data = files
    assert main([str(path), "--calibration", str(data)]) == 0
    return path.with_name("model.int8.onnx")


def session(path: Path, optimised: Path | None = None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if optimised:
        options.optimized_model_filepath = str(optimised)
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def logits(path: Path, x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(session(path).run(["fc_pred"], {"input": x})[0])


def test_it_answers_as_fp32_does(files: Files, int8: Path) -> None:
    x = np.load(files[1])[::5]
    ours, theirs = logits(int8, x), logits(files[0], x)
    assert np.abs(ours - theirs).max() < 0.2 * np.abs(theirs).max()
    assert (ours != theirs).any()
    longer = np.pad(x, ((0, 0), (0, 0), (0, 40), (0, 0), (0, 0)))
    np.testing.assert_allclose(logits(int8, longer), ours, atol=1e-5)  # padding is still ignored


def optimised(model: onnx.ModelProto, folder: Path) -> onnx.GraphProto:
    """The graph that ONNX Runtime computes."""
    onnx.save(model, folder / "model.onnx")
    session(folder / "model.onnx", folder / "optimised.onnx")
    return onnx.load(folder / "optimised.onnx").graph


def test_wide_blocks_run_on_integers_from_end_to_end(files: Files, tmp_path: Path) -> None:
    wide = small_model(padding="mask", base_channels=64)
    graph = optimised(to_int8(to_onnx(DeployNet(wide), SHAPE), np.load(files[1])), tmp_path)
    kinds = Counter(node.op_type for node in graph.node)
    assert kinds["Conv"] + kinds["MatMul"] <= 2  # of the first block
    assert kinds["QLinearConv"] >= 21
    assert kinds["QLinearMatMul"] >= 9
    assert kinds["QuantizeLinear"] + kinds["DequantizeLinear"] <= 8


def test_narrow_networks_have_only_wide_products_on_integers(files: Files, tmp_path: Path) -> None:
    narrow = small_model(model_type="ST-GCN++", padding="mask", base_channels=16)
    graph = optimised(to_int8(to_onnx(DeployNet(narrow), SHAPE), np.load(files[1])), tmp_path)
    kinds = Counter(node.op_type for node in graph.node)
    sizes = {item.name: item.dims for item in graph.initializer}
    integers = [node.input[3] for node in graph.node if node.op_type == "QLinearConv"]
    assert len(integers) >= 25
    assert all(min(sizes[weight][:2]) >= 16 for weight in integers)
    assert kinds["Conv"] >= 40  # the branches


def test_it_says_what_it_is(files: Files, int8: Path) -> None:
    facts = json.loads(int8.with_suffix(".json").read_text())
    plain = json.loads(files[0].with_suffix(".json").read_text())
    assert (plain["data_type"], facts["data_type"]) == ("fp32", "int8")
    same = facts.keys() - {"data_type", "onnx_sha256"}
    assert {key: facts[key] for key in same} == {key: plain[key] for key in same}
    properties = session(int8).get_modelmeta().custom_metadata_map
    assert properties["data_type"] == "int8"
    assert int8.stat().st_size < 0.6 * files[0].stat().st_size


def test_it_is_not_quantised_twice(files: Files, int8: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a network that `export` wrote in FP32"):
        quantise_file(int8, files[1], tmp_path / "out.onnx")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3, 10, 33, 1), np.float32), r"must be numbers \(N, 3, T, 34, 1\)"),
        (np.zeros((0, 3, 10, 34, 1), np.float32), r"must be numbers"),
        (np.zeros((2, 3, 10, 34, 1), np.complex64), r"is complex64"),
        (np.full((2, 3, 10, 34, 1), np.nan, np.float32), r"sequence 0 is not finite"),
        (np.zeros((2, 3, 10, 34), np.float32), r"must be numbers"),
        (np.array([{}]), "cannot be read as a .npy array"),
    ],
)
def test_bad_calibration_data(
    files: Files,
    tmp_path: Path,
    array: NDArray[np.float32],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    np.save(tmp_path / "data.npy", array)
    output = tmp_path / "out.onnx"
    with pytest.raises(InputError, match=message):
        quantise_file(files[0], tmp_path / "data.npy", output)
    assert main([str(files[0]), "--calibration", str(tmp_path / "data.npy")]) == 2
    assert capsys.readouterr().err.startswith("quantise: ")
    assert not output.exists()


def test_what_is_no_network(tmp_path: Path, files: Files) -> None:
    (tmp_path / "net.onnx").write_text("nothing")
    for path in (tmp_path / "net.onnx", tmp_path / "missing.onnx"):
        with pytest.raises(InputError, match="cannot be read as ONNX"):
            quantise_file(path, files[1], tmp_path / "out.onnx")


def test_a_form_that_answers_otherwise_is_not_written(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(
        model: onnx.ModelProto, sequences: NDArray[np.float32], least_width: int
    ) -> onnx.ModelProto:
        other = onnx.ModelProto()
        other.CopyFrom(model)
        bias = next(item for item in other.graph.initializer if item.name.endswith("fcn.bias"))
        bias.CopyFrom(onnx.numpy_helper.from_array(np.full(6, 9, np.float32), bias.name))
        return other

    monkeypatch.setattr(quantise, "to_int8", broken)
    with pytest.raises(RuntimeError, match="nothing written"):
        quantise_file(files[0], files[1], tmp_path / "out.onnx")
    assert list(tmp_path.iterdir()) == []


def test_more_stays_in_fp32_where_the_logits_need_it(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = to_onnx(DeployNet(small_model(padding="mask")), SHAPE)
    differences = iter([0.5, 0.3, 0.1])
    tried = []

    def compare(form: onnx.ModelProto, plain: onnx.ModelProto, x: NDArray[np.float32]) -> float:
        assert plain is model
        tried.append(sum(node.op_type == "QuantizeLinear" for node in form.graph.node))
        return next(differences)

    monkeypatch.setattr(quantise, "compare", compare)
    form, difference = quantise.quantise(model, np.load(files[1]))
    assert difference == 0.1
    assert len(tried) == 3
    assert sum(node.op_type == "QuantizeLinear" for node in form.graph.node) == tried[2] < tried[0]


def test_data_that_is_cut_short(files: Files, tmp_path: Path) -> None:
    (tmp_path / "data.npy").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be read as a"):
        quantise_file(files[0], tmp_path / "data.npy", tmp_path / "out.onnx")


def test_ctr_gcn_whose_graphs_are_no_matrix_product(files: Files, tmp_path: Path) -> None:
    net = small_model(model_type="CTR-GCN", base_channels=24, padding="mask")
    metadata = ModelMetadata.of_spec(make_spec(ExperimentSpec, SPEC))
    path = tmp_path / "net.onnx"
    assert export_network(net, metadata, SHAPE, path, calibration=files[1]) < 0.2
    assert any(node.op_type == "QuantizeLinear" for node in onnx.load(path).graph.node)


def test_export_writes_it_at_once(files: Files, tmp_path: Path) -> None:
    metadata = ModelMetadata.of_spec(make_spec(ExperimentSpec, SPEC))
    net, path = small_model(padding="mask"), tmp_path / "net.onnx"
    export_network(net, metadata, SHAPE, path, calibration=files[1])
    assert json.loads(path.with_suffix(".json").read_text())["data_type"] == "int8"
    assert any(node.op_type == "QuantizeLinear" for node in onnx.load(path).graph.node)
