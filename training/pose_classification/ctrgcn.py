"""CTR-GCN: every channel of every sequence has an adjacency of its own.

After the channel-wise topology refinement of Chen et al., ICCV 2021, arXiv 2107.12213: what is
learned for all sequences is refined by how the joints of this one differ from one another. Time is
convolved as in ST-GCN++, at six scales instead of the paper's four.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.pose_classification.skeleton_net import pool_time
from training.pose_classification.stgcnpp import AdaptiveGraphConv, STGCNPlusPlus

REDUCTION = 8  # channels for each one in which joints are compared, 8 at least


class Topology(nn.Module):
    """The adjacency of each channel: learned for all, refined by how the joints of this differ."""

    def __init__(self, in_channels: int, out_channels: int, parts: int) -> None:
        super().__init__()
        narrow = max(8, in_channels // REDUCTION)
        self.refinement = nn.Parameter(torch.zeros(()))
        self.compare_from = nn.Conv2d(in_channels, parts * narrow, kernel_size=1)
        self.compare_to = nn.Conv2d(in_channels, parts * narrow, kernel_size=1)
        self.refine = nn.Conv2d(parts * narrow, parts * out_channels, 1, groups=parts)

    def forward(self, graph: Tensor, x: Tensor, mask: Tensor | None) -> Tensor:
        """(K, V, V) and poses (B, in_channels, T, V) to (B, K, out_channels, V, V)."""
        mean = pool_time(x, mask)
        difference = self.compare_from(mean).transpose(2, 3) - self.compare_to(mean)
        refined: Tensor = self.refine(torch.tanh(difference)).unflatten(1, (len(graph), -1))
        return graph[:, None] + self.refinement * refined


class RefinedGraphConv(AdaptiveGraphConv):
    """ST-GCN++'s graph convolution with refined adjacency."""

    def __init__(self, in_channels: int, out_channels: int, graph: Tensor, adaptive: bool) -> None:
        super().__init__(in_channels, out_channels, graph, adaptive)
        self.topology = Topology(in_channels, out_channels, len(graph))

    def gather(self, parts: Tensor, x: Tensor, mask: Tensor | None) -> Tensor:
        """See :meth:`AdaptiveGraphConv.gather`."""
        return gather(parts, self.topology(self.A, x, mask))


def gather(parts: Tensor, topology: Tensor) -> Tensor:
    """Sum (B, K, C, T, V) along the edges of (B, K, C, V, V); returns (B, C, T, V)."""
    return torch.einsum("nkctv,nkcvw->nctw", parts, topology)


class CTRGCN(STGCNPlusPlus):
    """CTR-GCN; arguments as in ST-GCN++."""

    graph_conv = RefinedGraphConv
