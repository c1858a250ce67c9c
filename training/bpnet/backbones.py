"""Feature extractors with stride 8, for inputs whose sides are multiples of 8."""

from __future__ import annotations

import torch
from torch import nn

from training.bpnet.layers import ConvBlock, SameConv2d, Widths
from training.bpnet.spec import BackboneSpec

# Blocks of VGG19 up to block 4, of which two convolutions stay, and the reference's extra one.
_VGG = {1: (64, 64), 2: (128, 128), 3: (256, 256, 256, 256), 4: (512, 512), 6: (256,)}
_VGG_STRIDED, _VGG_LAST = (2, 3, 4), 6

# EfficientNet-Lite0: expansion, channels, repeats, kernel, stride, dilation. The network's last
# two stages are left out; stages that would leave stride 8 are dilated instead.
_LITE0 = (
    (1, 16, 1, 3, 1, 1),
    (6, 24, 2, 3, 2, 1),
    (6, 40, 2, 5, 2, 1),
    (6, 80, 3, 3, 1, 2),
    (6, 112, 3, 5, 1, 2),
)


def build_backbone(spec: BackboneSpec, widths: Widths) -> VggNoPooling | EfficientNetLite0:
    """The backbone that a spec asks for."""
    if spec.architecture == "vgg":
        return VggNoPooling(spec.use_bias, widths, spec.add_final_c128_conv)
    return EfficientNetLite0()


class VggNoPooling(nn.Module):
    """VGG19 (Simonyan and Zisserman, 2014) with batch norm, strides instead of pooling.

    Args:
        use_bias: biases in the convolutions, beside those of the batch norms.
        widths: see `Widths`; names are `backbone.block1_conv1` and so on.
        final_128: end with one more convolution, of 128 channels.
    """

    def __init__(self, use_bias: bool, widths: Widths, final_128: bool = False) -> None:
        super().__init__()
        channels = 3
        blocks = _VGG | {_VGG_LAST: (*_VGG[_VGG_LAST], *((128,) if final_128 else ()))}
        for block, convolutions in blocks.items():
            for index, width in enumerate(convolutions, start=1):
                name = f"block{block}_conv{index}"
                stride = 2 if block in _VGG_STRIDED and index == 1 else 1
                width = widths.get(f"backbone.{name}", width)
                conv = SameConv2d(channels, width, 3, stride, bias=use_bias)
                self.add_module(name, ConvBlock(conv, norm=True, activation=nn.ReLU()))
                channels = width
        self.out_channels = channels

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) -> (N, 256 or 128, H / 8, W / 8)."""
        for block in self.children():
            image = block(image)
        return image


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 (Tan and Le, 2019; Google's variant without squeeze-excitation)."""

    def __init__(self) -> None:
        super().__init__()
        stem = SameConv2d(3, 32, 3, stride=2, bias=False)
        self.stem = ConvBlock(stem, norm=True, activation=nn.ReLU6())
        self.blocks = nn.ModuleList()
        channels = 32
        for expansion, width, repeats, kernel, stride, dilation in _LITE0:
            for repeat in range(repeats):
                self.blocks.append(
                    InvertedResidual(
                        channels, width, expansion, kernel, 1 if repeat else stride, dilation
                    )
                )
                channels = width
        self.out_channels = channels

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) -> (N, 112, H / 8, W / 8)."""
        x: torch.Tensor = self.stem(image)
        for block in self.blocks:
            x = block(x)
        return x


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to the input where the shapes allow."""

    def __init__(
        self, channels: int, width: int, expansion: int, kernel: int, stride: int, dilation: int
    ) -> None:
        super().__init__()
        wide = channels * expansion
        self.expand = None
        if expansion != 1:
            conv = SameConv2d(channels, wide, 1, bias=False)
            self.expand = ConvBlock(conv, norm=True, activation=nn.ReLU6())
        depthwise = SameConv2d(wide, wide, kernel, stride, dilation, groups=wide, bias=False)
        self.depthwise = ConvBlock(depthwise, norm=True, activation=nn.ReLU6())
        self.project = ConvBlock(SameConv2d(wide, width, 1, bias=False), norm=True)
        self.is_residual = stride == 1 and channels == width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> (N, C', H / stride, W / stride)."""
        out: torch.Tensor = x if self.expand is None else self.expand(x)
        out = self.project(self.depthwise(out))
        return out + x if self.is_residual else out
