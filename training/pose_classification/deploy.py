"""The form of a trained network that is exported: the same function, cheaper to compute.

* Aggregate first: poses are gathered along the edges of all K partitions by one matrix product,
  `x @ A` with A of shape (V, K * V); then one convolution with a kernel (1, K) and dilation V
  does what K 1x1 convolutions, a sum and two transpositions do in training. The biases, which
  training gathers too, become one number per channel and joint.
* All batch norms, the one on the input included, are folded into those numbers and weights.
* Graph convolutions with a residual of their own (ST-GCN++) take it in as one more partition,
  whose adjacency is the identity.
* CTR-GCN's adjacency depends on the sequence, so there each partition is gathered by itself.

Folding is done in double precision; only the order of summation differs from training.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import cast

import torch
from torch import Tensor, nn

from training.pose_classification import ctrgcn, stgcn, stgcnpp
from training.pose_classification.folding import affine, folded, scaled
from training.pose_classification.picture import fit_picture
from training.pose_classification.skeleton_net import (
    SkeletonNet,
    frame_mask,
    masked,
    persons,
    pool,
)

# A convolution, its (K, V, V) adjacency, and the batch norm behind it.
Term = tuple[nn.Conv2d, Tensor, nn.Module]


class DeployNet(nn.Module):
    """A trained network for inference.

    Args:
        net: the trained network; it is not changed.
    """

    def __init__(self, net: SkeletonNet) -> None:
        super().__init__()
        self.padding = net.padding
        self.fit_picture = net.fit_picture
        self.blocks = nn.ModuleList(_blocks(net))
        self.fcn = nn.Linear(net.fcn.in_channels, net.fcn.out_channels)
        self.fcn.weight = nn.Parameter(net.fcn.weight.detach().cpu().flatten(1))
        self.fcn.bias = nn.Parameter(cast(Tensor, net.fcn.bias).detach().cpu())
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V, M) float32 to (N, num_classes) logits."""
        n = x.shape[0]
        x = persons(x)
        mask = frame_mask(x) if self.padding == "mask" else None
        if self.fit_picture:
            x = fit_picture(x)
        for block in self.blocks:
            x, mask = block(x, mask)
        return cast(Tensor, self.fcn(pool(x, mask, n)))


class GraphConv(nn.Module):
    """Sum of graph convolutions, each followed by a batch norm: aggregate first.

    Args:
        terms: the convolutions; K is the number of their partitions, all together.
        pose_norm: a batch norm over (V * C) features on the input, or None.
    """

    def __init__(self, terms: Sequence[Term], pose_norm: nn.BatchNorm1d | None = None) -> None:
        super().__init__()
        weight, graph, bias = _fold(terms)
        parts, out_channels, in_channels = weight.shape
        joints = graph.shape[1]
        matrix = graph.transpose(0, 1).reshape(joints, parts * joints)
        if pose_norm is not None:
            scale, shift = (part.reshape(joints, in_channels).T for part in affine(pose_norm))
            bias = bias + torch.einsum("koc,cv,kvw->ow", weight, shift, graph)
            matrix = scale[..., None] * matrix
        self.register_buffer("matrix", matrix.float())
        self.register_buffer("bias", bias.float()[:, None])
        self.conv = nn.Conv2d(
            in_channels, out_channels, (1, parts), dilation=(1, joints), bias=False
        )
        self.conv.weight = nn.Parameter(weight.permute(1, 2, 0)[:, :, None].float())

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(B, in_channels, T, V) to (B, out_channels, T, V)."""
        return cast(Tensor, self.conv(x @ cast(Tensor, self.matrix))) + cast(Tensor, self.bias)


class RefinedGraphConv(nn.Module):
    """The graph convolution of CTR-GCN with its residual, before ReLU."""

    def __init__(self, gcn: ctrgcn.RefinedGraphConv, pose_norm: nn.BatchNorm1d | None) -> None:
        super().__init__()
        self.pose_norm = None if pose_norm is None else PoseNorm(pose_norm, gcn.conv.in_channels)
        self.topology = deepcopy(gcn.topology).cpu()
        self.register_buffer("graph", gcn.A.detach().cpu().clone())
        scale, shift = affine(gcn.bn)
        self.conv = scaled(gcn.conv, scale.repeat(len(gcn.A)), torch.zeros(1))
        self.down = nn.Identity() if gcn.down is None else folded(gcn.down)
        self.register_buffer("bias", shift.float()[:, None, None])

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(B, in_channels, T, V) to (B, out_channels, T, V)."""
        if self.pose_norm is not None:
            x = self.pose_norm(x)
        graph = cast(Tensor, self.graph)
        parts = self.conv(x).unflatten(1, (len(graph), -1))
        y = ctrgcn.gather(parts, self.topology(graph, x, mask))
        return cast(Tensor, y + cast(Tensor, self.bias) + self.down(x))


