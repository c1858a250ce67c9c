"""ST-GCN++ of PYSKL (Duan et al., ACM MM 2022, arXiv 2205.09443).

Like ST-GCN, but the adjacency itself is learned, the graph convolution has a residual of its
own, and time is convolved at six scales side by side. Less than half of ST-GCN's parameters.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.pose_classification.skeleton_net import (
    SkeletonNet,
    batch_norm,
    conv_norm,
    masked,
    shortcut,
    stages,
)

DILATIONS = (1, 2, 3, 4)  # of the four convolutions of 3 frames
NUM_BRANCHES = len(DILATIONS) + 2  # and a maximum over 3 frames, and a 1x1 convolution


class AdaptiveGraphConv(nn.Module):
    """Graph convolution with an adjacency of its own, batch norm, residual and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, graph: Tensor, adaptive: bool) -> None:
        super().__init__()
        self.A = nn.Parameter(graph.clone(), requires_grad=adaptive)
        self.conv = nn.Conv2d(in_channels, out_channels * len(graph), kernel_size=1)
        self.bn = nn.BatchNorm2d(out_channels)
        self.down: nn.Module | None = None
        if in_channels != out_channels:
            self.down = conv_norm(in_channels, out_channels)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(B, in_channels, T, V) to (B, out_channels, T, V)."""
        parts = self.conv(x).unflatten(1, (len(self.A), -1))
        y = batch_norm(self.bn, self.gather(parts, x, mask), mask)
        return torch.relu(y + shortcut(self.down, x, mask))

    def gather(self, parts: Tensor, x: Tensor, mask: Tensor | None) -> Tensor:
        """Sum (B, K, out_channels, T, V), which the convolution made of `x`, along the edges."""
        return torch.einsum("nkctv,kvw->nctw", parts, self.A)


class MultiScaleConv(nn.Module):
    """Six branches along time, fused by batch norm, ReLU and a 1x1 convolution."""

    def __init__(self, channels: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.stride = stride
        width = channels // NUM_BRANCHES
        self.widths = [channels - width * (NUM_BRANCHES - 1)] + [width] * (NUM_BRANCHES - 2)
        self.reduce = conv_norm(channels, channels - width)  # of five branches at once
        self.along = nn.ModuleList(
            [
                nn.Conv2d(w, w, (3, 1), (stride, 1), (dilation, 0), (dilation, 1))
                for w, dilation in zip(self.widths, DILATIONS, strict=False)
            ]
            + [nn.MaxPool2d((3, 1), (stride, 1), (1, 0))]
        )
        self.pointwise = nn.Conv2d(channels, width, kernel_size=1, stride=(stride, 1))
        self.fuse_bn = nn.BatchNorm2d(channels)
        self.fuse = nn.Conv2d(channels, channels, kernel_size=1)
        self.bn = nn.BatchNorm2d(channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(B, channels, T, V) to (B, channels, T / stride, V); the mask follows in T."""
        reduced = masked(torch.relu(shortcut(self.reduce, x, mask)), mask)
        parts = torch.split(reduced, self.widths, dim=1)
        branches = [along(part) for along, part in zip(self.along, parts, strict=True)]
        branches.append(self.pointwise(x))
        out_mask = None if mask is None else mask[:, :, :: self.stride]
        y = torch.relu(batch_norm(self.fuse_bn, torch.cat(branches, dim=1), out_mask))
        return self.dropout(batch_norm(self.bn, self.fuse(y), out_mask)), out_mask


class Block(nn.Module):
    """Graph convolution, multi-scale temporal convolution, residual."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        graph: Tensor,
        adaptive: bool,
        dropout: float,
        residual: bool = True,
        graph_conv: type[AdaptiveGraphConv] = AdaptiveGraphConv,
    ) -> None:
        super().__init__()
        self.has_residual = residual
        self.gcn = graph_conv(in_channels, out_channels, graph, adaptive)
        self.tcn = MultiScaleConv(out_channels, stride, dropout)
        self.residual: nn.Module | None = None
        if residual and (in_channels != out_channels or stride != 1):
            self.residual = conv_norm(in_channels, out_channels, stride)

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(B, in_channels, T, V) to (B, out_channels, T / stride, V); the mask follows in T."""
        y, out_mask = self.tcn(self.gcn(x, mask), mask)
        if self.has_residual:
            y = y + shortcut(self.residual, x, out_mask)
        return torch.relu(y), out_mask


class STGCNPlusPlus(SkeletonNet):
    """ST-GCN++; the arguments are those of :class:`training.pose_classification.stgcn.STGCN`.

    `edge_importance` lets the adjacency be learned, which is how PYSKL trains it; without, it
    stays as the layout gives it.
    """

    graph_conv: type[AdaptiveGraphConv] = AdaptiveGraphConv

    def __init__(
        self,
        graph: Tensor,
        in_channels: int = 3,
        num_classes: int = 6,
        dropout: float = 0.5,
        edge_importance: bool = True,
        padding: str = "tao",
        base_channels: int = 64,
        fit_picture: bool = False,
    ) -> None:
        super().__init__(
            in_channels, graph.shape[1], 4 * base_channels, num_classes, padding, fit_picture
        )
        self.st_gcn_networks = nn.ModuleList(
            Block(
                *stage,
                graph=graph,
                adaptive=edge_importance,
                dropout=dropout if number else 0.0,
                residual=number > 0,
                graph_conv=self.graph_conv,
            )
            for number, stage in enumerate(stages(in_channels, base_channels))
        )

    def blocks(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The ten blocks; see :meth:`SkeletonNet.blocks`."""
        for block in self.st_gcn_networks:
            x, mask = block(x, mask)
        return x, mask
