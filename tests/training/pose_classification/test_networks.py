from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.training.pose_classification.networks import clip, padded, small_model
from training.pose_classification.build import build_model
from training.pose_classification.skeleton_net import batch_norm, frame_mask
from training.pose_classification.spec import ModelSpec

EACH = pytest.mark.parametrize("model_type", ["ST-GCN", "ST-GCN++", "CTR-GCN"])


def parameters(num_classes: int, **options: object) -> int:
    model = build_model(ModelSpec.model_validate(options), num_classes)
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("layout", "strategy", "num_classes", "expected"),
    [
        ("nvidia", "spatial", 6, 3_100_938),
        ("nvidia", "uniform", 6, 2_640_442),
        ("nvidia", "distance", 6, 2_870_690),
        ("openpose", "spatial", 400, 3_177_140),
        ("ntu-rgb+d", "spatial", 60, 3_098_832),
        ("coco", "spatial", 6, 3_074_826),
    ],
)
def test_parameters_of_tao(layout: str, strategy: str, num_classes: int, expected: int) -> None:
    assert parameters(num_classes, graph_layout=layout, graph_strategy=strategy) == expected


def test_parameters_of_pyskl() -> None:
    # PYSKL counts the backbone, 1.39 M: without the classifier of 60 classes.
    count = parameters(60, model_type="ST-GCN++", graph_layout="ntu-rgb+d")
    assert count - (256 * 60 + 60) == 1_387_724


