from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch

from converter import InputError
from tests.training.pose_classification.networks import clip, small_model
from training.common.checkpoint import save_checkpoint
from training.common.spec import make_spec
from training.pose_classification.build import build_model
from training.pose_classification.metadata import CHECKPOINT_KEY, ModelMetadata
from training.pose_classification.pretrained import load_pretrained, load_trained
from training.pose_classification.spec import ExperimentSpec


def spec_of(*overrides: str) -> ExperimentSpec:
    return make_spec(ExperimentSpec, {"model": {"base_channels": 8}}, overrides)


def save_like_nvidia(path: Path, model: torch.nn.Module) -> None:
    """A Lightning checkpoint with the prefix `model.` and a spec object beside the tensors."""
    state = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    torch.save({"state_dict": state, "hyper_parameters": argparse.Namespace(lr=0.1)}, path)


def test_nvidia_names() -> None:
    """The names in TAO's checkpoints, block 5 standing for all."""
    names = set(small_model().state_dict())
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    expected = {"A", "fcn.weight", "fcn.bias", *(f"data_bn.{key}" for key in norm)}
    expected |= {f"edge_importance.{block}" for block in range(10)}
    fifth = [f"{part}.{key}" for part in ("tcn.0", "tcn.3", "residual.1") for key in norm]
    fifth += [f"{p}.{key}" for p in ("gcn.conv", "tcn.2", "residual.0") for key in norm[:2]]
    expected |= {f"st_gcn_networks.4.{name}" for name in fifth}
    assert {n for n in names if "networks" not in n or "networks.4." in n} == expected


def test_nvidia_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "st-gcn_3dbp_nvidia.pth"
    trained = small_model(seed=1)
    save_like_nvidia(path, trained)
    fresh = build_model(spec_of().model, 6).eval()
    report = load_pretrained(fresh, path)
    assert (report.skipped, report.fresh) == ((), ())
    torch.testing.assert_close(fresh(clip(20)), trained(clip(20)))
    model, metadata = load_trained(path, spec_of())
    torch.testing.assert_close(model(clip(20)), trained(clip(20)))
    assert metadata.classes == tuple(f"class_{i}" for i in range(6))


def test_another_number_of_classes_and_joints(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "model.pth"
    trained = small_model(num_classes=6, seed=1)
    save_like_nvidia(path, trained)
    model = small_model(num_classes=10, graph_layout="ntu-rgb+d", seed=2)
    before = model.fcn.weight.clone()
    report = load_pretrained(model, path)
    assert "fcn.weight: 6x32x1x1 in the file, 10x32x1x1 here" in report.skipped
    assert "data_bn.bias: 102 in the file, 75 here" in report.skipped
    assert "edge_importance.3: 3x34x34 in the file, 3x25x25 here" in report.skipped
    assert "not loaded: fcn.weight" in caplog.text
    name = "st_gcn_networks.7.tcn.2.weight"
    assert torch.equal(model.state_dict()[name], trained.state_dict()[name])
    assert torch.equal(model.fcn.weight, before)


def test_the_graph_is_the_specs(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    save_like_nvidia(path, small_model(graph_layout="coco"))
    model = small_model(graph_layout="human3.6m")  # as many joints
    graph = model.A.clone()
    report = load_pretrained(model, path)
    assert report.skipped == ("A: the skeleton graph of the file is another one",)
    assert torch.equal(model.A, graph)
    with pytest.raises(InputError, match="another graph_layout or graph_strategy"):
        load_trained(path, spec_of("model.graph_layout=human3.6m"))


def test_without_edge_importance(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    save_like_nvidia(path, small_model(edge_importance_weighting=False))
    report = load_pretrained(small_model(), path)
    assert report.fresh == tuple(f"edge_importance.{i}" for i in range(10))


def test_nothing_fits(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    save_checkpoint(path, {"state_dict": {"backbone.weight": torch.ones(3)}})
    with pytest.raises(InputError, match="none of its weights fit"):
        load_pretrained(small_model(), path)
    save_checkpoint(path, {"epoch": 3})
    with pytest.raises(InputError, match="holds no weights"):
        load_pretrained(small_model(), path)


def test_encrypted(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    save_checkpoint(path, {"state_dict": small_model(seed=1).state_dict()}, "nvidia_tao")
    model = small_model(seed=2)
    load_pretrained(model, path, "nvidia_tao")
    assert torch.equal(model.fcn.weight, small_model(seed=1).fcn.weight)
    load_trained(path, spec_of("encryption_key=nvidia_tao"))
    with pytest.raises(InputError, match="is encrypted"):
        load_trained(path, spec_of())


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("dataset.num_classes=7", "fcn.* is 6.* in the file, 7.* by model"),
        ("model.edge_importance_weighting=false", "edge_importance"),
        ("model.base_channels=16", "does not fit the spec"),
        ("model.model_type=ST-GCN++", "does not fit the spec"),
        ("model.graph_strategy=uniform", "does not fit the spec"),
        ("model.graph_strategy=spatial_full", "another graph_layout or graph_strategy"),
    ],
)
def test_trained_on_another_network(tmp_path: Path, override: str, expected: str) -> None:
    path = tmp_path / "model.pth"
    save_checkpoint(path, {"state_dict": small_model().state_dict()})
    with pytest.raises(InputError, match=expected):
        load_trained(path, spec_of(override))


def test_facts_of_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    labels = "dataset.label_map={a: 0, b: 1, c: 2, d: 3, e: 4, f: 5}"
    trained = ModelMetadata.of_spec(spec_of(labels, "model.padding=mask"), train_digest="abc")
    checkpoint = {"state_dict": small_model().state_dict(), CHECKPOINT_KEY: trained.as_dict()}
    save_checkpoint(path, checkpoint)
    _, metadata = load_trained(path, spec_of("model.padding=mask"))
    assert metadata == trained
    with pytest.raises(InputError, match=r"trained with model\.padding mask, the spec says tao"):
        load_trained(path, spec_of())
    with pytest.raises(InputError, match=r"trained with dataset\.label_map"):
        load_trained(path, spec_of("model.padding=mask", labels.replace("a: 0", "z: 0")))


def test_metadata_as_properties() -> None:
    metadata = ModelMetadata.of_spec(spec_of("dataset.stream=bone"), train_digest="d1")
    properties = metadata.as_properties()
    assert all(isinstance(value, str) for value in properties.values())
    assert properties["classes"].startswith('["class_0"')
    assert ModelMetadata.of_mapping(properties) == metadata
    assert ModelMetadata.of_mapping(metadata.as_dict()) == metadata
    assert metadata.version
