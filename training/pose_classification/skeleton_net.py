"""What the networks share: persons, input normalisation, masks, pooling, classifier.

With `padding="mask"`, frames behind a person's last non-zero frame are ignored exactly: they
are kept at zero wherever a convolution looks along time, and take no part in pooling or in the
statistics of batch normalisation. So logits do not depend on how long a sequence was padded.
With `padding="tao"` they are input like any other frame, as in TAO.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from training.pose_classification.picture import fit_picture


class SkeletonNet(nn.Module):
    """Base of the networks: (N, C, T, V, M) sequences to (N, num_classes) logits.

    Args:
        in_channels: C.
        num_joints: V.
        out_channels: channels of the last block.
        num_classes: number of classes.
        padding: `tao` or `mask`.
        fit_picture: take place and size in the picture out of the poses first.
    """

    def __init__(
        self,
        in_channels: int,
        num_joints: int,
        out_channels: int,
        num_classes: int,
        padding: str,
        fit_picture: bool,
    ) -> None:
        super().__init__()
        self.padding = padding
        self.fit_picture = fit_picture
        self.data_bn = nn.BatchNorm1d(in_channels * num_joints)
        self.fcn = nn.Conv2d(out_channels, num_classes, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Classify.

        Args:
            x: (N, C, T, V, M) float; any T >= 1 and M >= 1.

        Returns:
            (N, num_classes) logits.
        """
        n = x.shape[0]
        x = persons(x)
        mask = frame_mask(x) if self.padding == "mask" else None
        if self.training and mask is not None and bool(mask.all()):
            mask = None  # nothing is padded: the same result, faster
        if self.fit_picture:
            x = fit_picture(x)
        x = self.normalise(x, mask)
        x, mask = self.blocks(x, mask)
        return cast(Tensor, self.fcn(pool(x, mask, n)[..., None, None])).flatten(1)

    def normalise(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Batch norm of each coordinate of each joint, (B, C, T, V)."""
        b, c, t, v = x.shape
        x = x.permute(0, 3, 1, 2).reshape(b, v * c, t)
        x = batch_norm(self.data_bn, x, None if mask is None else mask.squeeze(3))
        return x.reshape(b, v, c, t).permute(0, 2, 3, 1)

    def blocks(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The body: (B, C, T, V) to (B, out_channels, T', V), and the mask (B, 1, T, 1) to T'."""
        raise NotImplementedError


def stages(in_channels: int, base_channels: int) -> list[tuple[int, int, int]]:
    """The ten blocks: (input channels, output channels, stride in time)."""
    widths = [base_channels * factor for factor in (1, 1, 1, 1, 2, 2, 2, 4, 4, 4)]
    strides = [2 if block in (4, 7) else 1 for block in range(10)]
    return list(zip([in_channels, *widths], widths, strides, strict=False))


def persons(x: Tensor) -> Tensor:
    """(N, C, T, V, M) to (N * M, C, T, V)."""
    if x.shape[4] == 1:
        return x.squeeze(4)
    return x.permute(0, 4, 1, 2, 3).flatten(0, 1)


def frame_mask(x: Tensor) -> Tensor:
    """Which frames are not padding.

    Args:
        x: (B, C, T, V) poses.

    Returns:
        (B, 1, T, 1) of the same dtype: 1 up to and including the last frame with a non-zero
        coordinate, 0 behind it.
    """
    used = x.abs().amax(dim=(1, 3)) != 0
    number = torch.arange(1, x.shape[2] + 1, device=x.device)
    length = (used * number).amax(dim=1, keepdim=True)
    return (number <= length).to(x.dtype)[:, None, :, None]


def batch_norm(norm: nn.Module, x: Tensor, mask: Tensor | None) -> Tensor:
    """Batch normalisation whose statistics leave padding out.

    Args:
        norm: `nn.BatchNorm1d` or `nn.BatchNorm2d`.
        x: (B, C, T) or (B, C, T, V).
        mask: (B, 1, T) or (B, 1, T, 1), or None: nothing is padding.
    """
    norm = cast(nn.BatchNorm2d, norm)
    if mask is None or not norm.training:
        return cast(Tensor, norm(x))
    dims = [dim for dim in range(x.dim()) if dim != 1]
    values = x.to(torch.promote_types(x.dtype, torch.float32))  # not in half precision
    count = (mask.to(values.dtype).sum() * (x[0, 0].numel() / mask[0].numel())).clamp(min=1)
    mean = (values * mask).sum(dims, keepdim=True) / count
    variance = ((values - mean).square() * mask).sum(dims, keepdim=True) / count
    with torch.no_grad():
        momentum = cast(float, norm.momentum)
        unbiased = variance * (count / (count - 1).clamp(min=1))
        cast(Tensor, norm.running_mean).lerp_(mean.flatten(), momentum)
        cast(Tensor, norm.running_var).lerp_(unbiased.flatten(), momentum)
        cast(Tensor, norm.num_batches_tracked).add_(1)
    shape = mean.shape
    scale = norm.weight.view(shape) * (variance + norm.eps).rsqrt()
    return ((values - mean) * scale + norm.bias.view(shape)).to(x.dtype)


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    """Set padding to zero, as it must be before anything looks along time."""
    return x if mask is None else x * mask.to(x.dtype)


def conv_norm(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """1x1 convolution and batch norm."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=(stride, 1)),
        nn.BatchNorm2d(out_channels),
    )


def shortcut(layers: nn.Module | None, x: Tensor, mask: Tensor | None) -> Tensor:
    """Apply :func:`conv_norm` with masked statistics; None leaves the input as it is."""
    if layers is None:
        return x
    conv, norm = cast(nn.Sequential, layers)
    return batch_norm(norm, conv(x), mask)


def pool_time(x: Tensor, mask: Tensor | None) -> Tensor:
    """Mean over frames, (B, C, T, V) to (B, C, 1, V); padding is left out."""
    if mask is None:
        return x.mean(dim=2, keepdim=True)
    return masked(x, mask).sum(dim=2, keepdim=True) / mask.sum(dim=2, keepdim=True).clamp(min=1)


def pool(x: Tensor, mask: Tensor | None, num_sequences: int) -> Tensor:
    """Mean over frames and joints, then over persons.

    Args:
        x: (N * M, C, T, V).
        mask: (N * M, 1, T, 1), or None: nothing is padding. Persons without any frame are left
            out of the mean.
        num_sequences: N.

    Returns:
        (N, C).
    """
    shape = (num_sequences, -1, x.shape[1])
    if mask is None:
        return x.mean(dim=(2, 3)).reshape(shape).mean(dim=1)
    frames = mask.sum(dim=(2, 3))
    person = masked(x, mask).mean(dim=3).sum(dim=2) / frames.clamp(min=1)
    present = (frames > 0).to(x.dtype).reshape(num_sequences, -1, 1)
    return person.reshape(shape).sum(dim=1) / present.sum(dim=1).clamp(min=1)
