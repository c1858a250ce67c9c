"""The loss: masked squared errors of all stages, plus a penalty on the weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from training.bpnet.model import Maps
from training.bpnet.spec import FocalLossParams, ModelSpec


def stage_losses(
    stages: Sequence[Maps],
    labels: torch.Tensor,
    mask: torch.Tensor,
    focal: FocalLossParams | None = None,
) -> list[Maps]:
    """Half the squared error of every map, summed over cells and channels, per image.

    Args:
        stages: predictions.
        labels: (N, 2K + V + 1, h, w), PAFs first.
        mask: (N, 1, h, w), 0 where nothing is judged.
        focal: weights errors by how wrong the prediction is, where `use_focal_loss` is set.

    Returns:
        Per stage a scalar for the heatmaps and one for the PAFs; their sum is the loss.
    """
    channels = stages[0].pafs.shape[1]
    pafs, heatmaps = labels[:, :channels], labels[:, channels:]
    losses = []
    for stage in stages:
        pairs = ((stage.heatmaps, heatmaps), (stage.pafs, pafs))
        terms = [_half_square(predicted, wanted, mask, focal) for predicted, wanted in pairs]
        losses.append(Maps(*terms))
    return losses


def _half_square(
    predicted: torch.Tensor,
    wanted: torch.Tensor,
    mask: torch.Tensor,
    focal: FocalLossParams | None,
) -> torch.Tensor:
    error = (predicted - wanted) * mask
    if focal is not None and focal.use_focal_loss:
        foreground = wanted > focal.bkg_thresh
        score = torch.where(foreground, predicted - focal.alpha, 1 - predicted - focal.beta)
        error = error * (1 - score).abs() ** focal.gamma
    return error.square().sum() / (2 * len(predicted))


def weight_penalty(model: nn.Module, spec: ModelSpec) -> torch.Tensor:
    """L1 and/or L2 norm of all convolutions' kernels and biases, each times its factor."""
    factors = (spec.kernel_regularization_factor, spec.bias_regularization_factor)
    total = torch.zeros((), device=next(model.parameters()).device)
    for module in model.modules():
        if not isinstance(module, nn.Conv2d):
            continue
        for factor, weights in zip(factors, (module.weight, module.bias), strict=True):
            if not factor or weights is None:
                continue
            if spec.regularization_type in ("l1", "l1_l2"):
                total = total + factor * weights.abs().sum()
            if spec.regularization_type in ("l2", "l1_l2"):
                total = total + factor * weights.square().sum()
    return total