class PoseNorm(nn.Module):
    """The batch norm of each coordinate of each joint."""

    def __init__(self, norm: nn.BatchNorm1d, channels: int) -> None:
        super().__init__()
        scale, shift = (part.reshape(-1, channels).T[:, None].float() for part in affine(norm))
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, V), normalised."""
        return x * cast(Tensor, self.scale) + cast(Tensor, self.shift)


class Block(nn.Module):
    """Graph convolution, temporal convolution, residual.

    Args:
        gcn: the graph convolution.
        gcn_residual: add the input to its result.
        tcn: what looks along time; called with zeros where there is padding.
        residual: what the input goes through before it is added to the result; None: nothing is
            added.
        stride: of `tcn` in time.
    """

    def __init__(
        self,
        gcn: GraphConv | RefinedGraphConv,
        gcn_residual: bool,
        tcn: nn.Module,
        residual: nn.Module | None,
        stride: int,
    ) -> None:
        super().__init__()
        self.gcn, self.tcn, self.residual = gcn, tcn, residual
        self.gcn_residual, self.stride = gcn_residual, stride

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(B, in_channels, T, V) to (B, out_channels, T / stride, V); the mask follows in T."""
        y = self.gcn(x, mask)
        y = torch.relu(y + x if self.gcn_residual else y)
        y = self.tcn(y, mask)
        if self.residual is not None:
            y = y + self.residual(x)
        return torch.relu(y), None if mask is None else mask[:, :, :: self.stride]


class TemporalConv(nn.Module):
    """The temporal convolution of ST-GCN."""

    def __init__(self, conv: nn.Conv2d, norm: nn.Module) -> None:
        super().__init__()
        self.conv = scaled(conv, *affine(norm))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(B, channels, T, V) to (B, channels, T / stride, V)."""
        return cast(Tensor, self.conv(masked(x, mask)))


class MultiScaleConv(nn.Module):
    """The temporal convolutions of ST-GCN++."""

    def __init__(self, tcn: stgcnpp.MultiScaleConv) -> None:
        super().__init__()
        self.widths = tcn.widths
        self.reduce = folded(tcn.reduce)
        widths = [*self.widths, tcn.pointwise.out_channels]
        norms = [torch.split(part, widths) for part in affine(tcn.fuse_bn)]
        *convs, self.pooling = tcn.along
        self.along = nn.ModuleList(
            scaled(cast(nn.Conv2d, conv), *pair) for conv, *pair in zip(convs, *norms, strict=False)
        )
        self.register_buffer("pool_scale", norms[0][-2].float()[:, None, None])
        self.register_buffer("pool_shift", norms[1][-2].float()[:, None, None])
        self.pointwise = scaled(tcn.pointwise, norms[0][-1], norms[1][-1])
        self.fuse = scaled(tcn.fuse, *affine(tcn.bn))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(B, channels, T, V) to (B, channels, T / stride, V)."""
        y = masked(torch.relu(self.reduce(x)), mask)
        *parts, last = torch.split(y, self.widths, dim=1)
        branches = [conv(part) for conv, part in zip(self.along, parts, strict=True)]
        pooled = self.pooling(last) * self.pool_scale + self.pool_shift
        y = torch.cat([*branches, pooled, self.pointwise(x)], dim=1)
        return cast(Tensor, self.fuse(torch.relu(y)))


def _blocks(net: SkeletonNet) -> list[Block]:
    norms = [net.data_bn, *[None] * 9]
    if isinstance(net, stgcn.STGCN):
        parts = zip(net.st_gcn_networks, net.adjacencies(), norms, strict=True)
        return [_plain(cast(stgcn.Block, block), graph, norm) for block, graph, norm in parts]
    if isinstance(net, stgcnpp.STGCNPlusPlus):
        pairs = zip(net.st_gcn_networks, norms, strict=True)
        return [_plus_plus(cast(stgcnpp.Block, block), norm) for block, norm in pairs]
    raise TypeError(f"no deployed form for {type(net).__name__}")


def _plain(block: stgcn.Block, graph: Tensor, pose_norm: nn.BatchNorm1d | None) -> Block:
    norm, _, conv, norm_out, _ = block.tcn
    gcn = GraphConv([(block.gcn.conv, graph, norm)], pose_norm)
    tcn = TemporalConv(cast(nn.Conv2d, conv), norm_out)
    return Block(gcn, False, tcn, _residual(block), block.stride)


def _plus_plus(block: stgcnpp.Block, pose_norm: nn.BatchNorm1d | None) -> Block:
    tcn, residual = MultiScaleConv(block.tcn), _residual(block)
    if isinstance(block.gcn, ctrgcn.RefinedGraphConv):
        refined = RefinedGraphConv(block.gcn, pose_norm)
        return Block(refined, False, tcn, residual, block.tcn.stride)
    gcn = block.gcn
    terms: list[Term] = [(gcn.conv, gcn.A, gcn.bn)]
    if gcn.down is not None:
        conv, norm = cast(nn.Sequential, gcn.down)
        terms.append((cast(nn.Conv2d, conv), torch.eye(gcn.A.shape[1])[None], norm))
    own = GraphConv(terms, pose_norm)
    return Block(own, gcn.down is None, tcn, residual, block.tcn.stride)


def _residual(block: stgcn.Block | stgcnpp.Block) -> nn.Module | None:
    if not block.has_residual:
        return None
    return nn.Identity() if block.residual is None else folded(block.residual)


def _fold(terms: Sequence[Term]) -> tuple[Tensor, Tensor, Tensor]:
    """Weights (K, out, in), adjacency (K, V, V) and bias (out, V) of a sum of terms; double."""
    weights, graphs, biases = [], [], []
    for conv, graph, norm in terms:
        scale, shift = affine(norm)
        graph = graph.detach().cpu().double()
        weight = conv.weight.detach().cpu().double().reshape(len(graph), len(scale), -1)
        bias = cast(Tensor, conv.bias).detach().cpu().double().reshape(len(graph), -1) * scale
        weights.append(weight * scale[:, None])
        graphs.append(graph)
        biases.append(torch.einsum("ko,kvw->ow", bias, graph) + shift[:, None])
    return torch.cat(weights), torch.cat(graphs), torch.stack(biases).sum(dim=0)
