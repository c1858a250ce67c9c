"""Batch norms folded into the convolutions before them, in double precision."""

from __future__ import annotations

from copy import deepcopy
from typing import cast

from torch import Tensor, nn


def folded(layers: nn.Module) -> nn.Conv2d:
    """One convolution for a convolution and its batch norm."""
    conv, norm = cast(nn.Sequential, layers)
    return scaled(cast(nn.Conv2d, conv), *affine(norm))


def affine(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Scale and shift that a batch norm applies in evaluation mode, (C,) double each."""
    state = {name: value.detach().cpu().double() for name, value in norm.state_dict().items()}
    scale = state["weight"] / (state["running_var"] + cast(nn.BatchNorm2d, norm).eps).sqrt()
    return scale, state["bias"] - state["running_mean"] * scale


def scaled(conv: nn.Conv2d, scale: Tensor, shift: Tensor) -> nn.Conv2d:
    """A copy of a convolution whose result is multiplied by `scale` and shifted by `shift`."""
    copy = deepcopy(conv).cpu()
    weight, bias = copy.weight.detach().double(), cast(Tensor, copy.bias).detach().double()
    copy.weight = nn.Parameter((weight * scale[:, None, None, None]).float())
    copy.bias = nn.Parameter((bias * scale + shift).float())
    return copy
