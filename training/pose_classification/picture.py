"""Poses in a picture without what a network should not learn: where people were, how large."""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST = 1e-6  # spread of a person; a thousandth of a pixel


def fit_picture(x: Tensor) -> Tensor:
    """Take place and size of each person out of poses in a picture.

    x and y are centred on the mean of the sequence, so that motion across the picture is kept, and
    divided by their standard deviation about the means of the frames. Other channels stay.

    Args:
        x: (B, C, T, V) poses, C >= 2. Joints whose channels are all zero are missing.

    Returns:
        (B, C, T, V); missing joints stay zero.
    """
    seen = (x.abs().amax(dim=1, keepdim=True) != 0).to(x.dtype)
    places = x[:, :2]
    in_frames = seen.sum(dim=3, keepdim=True)
    count = in_frames.sum(dim=2, keepdim=True).clamp(min=1)
    sums = (places * seen).sum(dim=3, keepdim=True)
    off = (places - sums / in_frames.clamp(min=1)) * seen
    spread = (off.square().sum(dim=(1, 2, 3), keepdim=True) / count).sqrt().clamp(min=SMALLEST)
    fitted = (places - sums.sum(dim=2, keepdim=True) / count) * seen / spread
    return torch.cat([fitted, x[:, 2:]], dim=1)
