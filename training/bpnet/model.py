"""BodyPoseNet: a backbone, then stages that predict heatmaps and PAFs and refine each other's."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import nn

from converter import InputError
from training.bpnet.backbones import build_backbone
from training.bpnet.layers import ConvBlock, SameConv2d, Widths
from training.bpnet.pose_config import PoseConfig
from training.bpnet.spec import ModelSpec

_STAGE1_HIDDEN = 512


class Maps(NamedTuple):
    """One stage's prediction.

    Attributes:
        heatmaps: (N, V + 1, h, w), the last channel is background.
        pafs: (N, 2K, h, w).
    """

    heatmaps: torch.Tensor
    pafs: torch.Tensor


class BodyPoseNet(nn.Module):
    """The network; `forward` gives the maps of every stage, first to last.

    Args:
        spec: the train spec's `model` section.
        pose: joints and limbs, which decide the numbers of maps.
        widths: output channels of convolutions that a pruning made narrower.

    Raises:
        InputError: the spec's channels are not those of the pose config.
    """

    def __init__(self, spec: ModelSpec, pose: PoseConfig, widths: Widths | None = None) -> None:
        super().__init__()
        widths = widths or {}
        for key in ("heat_channels", "paf_channels"):
            expected = pose.heatmap_channels if key == "heat_channels" else pose.paf_channels
            if getattr(spec, key) not in (None, expected):
                raise InputError(
                    f"model.{key} is {getattr(spec, key)}, but {pose.num_joints} joints and "
                    f"{len(pose.limbs)} limbs of the pose config make {expected}; "
                    "set it so or to null"
                )
        self.backbone = build_backbone(spec.backbone_attributes, widths)
        width = widths.get("reduction", spec.stage_channels)
        self.reduction = _relu(self.backbone.out_channels, width, 3, spec.use_bias)
        maps = pose.heatmap_channels + pose.paf_channels
        for number in range(1, spec.stages + 1):
            channels = width if number == 1 else width + maps
            self.add_module(f"stage{number}", Stage(f"stage{number}", channels, spec, pose, widths))
        self.num_stages, self.residual_stages = spec.stages, spec.residual_stages
        _initialise(self, spec.kernel_initializer)

    def forward(self, image: torch.Tensor) -> list[Maps]:
        """Maps of every stage.

        Args:
            image: (N, 3, H, W) normalised RGB, H and W multiples of 8.
        """
        features = self.reduction(self.backbone(image))
        outputs: list[Maps] = []
        for number in range(1, self.num_stages + 1):
            stage = self.get_submodule(f"stage{number}")
            x = torch.cat([features, *outputs[-1]], dim=1) if outputs else features
            maps = stage(x)
            if outputs and self.residual_stages:
                pairs = zip(maps, outputs[-1], strict=True)
                maps = Maps(*(correction + before for correction, before in pairs))
            outputs.append(maps)
        return outputs


class Stage(nn.Module):
    """Shared convolutions, then a branch for heatmaps and one for PAFs."""

    def __init__(
        self, name: str, channels: int, spec: ModelSpec, pose: PoseConfig, widths: Widths
    ) -> None:
        super().__init__()
        first = name == "stage1"
        kernels = spec.stage1_kernel_sizes if first else spec.stageT_kernel_sizes
        shared = []
        for index, kernel in enumerate(kernels, start=1):
            width = widths.get(f"{name}.shared.{index - 1}", spec.stage_channels)
            shared.append(_relu(channels, width, kernel, spec.use_bias))
            channels = width
        self.shared = nn.Sequential(*shared)
        hidden = _STAGE1_HIDDEN if first else spec.stage_channels
        attention = spec.use_self_attention and not first

        def branch(kind: str, count: int, gate: nn.Module) -> Branch:
            width = widths.get(f"{name}.{kind}.hidden", hidden)
            return Branch(channels, width, count, gate if attention else None, spec.use_bias)

        self.heatmap = branch("heatmap", pose.heatmap_channels, nn.Sigmoid())
        self.paf = branch("paf", pose.paf_channels, nn.Tanh())

    def forward(self, x: torch.Tensor) -> Maps:
        """(N, C, h, w) -> maps of the same size."""
        x = self.shared(x)
        return Maps(self.heatmap(x), self.paf(x))


class Branch(nn.Module):
    """1x1 convolutions to one kind of map, between them an optional attention gate."""

    def __init__(
        self, channels: int, hidden: int, count: int, gate: nn.Module | None, bias: bool
    ) -> None:
        super().__init__()
        self.hidden = _relu(channels, hidden, 1, bias)
        self.attention = None
        if gate is not None:
            self.attention = ConvBlock(SameConv2d(hidden, hidden, 3, bias=bias), activation=gate)
        self.out = ConvBlock(SameConv2d(hidden, count, 1, bias=bias))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, h, w) -> (N, count, h, w)."""
        x = self.hidden(x)
        if self.attention is not None:
            x = x * self.attention(x)
        return cast(torch.Tensor, self.out(x))


def _relu(channels: int, width: int, kernel: int, bias: bool) -> ConvBlock:
    return ConvBlock(SameConv2d(channels, width, kernel, bias=bias), activation=nn.ReLU())


def _initialise(model: BodyPoseNet, kernel_initializer: str) -> None:
    for name, module in model.named_modules():
        if not isinstance(module, nn.Conv2d):
            continue
        if kernel_initializer == "random_normal" and not name.startswith("backbone."):
            nn.init.normal_(module.weight, std=0.01)
        elif kernel_initializer == "xavier_zero_output" and name.endswith(".out.conv"):
            nn.init.normal_(module.weight, std=0.001)
        else:
            nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def count_parameters(model: nn.Module) -> int:
    """Numbers in the model's file: weights and the batch norms' statistics."""
    state = model.state_dict()
    return sum(v.numel() for k, v in state.items() if not k.endswith("num_batches_tracked"))
