"""ST-GCN: spatial temporal graph convolutional network (Yan et al., AAAI 2018).

The network of NVIDIA TAO's PoseClassificationNet, parameter for parameter; the names in the
state dict are NVIDIA's, so that its weights load.
"""

from __future__ import annotations

from typing import cast

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

KERNEL = 9  # frames that a temporal convolution sees


class GraphConv(nn.Module):
    """Sum over the K partitions of: 1x1 convolution, then gathering along the edges."""

    def __init__(self, in_channels: int, out_channels: int, num_parts: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels * num_parts, kernel_size=1)

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        """(B, in_channels, T, V) and (K, V, V) to (B, out_channels, T, V)."""
        x = self.conv(x).unflatten(1, (len(adjacency), -1))
        return torch.einsum("nkctv,kvw->nctw", x, adjacency)


class Block(nn.Module):
    """Graph convolution, temporal convolution, residual (all but the first block)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        num_parts: int,
        dropout: float,
        residual: bool = True,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.has_residual = residual
        self.gcn = GraphConv(in_channels, out_channels, num_parts)
        self.tcn = nn.Sequential(
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, (KERNEL, 1), (stride, 1), (KERNEL // 2, 0)),
            nn.BatchNorm2d(out_channels),
            nn.Dropout(dropout),
        )
        self.residual: nn.Module | None = None
        if residual and (in_channels != out_channels or stride != 1):
            self.residual = conv_norm(in_channels, out_channels, stride)

    def forward(
        self, x: Tensor, adjacency: Tensor, mask: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """(B, in_channels, T, V) to (B, out_channels, T / stride, V); the mask follows in T."""
        norm, relu, conv, norm_out, dropout = self.tcn
        out_mask = None if mask is None else mask[:, :, :: self.stride]
        y = relu(batch_norm(norm, self.gcn(x, adjacency), mask))
        y = dropout(batch_norm(norm_out, conv(masked(y, mask)), out_mask))
        if self.has_residual:
            y = y + shortcut(self.residual, x, out_mask)
        return torch.relu(y), out_mask


class STGCN(SkeletonNet):
    """ST-GCN.

    Args:
        graph: (K, V, V) adjacency, of :func:`training.pose_classification.graph.build_graph`.
        in_channels: C.
        num_classes: number of classes.
        dropout: probability to drop a unit of a temporal convolution's output.
        edge_importance: learn a weight for each entry of the adjacency in each block.
        padding: `tao` or `mask`, see :mod:`training.pose_classification.skeleton_net`.
        base_channels: channels of the first four blocks.
        fit_picture: take place and size in the picture out of the poses first.
    """

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
        self.register_buffer("A", graph.clone())
        self.st_gcn_networks = nn.ModuleList(
            Block(
                *stage,
                num_parts=len(graph),
                dropout=dropout if number else 0.0,
                residual=number > 0,
            )
            for number, stage in enumerate(stages(in_channels, base_channels))
        )
        if edge_importance:
            self.edge_importance = nn.ParameterList(
                [nn.Parameter(torch.ones_like(graph)) for _ in self.st_gcn_networks]
            )

    def adjacencies(self) -> list[Tensor]:
        """The (K, V, V) adjacency of each block, weighted."""
        graph = cast(Tensor, self.A)
        if hasattr(self, "edge_importance"):
            return [graph * importance for importance in self.edge_importance]
        return [graph] * len(self.st_gcn_networks)

    def blocks(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The ten blocks; see :meth:`SkeletonNet.blocks`."""
        for block, adjacency in zip(self.st_gcn_networks, self.adjacencies(), strict=True):
            x, mask = block(x, adjacency, mask)
        return x, mask