def reference(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """ST-GCN of TAO's description in evaluation mode, from its weights by name."""

    def norm(y: Tensor, name: str) -> Tensor:
        keys = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(y, *(state[f"{name}.{key}"] for key in keys))

    n, c, t, v, m = x.shape
    x = norm(x.permute(0, 4, 3, 1, 2).reshape(n * m, v * c, t), "data_bn")
    x = x.view(n, m, v, c, t).permute(0, 1, 3, 4, 2).reshape(n * m, c, t, v)
    for i in range(10):
        name, stride = f"st_gcn_networks.{i}", 2 if i in (4, 7) else 1
        weight = state[f"{name}.gcn.conv.weight"]
        y = functional.conv2d(x, weight, state[f"{name}.gcn.conv.bias"])
        y = y.view(n * m, 3, -1, *y.shape[2:])
        importance = state.get(f"edge_importance.{i}", torch.ones(()))
        y = torch.einsum("nkctv,kvw->nctw", y, state["A"] * importance)
        y = norm(y, f"{name}.tcn.0").relu()
        weight = state[f"{name}.tcn.2.weight"]
        y = functional.conv2d(y, weight, state[f"{name}.tcn.2.bias"], (stride, 1), (4, 0))
        y = norm(y, f"{name}.tcn.3")
        if i in (4, 7):
            weight = state[f"{name}.residual.0.weight"]
            x = functional.conv2d(x, weight, state[f"{name}.residual.0.bias"], (stride, 1))
            x = norm(x, f"{name}.residual.1")
        elif i == 0:
            x = torch.zeros_like(y)
        x = (y + x).relu()
    x = functional.avg_pool2d(x, x.shape[2:]).view(n, m, -1, 1, 1).mean(dim=1)
    return functional.conv2d(x, state["fcn.weight"], state["fcn.bias"]).flatten(1)


@pytest.mark.parametrize("importance", [True, False])
@pytest.mark.parametrize("persons", [1, 3])
def test_st_gcn_is_as_described(importance: bool, persons: int) -> None:
    model = small_model(edge_importance_weighting=importance)
    x = padded(clip(21, persons), 40)
    with torch.no_grad():
        torch.testing.assert_close(model(x), reference(model.state_dict(), x))


@EACH
def test_gradients_reach_every_parameter(model_type: str) -> None:
    model = small_model(model_type=model_type, padding="mask").train()
    functional.cross_entropy(model(padded(clip(20), 30)), torch.tensor([0, 1])).backward()
    # A bias before batch norm has no effect; all else must have one.
    idle = [n for n, p in model.named_parameters() if p.ndim > 1 and not p.grad.any()]
    assert idle == []


@EACH
@pytest.mark.parametrize("frames", [1, 2, 3, 50, 97, 98, 99, 100])
@torch.no_grad()
def test_masked_padding_changes_nothing(model_type: str, frames: int) -> None:
    model = small_model(model_type=model_type, padding="mask")
    x = clip(frames)
    expected = model(x)
    for length in (frames + 1, 300):
        torch.testing.assert_close(model(padded(x, length)), expected, rtol=1e-5, atol=1e-5)
    plain = small_model(model_type=model_type, padding="tao")
    torch.testing.assert_close(plain(x), expected)
    assert (plain(padded(x, 300)) - expected).abs().max() > 1e-3


@EACH
@torch.no_grad()
def test_masked_lengths_in_one_batch(model_type: str) -> None:
    model = small_model(model_type=model_type, padding="mask")
    clips = [clip(frames, batch=1, seed=frames) for frames in (5, 64, 33)]
    together = torch.cat([padded(x, 64) for x in clips])
    torch.testing.assert_close(model(together), torch.cat([model(x) for x in clips]))


@EACH
def test_masked_training_does_not_see_padding(model_type: str) -> None:
    short = small_model(model_type=model_type, padding="mask", dropout=0.0).double().train()
    long = copy.deepcopy(short)
    x, ids = clip(37, batch=3).double(), torch.tensor([0, 1, 2])
    functional.cross_entropy(short(x), ids).backward()
    functional.cross_entropy(long(padded(x, 64)), ids).backward()
    for (name, a), b in zip(short.named_parameters(), long.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-7, atol=1e-9, msg=name)
    for (name, a), b in zip(short.named_buffers(), long.named_buffers(), strict=True):
        torch.testing.assert_close(a, b[1], rtol=1e-9, atol=1e-9, msg=name)


def test_masked_statistics_are_those_of_torch() -> None:
    x = torch.randn(4, 5, 9, 3)
    mask = torch.zeros(4, 1, 9, 1)
    for row, frames in enumerate((9, 4, 1, 7)):
        mask[row, :, :frames] = 1
    ours, torchs = nn.BatchNorm2d(5), nn.BatchNorm1d(5)
    y = batch_norm(ours, x, mask)
    kept = mask.bool().expand(4, 1, 9, 3).squeeze(1)
    expected = torchs(x.movedim(1, -1)[kept])
    torch.testing.assert_close(y.movedim(1, -1)[kept], expected)
    torch.testing.assert_close(ours.state_dict(), torchs.state_dict())


@EACH
@torch.no_grad()
def test_persons(model_type: str) -> None:
    masked, tao = (small_model(model_type=model_type, padding=p) for p in ("mask", "tao"))
    x = clip(20)
    absent = torch.cat([x, torch.zeros_like(x)], dim=-1)
    torch.testing.assert_close(masked(absent), masked(x))
    assert (tao(absent) - tao(x)).abs().max() > 1e-3
    twice = torch.cat([x, x], dim=-1)
    torch.testing.assert_close(tao(twice), tao(x))


@EACH
@torch.no_grad()
def test_nothing_but_zeros(model_type: str) -> None:
    model = small_model(model_type=model_type, padding="mask")
    logits = model(torch.zeros(2, 3, 30, 34, 1))
    torch.testing.assert_close(logits, model.fcn.bias.expand(2, -1))


def test_zero_frames_inside_a_clip_count() -> None:
    x = torch.zeros(1, 3, 6, 5)
    x[0, 2, 1, 0] = 0.1
    x[0, 0, 3, 4] = -1
    assert frame_mask(x).flatten().tolist() == [1, 1, 1, 1, 0, 0]


def test_edge_importance_and_adaptive_adjacency() -> None:
    shape = (3, 34, 34)
    weighted = small_model(edge_importance_weighting=True)
    assert [p.shape for p in weighted.edge_importance] == [shape] * 10
    fixed = small_model(model_type="ST-GCN++", edge_importance_weighting=False)
    learned = small_model(model_type="ST-GCN++")
    count = {m: sum(p.requires_grad for p in m.parameters()) for m in (fixed, learned)}
    assert count[learned] - count[fixed] == 10


@EACH
def test_dropout(model_type: str) -> None:
    model = small_model(model_type=model_type, dropout=0.9).train()
    x = clip(20)
    with torch.no_grad():
        assert not torch.equal(model(x), model(x))
        model = small_model(model_type=model_type, dropout=0.0).train()
        torch.testing.assert_close(model(x), model(x))


@EACH
@pytest.mark.parametrize("layout", ["coco", "kinect-v1"])
def test_other_layouts_and_channels(model_type: str, layout: str) -> None:
    joints = {"coco": 17, "kinect-v1": 20}[layout]
    model = small_model(3, model_type=model_type, graph_layout=layout, input_channels=2)
    assert model(torch.randn(2, 2, 16, joints, 1)).shape == (2, 3)


@EACH
@torch.no_grad()
def test_place_and_size_in_the_picture_may_not_matter(model_type: str) -> None:
    net = small_model(model_type=model_type, padding="mask", fit_picture=True)
    x = clip(30, persons=2)
    x[:, :, 4:6, 3] = 0  # a joint that is missing for two frames
    moved = x.clone()
    place = torch.tensor([3.0, -2.0])[:, None, None, None]
    moved[:, :2] = (0.01 * x[:, :2] + place) * (x != 0).any(dim=1, keepdim=True)
    torch.testing.assert_close(net(moved), net(x), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(net(padded(moved, 50)), net(moved), rtol=1e-4, atol=1e-5)
    plain = small_model(model_type=model_type, padding="mask")
    assert (plain(moved) - plain(x)).abs().max() > 0.02
