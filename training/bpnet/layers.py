"""Convolutions with TensorFlow's "same" padding, and widths that a pruned model may have lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import nn

NORM_EPSILON = 1e-3  # of batch norms, as in TAO; torch has 1e-5

Widths = Mapping[str, int]
"""Output channels of convolutions by name, for those that differ from the default."""


class SameConv2d(nn.Conv2d):
    """A convolution whose output is the input's size divided by the stride.

    Inputs are multiples of the stride, where TensorFlow's "same" means one pixel less before than
    after; weights that were trained there give the same maps only so.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        total = dilation * (kernel_size - 1) - (stride - 1)
        before, after = total // 2, total - total // 2
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=before if before == after else 0,
            dilation=dilation,
            groups=groups,
            bias=bias,
        )
        self._uneven = None if before == after else (before, after, before, after)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> (N, C', H / stride, W / stride)."""
        if self._uneven is not None:
            x = nn.functional.pad(x, self._uneven)
        return super().forward(x)


class ConvBlock(nn.Module):
    """Convolution, batch norm where asked for, activation.

    Args:
        conv: the convolution.
        norm: whether batch norm follows.
        activation: what follows that; None: nothing.
    """

    def __init__(
        self, conv: SameConv2d, norm: bool = False, activation: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.conv = conv
        self.norm = nn.BatchNorm2d(conv.out_channels, NORM_EPSILON) if norm else None
        self.activation = activation

    @property
    def out_channels(self) -> int:
        """Channels of the output."""
        return self.conv.out_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> (N, C', H / stride, W / stride)."""
        x = self.conv(x)
        if self.norm is not None:
            x = self.norm(x)
        return x if self.activation is None else cast(torch.Tensor, self.activation(x))
