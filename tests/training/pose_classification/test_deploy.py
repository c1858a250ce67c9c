from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from tests.training.pose_classification.networks import clip, padded, small_model
from training.pose_classification.deploy import DeployNet


@pytest.mark.parametrize("model_type", ["ST-GCN", "ST-GCN++", "CTR-GCN"])
@pytest.mark.parametrize("padding", ["tao", "mask"])
@pytest.mark.parametrize("fit_picture", [False, True])
@pytest.mark.parametrize("persons", [1, 2])
@torch.no_grad()
def test_the_same_function(model_type: str, padding: str, fit_picture: bool, persons: int) -> None:
    net = small_model(model_type=model_type, padding=padding, fit_picture=fit_picture)
    before = copy.deepcopy(net.state_dict())
    deployed = DeployNet(net)
    for frames in (1, 18, 37):
        x = padded(clip(frames, persons), frames + 14)
        torch.testing.assert_close(deployed(x), net(x), rtol=1e-5, atol=1e-6)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("strategy", ["uniform", "distance", "spatial"])
@torch.no_grad()
def test_any_number_of_partitions(strategy: str) -> None:
    net = small_model(graph_strategy=strategy, graph_layout="coco", input_channels=2)
    x = torch.randn(2, 2, 20, 17, 1)
    torch.testing.assert_close(DeployNet(net)(x), net(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model_type", ["ST-GCN", "ST-GCN++", "CTR-GCN"])
def test_no_batch_norm_is_left(model_type: str) -> None:
    deployed = DeployNet(small_model(model_type=model_type))
    norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.Dropout)
    assert not [module for module in deployed.modules() if isinstance(module, norms)]
    assert not any(parameter.requires_grad for parameter in deployed.parameters())


def test_the_residual_of_a_graph_convolution_is_one_more_partition() -> None:
    deployed = DeployNet(small_model(model_type="ST-GCN++"))
    parts = [block.gcn.conv.kernel_size[1] for block in deployed.blocks]
    assert parts == [4, 3, 3, 3, 4, 3, 3, 4, 3, 3]


@pytest.mark.parametrize("part", ["data_bn", "st_gcn_networks", "fcn"])
def test_all_of_it_is_copied_to_the_cpu(part: str) -> None:
    """The network may be on a GPU. Here it is on `meta`, from which no copy is possible."""
    net = small_model()
    net.get_submodule(part).to("meta")
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        DeployNet(net)


def test_other_networks_are_refused() -> None:
    net = small_model()
    net.__class__ = type("Other", (type(net).__mro__[1],), {})
    with pytest.raises(TypeError, match="no deployed form for Other"):
        DeployNet(net)
