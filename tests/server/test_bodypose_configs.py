"""The configurations around `bodypose` promise the same on every backend and fit together."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

REPOSITORY = Path(__file__).resolve().parents[2] / "model_repository_bodypose"
CONFIGS = sorted(REPOSITORY.glob("*/config.pbtxt"))
BACKENDS = {"config": "tensorrt_plan", "configs/onnxruntime": "onnxruntime"}
BACKENDS["configs/embedded"] = "python"


def read(path: Path) -> model_config_pb2.ModelConfig:
    return text_format.Parse(path.read_text(), model_config_pb2.ModelConfig())


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.parent.name)
def test_a_configuration_is_named_after_its_folder_and_its_steps_exist(path: Path) -> None:
    config = read(path)
    assert config.name == path.parent.name
    for step in config.ensemble_scheduling.step:
        assert (REPOSITORY / step.model_name / "config.pbtxt").exists()
        assert step.model_version == -1


@pytest.mark.parametrize("name", BACKENDS)
def test_the_network_has_one_contract_on_every_backend(name: str) -> None:
    folder = REPOSITORY / "bodypose_net"
    default, config = read(folder / "config.pbtxt"), read(folder / f"{name}.pbtxt")
    assert BACKENDS[name] in (config.platform, config.backend)
    (group,) = config.instance_group
    assert group.kind == (group.KIND_GPU if name == "config" else group.KIND_CPU)
    for either in (default, config):
        either.platform = either.backend = ""
        either.instance_group.clear()
    assert config == default


def test_sizes_agree_from_step_to_step() -> None:
    """Outside the network a batch of one is a dimension of its own."""
    configs = {path.parent.name: read(path) for path in CONFIGS}
    sizes: dict[str, set[tuple[int, ...]]] = {}
    for step in configs["bodypose"].ensemble_scheduling.step:
        model = configs[step.model_name]
        batch = (1,) if model.max_batch_size else ()
        for tensors, names in ((model.input, step.input_map), (model.output, step.output_map)):
            for tensor in tensors:
                sizes.setdefault(names[tensor.name], set()).add((*batch, *tensor.dims))
    for tensor in (*configs["bodypose"].input, *configs["bodypose"].output):
        sizes[tensor.name].add(tuple(tensor.dims))
    assert {name: len(each) for name, each in sizes.items()} == dict.fromkeys(sizes, 1)
