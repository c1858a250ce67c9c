import pytest
import torch
from torch import nn

from training.bpnet.losses import stage_losses, weight_penalty
from training.bpnet.model import Maps
from training.bpnet.spec import FocalLossParams, ModelSpec


def maps(heat, paf):
    """One image, one cell, two heatmaps and two PAFs."""
    return Maps(torch.tensor(heat).view(1, 2, 1, 1), torch.tensor(paf).view(1, 2, 1, 1))


LABELS = torch.tensor([0.0, 1.0, 0.5, 0.0]).view(1, 4, 1, 1)  # PAFs, then heatmaps
MASK = torch.ones(1, 1, 1, 1)


def test_half_square_error_by_hand():
    first, second = maps([0.1, 0.2], [0.0, 0.0]), maps([0.5, 0.0], [0.0, 1.0])
    losses = stage_losses([first, second], LABELS, MASK)
    assert losses[0].heatmaps.item() == pytest.approx((0.4**2 + 0.2**2) / 2)
    assert losses[0].pafs.item() == pytest.approx(0.5)
    assert losses[1].heatmaps.item() == losses[1].pafs.item() == 0


def test_summed_over_cells_and_averaged_over_images():
    stage = Maps(torch.ones(3, 2, 4, 5), torch.zeros(3, 2, 4, 5))
    (loss,) = stage_losses([stage], torch.zeros(3, 4, 4, 5), torch.ones(3, 1, 4, 5))
    assert loss.heatmaps.item() == pytest.approx(2 * 4 * 5 / 2)


def test_masked_cells_do_not_count():
    stage = Maps(torch.ones(1, 2, 2, 2), torch.ones(1, 2, 2, 2))
    mask = torch.tensor([[1.0, 0.0], [0.0, 0.5]]).view(1, 1, 2, 2)
    (loss,) = stage_losses([stage], torch.zeros(1, 4, 2, 2), mask)
    assert loss.heatmaps.item() == pytest.approx(2 * (1 + 0.25) / 2)


def test_focal_weights_by_hand():
    focal = FocalLossParams(use_focal_loss=True, alpha=0.1, beta=0.02, gamma=2)
    (loss,) = stage_losses([maps([0.3, 0.2], [0.0, 0.0])], LABELS, MASK, focal)
    foreground = (0.3 - 0.5) * (1 - (0.3 - 0.1)) ** 2  # label 0.5
    background = (0.2 - 0.0) * (1 - (1 - 0.2 - 0.02)) ** 2  # label 0
    assert loss.heatmaps.item() == pytest.approx((foreground**2 + background**2) / 2)
    off = FocalLossParams(use_focal_loss=False)
    (plain,) = stage_losses([maps([0.3, 0.2], [0.0, 0.0])], LABELS, MASK, off)
    assert plain.heatmaps.item() == pytest.approx((0.2**2 + 0.2**2) / 2)


@pytest.mark.parametrize("threshold", [0.5, 0.6])
def test_background_threshold(threshold):
    focal = FocalLossParams(use_focal_loss=True, bkg_thresh=threshold, gamma=1)
    (loss,) = stage_losses([maps([0.3, 0.0], [0.0, 1.0])], LABELS, MASK, focal)
    error = (0.3 - 0.5) * (1 - (1 - 0.3 - 0.02))  # 0.5 is background now
    assert loss.heatmaps.item() == pytest.approx(error**2 / 2, rel=1e-4)


@pytest.mark.parametrize(
    ("kind", "expected"), [("l1", 3 * 2 + 5 * 3), ("l2", 3 * 4 + 5 * 9), ("l1_l2", 21 + 57)]
)
def test_penalty_of_kernels_and_biases(kind, expected):
    conv = nn.Conv2d(1, 1, 1)
    nn.init.constant_(conv.weight, -2)
    nn.init.constant_(conv.bias, 3)
    model = nn.Sequential(conv, nn.BatchNorm2d(1))
    spec = ModelSpec(
        regularization_type=kind, kernel_regularization_factor=3, bias_regularization_factor=5
    )
    assert weight_penalty(model, spec).item() == expected
    free = ModelSpec(kernel_regularization_factor=0, bias_regularization_factor=0)
    assert weight_penalty(model, free).item() == 0
