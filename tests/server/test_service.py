"""What the server says about itself, and that the three configurations promise the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format
from google.protobuf.json_format import MessageToDict
from tritonclient.grpc import model_config_pb2

from tests.server.conftest import ENSEMBLE, NETWORK, Client
from tests.tiny_network import CLASSES

REPOSITORY = Path(__file__).resolve().parents[2] / "model_repository"
CONFIGS = sorted(REPOSITORY.glob("pose_classification*/config.pbtxt"))
STEPS = (f"{ENSEMBLE}_preprocess", NETWORK, f"{ENSEMBLE}_postprocess")
OWN = ("queue_limit", "queue_seconds", "onnx_file", "threads_a_run")  # of 1/model.py
BACKENDS = {"config": "tensorrt_plan", "onnxruntime": "onnxruntime", "embedded": "python"}


def read(path: Path) -> model_config_pb2.ModelConfig:
    return text_format.Parse(path.read_text(), model_config_pb2.ModelConfig())


def test_everything_is_ready(client: Client) -> None:
    assert client.raw.is_server_live()
    assert client.raw.is_server_ready()
    for model in (*STEPS, ENSEMBLE):
        assert client.raw.is_model_ready(model)


def test_metadata_of_the_network_is_nvidias(grpc: Client) -> None:
    metadata = grpc.raw.get_model_metadata(NETWORK, as_json=True)
    assert metadata["inputs"] == [
        {"name": "input", "datatype": "FP32", "shape": ["-1", "3", "-1", "34", "1"]}
    ]
    assert metadata["outputs"] == [{"name": "fc_pred", "datatype": "FP32", "shape": ["-1", "6"]}]
    config = grpc.raw.get_model_config(NETWORK, as_json=True)["config"]
    assert config["max_batch_size"] == 16
    assert config["backend"] == "python"  # configs/embedded.pbtxt, not config.pbtxt
    assert config["output"][0]["label_filename"] == "labels.txt"


def test_metadata_of_the_ensemble(grpc: Client) -> None:
    metadata = grpc.raw.get_model_metadata(ENSEMBLE, as_json=True)
    tensors = {t["name"]: (t["datatype"], t["shape"]) for t in metadata["inputs"]}
    assert tensors == {
        "keypoints": ("FP32", ["-1", "-1", "34", "4"]),
        "pose_type": ("BYTES", ["-1", "1"]),
        "focal_length": ("FP32", ["-1", "1"]),
        "frame_size": ("FP32", ["-1", "2"]),
        "unknown": ("BOOL", ["-1", "1"]),
    }
    tensors = {t["name"]: (t["datatype"], t["shape"]) for t in metadata["outputs"]}
    assert tensors == {
        "label": ("BYTES", ["-1", "-1"]),
        "score": ("FP32", ["-1", "-1"]),
        "logits": ("FP32", ["-1", "6"]),
        "unknown_logit": ("FP32", ["-1", "1"]),
    }


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.parent.name)
def test_a_configuration_is_valid_and_named_after_its_folder(path: Path) -> None:
    config = read(path)
    assert config.name in ("", path.parent.name)  # without one it has its folder's
    assert config.max_batch_size == 16
    for step in config.ensemble_scheduling.step:
        assert (REPOSITORY / step.model_name / "config.pbtxt").exists()
        assert step.model_version == -1


@pytest.mark.parametrize("name", BACKENDS)
def test_the_network_has_one_contract_on_every_backend(name: str) -> None:
    folder = REPOSITORY / NETWORK
    default = read(folder / "config.pbtxt")
    config = default if name == "config" else read(folder / f"configs/{name}.pbtxt")
    assert BACKENDS[name] in (config.platform, config.backend)
    (group,) = config.instance_group
    assert group.kind == (group.KIND_GPU if name == "config" else group.KIND_CPU)
    for either in (default, config):
        either.platform = either.backend = ""
        either.ClearField("instance_group")
    if name == "embedded":  # requests wait in 1/model.py, by the same limits
        queue = default.dynamic_batching.default_queue_policy
        own = {key: config.parameters[key].string_value for key in OWN}
        assert own["onnx_file"] == "model.onnx"
        assert int(own["queue_limit"]) == queue.max_queue_size
        assert float(own["queue_seconds"]) * 1e6 == queue.default_timeout_microseconds
        default.ClearField("dynamic_batching")
        for key in OWN:
            del config.parameters[key]
    assert MessageToDict(config) == MessageToDict(default)


@pytest.mark.parametrize("name", ["config", "configs/onnxruntime"])
def test_waiting_is_bounded(name: str) -> None:
    queue = read(REPOSITORY / NETWORK / f"{name}.pbtxt").dynamic_batching.default_queue_policy
    assert queue.timeout_action == queue.REJECT
    assert 0 < queue.max_queue_size <= 1024


def test_labels_are_taos_and_the_ensemble_has_no_others() -> None:
    labels = REPOSITORY / NETWORK / "labels.txt"
    assert tuple(labels.read_text().splitlines()) == CLASSES
    assert (REPOSITORY / ENSEMBLE / "labels.txt").resolve() == labels
