import math

import pytest
import torch
from torch import nn

from converter import InputError
from training.bpnet.model import BodyPoseNet
from training.bpnet.optim import build_optimizer, gradient_weight, learning_rate
from training.bpnet.pose_config import PoseConfig
from training.bpnet.spec import (
    AdamW,
    BackboneSpec,
    ExponentialDecay,
    ModelSpec,
    SoftstartAnnealing,
    TrainSpec,
    WeightedMomentum,
)


def test_softstart_annealing():
    schedule = SoftstartAnnealing(base_learning_rate=1e-2, min_learning_rate=1e-4)
    rate = learning_rate(schedule, 1000, 10)
    assert rate(0) == pytest.approx(1e-4)
    assert rate(25) == pytest.approx(1e-3)  # half way up in the logarithm
    assert rate(50) == rate(500) == pytest.approx(1e-2)
    assert rate(750) == pytest.approx(1e-3)
    assert rate(1000) == rate(2000) == pytest.approx(1e-4)


def test_last_step_ends_the_schedule():
    rate = learning_rate(SoftstartAnnealing(last_step=100), 1000, 10)
    assert rate(100) == pytest.approx(8e-8)


@pytest.mark.parametrize("schedule", [SoftstartAnnealing(), ExponentialDecay()])
def test_the_rate_grows_with_the_processes(schedule):
    one, four = (learning_rate(schedule, 100, 10, world_size=n) for n in (1, 4))
    assert four(10) == pytest.approx(4 * one(10))


def test_exponential_decay():
    schedule = ExponentialDecay(
        learning_rate=1.0, decay_epochs=2, decay_rate=0.1, min_learning_rate=1e-3
    )
    rate = learning_rate(schedule, 1000, 5)
    assert [rate(step) for step in (0, 9, 10, 20)] == pytest.approx([1, 1, 0.1, 0.01])
    assert rate(999) == 1e-3
    smooth = learning_rate(schedule.model_copy(update={"staircase": False}), 1000, 5)
    assert smooth(5) == pytest.approx(math.sqrt(0.1))


@pytest.fixture(scope="module")
def model():
    lite = BackboneSpec(architecture="efficientnet_lite0")
    spec = ModelSpec(stages=3, stage_channels=8, backbone_attributes=lite)
    return BodyPoseNet(spec, PoseConfig.load())


def weights(model, spec):
    named = dict(model.named_parameters())
    return {name: gradient_weight(name, spec) for name in named}


def test_stagewise_multipliers(model):
    found = weights(model, TrainSpec())
    assert found["backbone.stem.conv.weight"] == 1
    assert found["reduction.conv.weight"] == 1
    assert found["reduction.conv.bias"] == 2
    assert found["stage1.paf.out.conv.weight"] == 1
    assert found["stage1.shared.0.conv.bias"] == 2
    assert found["stage2.shared.0.conv.weight"] == 4
    assert found["stage3.heatmap.out.conv.weight"] == 4
    assert found["stage3.heatmap.out.conv.bias"] == 8
    assert found["backbone.stem.norm.bias"] == 1
    assert set(weights(model, TrainSpec(use_stagewise_lr_multipliers=False)).values()) == {1}


def test_weights_by_name(model):
    optimizer = WeightedMomentum(grad_weights_dict={"stage1": 0.0}, weight_default_value=0.5)
    found = weights(model, TrainSpec(optimizer=optimizer, use_stagewise_lr_multipliers=False))
    assert found["stage1.paf.out.conv.weight"] == 0
    assert found["stage2.paf.out.conv.weight"] == 0.5


def test_weights_of_a_name_that_does_not_exist_are_refused(model):
    optimizer = WeightedMomentum(grad_weights_dict={"stage1": 0.0, "stag2": 4.0})
    with pytest.raises(InputError, match="grad_weights_dict: no parameter's name has 'stag2'"):
        build_optimizer(model, TrainSpec(optimizer=optimizer))


def test_weighting_the_rate_is_weighting_the_gradient():
    """Three steps of the textbook rule, gradient times weight, then momentum."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False))
    optimizer = WeightedMomentum(grad_weights_dict={"0.weight": 4.0}, momentum=0.9)
    spec = TrainSpec(optimizer=optimizer, use_stagewise_lr_multipliers=False)
    torch_optimizer = build_optimizer(model, spec)
    group = torch_optimizer.param_groups[0]
    group["lr"] *= 0.01
    value = expected = model[0].weight.item()
    speed = 0.0
    for gradient in (1.0, -2.0, 0.5):
        model[0].weight.grad = torch.full((1, 1), gradient)
        torch_optimizer.step()
        speed = 0.9 * speed + 4.0 * gradient
        expected -= 0.01 * speed
    value = model[0].weight.item()
    assert value == pytest.approx(expected, rel=1e-5)


def test_optimisers(model):
    momentum = build_optimizer(model, TrainSpec(optimizer=WeightedMomentum(use_nesterov=True)))
    assert isinstance(momentum, torch.optim.SGD)
    assert momentum.defaults["nesterov"]
    assert sorted(group["lr"] for group in momentum.param_groups) == [1, 2, 4, 8]
    adamw = build_optimizer(model, TrainSpec(optimizer=AdamW(weight_decay=0.1)))
    assert isinstance(adamw, torch.optim.AdamW)
    assert adamw.defaults["weight_decay"] == 0.1
